import { Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { SessionError } from 'holdfast'
import { isLoopbackHost } from 'holdfast/network'
import type { LoggedLine } from '../entry.ts'
import { type Attempt, type DeliveryOptions, delivery } from './delivery.ts'
import { type BodyName, bodyKind } from './https-bodies.ts'
import { type AuditOutput, type OutputDependencies, timer } from './output.ts'
import type { Shipment } from './queue.ts'
import { type TlsFiles, tlsOptions } from './tls-files.ts'

export interface HttpsOutputOptions extends DeliveryOptions {
  readonly format: (entry: LoggedLine) => object
  readonly url: string
  readonly body: BodyName
  /** Sent with each request, such as `authorization`. */
  readonly headers: Readonly<Record<string, string>>
  readonly tls: TlsFiles
  /** For a request and its whole answer. */
  readonly timeoutMs: number
  /** `http:` to other machines than this one. What is sent can be read and changed on its way. */
  readonly allowPlain: boolean
  /** Of this software. */
  readonly version: string
}

interface Answer {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly text: string
}

/** Enough for the statuses of a batch of `_bulk`. More is not read. */
const MOST_ANSWER_BYTES = 524_288

/**
 * Posts batches and waits for the answer of each. Redirects are not followed: the address is the
 * operator's word about who may see the log. Addresses are not filtered for the same reason.
 */
export function httpsOutput(
  options: HttpsOutputOptions,
  dependencies: OutputDependencies,
): AuditOutput {
  const { format, timeoutMs, tls, headers } = options
  const { later = timer, now } = dependencies
  const url = addressOf(options)
  const secure = url.protocol === 'https:'
  const kind = bodyKind(options.body, options.version)
  const agent = new (secure ? SecureAgent : PlainAgent)({ keepAlive: true, maxSockets: 1 })

  function ask(body: Buffer, signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = (secure ? secureRequest : plainRequest)(url, {
        method: 'POST',
        agent,
        signal,
        headers: {
          'user-agent': `holdfast/${options.version}`,
          ...headers,
          'content-type': kind.contentType,
          'content-length': body.length,
        },
        ...(secure ? tlsOptions(tls) : {}),
      })
      const cancel = later(timeoutMs, () => {
        request.destroy(new Error(`no answer within ${timeoutMs} ms`))
      })
      const fail = (error: Error): void => {
        cancel()
        reject(error)
      }
      request.on('error', (error: Error & { readonly code?: string }) => {
        // The receiver has ended an idle connection while this was on its way: no outage.
        const stale = request.reusedSocket && error.code === 'ECONNRESET' && !signal.aborted
        if (!stale) return fail(error)
        cancel()
        return resolve(ask(body, signal))
      })
      request.on('response', (response) => {
        const chunks: Buffer[] = []
        let size = 0
        const finish = (): void => {
          cancel()
          const { statusCode: status = 0, headers: fields } = response
          const text = Buffer.concat(chunks).toString()
          resolve({ status, retryAfter: fields['retry-after'], text })
        }
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size <= MOST_ANSWER_BYTES) return chunks.push(chunk)
          finish()
          return response.destroy()
        })
        response.on('end', finish)
        response.on('error', fail)
      })
      request.end(body)
    })
  }

  async function attempt(batch: readonly Shipment[], signal: AbortSignal): Promise<Attempt> {
    const answer = await ask(Buffer.from(kind.body(batch.map(({ text }) => text))), signal)
    const { status } = answer
    if (status >= 200 && status < 300) return kind.accepted?.(answer.text) ?? { ok: true }
    const problem = `it answers ${status}`
    if (REFUSALS.has(status)) return { ok: false, problem, refused: true }
    return { ok: false, problem, retryAfterMs: retryAfterMs(answer.retryAfter, now()) }
  }

  const carrier = {
    encode: (entry: LoggedLine) => kind.encode(entry, format(entry)),
    attempt,
    close: () => agent.destroy(),
  }
  return delivery(carrier, options, dependencies)
}

/** The batch itself is at fault. Everything else may be mended at the receiver. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 422])

function addressOf({ name, url: text, body, allowPlain }: HttpsOutputOptions): URL {
  if (!URL.canParse(text)) throw new SessionError('config_invalid', `${name}: no URL`)
  const url = new URL(text)
  const allowed = allowPlain || isLoopbackHost(url.host)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && allowed)) {
    throw new SessionError('config_invalid', `${name}: must be https, or http to this machine`)
  }
  // An answer of `_bulk` repeats much for each entry unless it is told what is wanted.
  if (body === 'elastic') url.searchParams.set('filter_path', 'errors,items.*.status')
  return url
}

/** Seconds or a date (RFC 9110, section 10.2.3). */
function retryAfterMs(field: string | undefined, now: number): number {
  if (field === undefined) return 0
  if (/^\d{1,9}$/.test(field)) return Number(field) * 1_000
  const at = Date.parse(field)
  return Number.isNaN(at) ? 0 : Math.max(0, at - now)
}
