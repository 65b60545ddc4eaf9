import type { IncomingMessage, ServerResponse } from 'node:http'
import { batchBody, type Checker, checker, presented } from 'holdfast/wire'
import { checkShape, isJson, MAX_BODY_BYTES, parseJson, readBytes } from './body.ts'
import { checked, isInputFault } from './call.ts'
import { MAX_BATCH_BYTES, presentationJudge, VERIFY_ROLES } from './calls/verify.ts'
import { checkedCaller, observe, type Seen, STANDARD_HEADERS } from './exchange.ts'
import type { ApiParts } from './parts.ts'
import { faultOf, problemResponse } from './problem.ts'
import { requestIdOf } from './request-id.ts'

/** Answers a request, or leaves it alone: false. */
export type Quick = (incoming: IncomingMessage, response: ServerResponse) => boolean

/** What the two calls need of the API's parts. */
export type QuickParts = Pick<
  ApiParts,
  'sessions' | 'cookies' | 'metrics' | 'callers' | 'callerAddress' | 'log' | 'flatLog'
>

interface ToAnswer {
  readonly incoming: IncomingMessage
  readonly response: ServerResponse
  readonly seen: Seen
  readonly startedAt: number
}

interface Asked extends ToAnswer {
  readonly bytes: Uint8Array
}

/** What the log will say of a request. */
interface Answered {
  readonly asked: ToAnswer
  readonly status: number
  readonly ms: number
}

const VERIFY = '/v1/verify'
const BATCH = '/v1/verify/batch'
const SIMPLE_HOST = /^[a-z0-9.:[\]-]{1,255}$/i

/** Of at most the size that a head may have, a body is read before it is known who sent it. */
const UNKNOWN_BYTES = 16_384

/**
 * The two calls that carry the load, in front of the general machinery, which costs ten times what
 * judging a local copy does. The same checks, answers, log lines and counts. All requests of one
 * turn of the event loop are judged, then answered, then logged: a step runs faster right after the
 * same step of another request. Whatever is unusual about a request goes the long way.
 */
export function quickVerify(parts: QuickParts): Quick {
  const judged = presentationJudge(parts)
  let waiting: Asked[] = []

  function drain(): void {
    const all = waiting
    waiting = []
    const bodies = all.map(bodyOf)
    const answered: Answered[] = []
    for (const [at, asked] of all.entries()) {
      const body = bodies[at]
      try {
        if (body instanceof Promise) sendLater(asked, body)
        else answered.push(send(asked, 200, JSON.stringify(body)))
      } catch (error) {
        sendLater(asked, Promise.reject(error))
      }
    }
    for (const one of answered) log(one)
  }

  /** What is thrown for one request concerns that request alone. */
  function bodyOf(asked: Asked): unknown {
    try {
      if (asked.seen.caller === null) checkCaller(asked.incoming, asked.seen)
      return judge(asked)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  function judge({ seen: { route, requestId }, bytes }: Asked): unknown {
    const value = parseJson(bytes)
    if (route === VERIFY) return judged(asDescribed(ONE, value), requestId)
    const results = asDescribed(MANY, value).presented.map((one) => judged(one, requestId))
    return results.some((result) => result instanceof Promise)
      ? Promise.all(results).then((known) => ({ results: known }))
      : { results }
  }

  function sendLater(asked: ToAnswer, body: Promise<unknown>): void {
    body
      .then((known) => send(asked, 200, JSON.stringify(known)))
      .catch((error) => refuse(asked, error))
      .then(log)
      .catch(() => asked.response.destroy())
  }

  function checkCaller({ headers }: IncomingMessage, seen: Seen): void {
    checkedCaller(parts, headers.authorization, { roles: VERIFY_ROLES, seen })
  }

  async function refuse(asked: ToAnswer, error: unknown): Promise<Answered> {
    const { seen } = asked
    seen.error = error
    const fault = isInputFault(error) ? error.fault : faultOf(error)
    const problem = problemResponse(fault, seen.requestId)
    return send(asked, problem.status, await problem.text(), Object.fromEntries(problem.headers))
  }

  function send(
    asked: ToAnswer,
    status: number,
    text: string,
    headers: Readonly<Record<string, string>> = JSON_TYPE,
  ): Answered {
    const { response, seen, startedAt } = asked
    response.writeHead(status, {
      'cache-control': 'no-store',
      'content-length': Buffer.byteLength(text),
      ...STANDARD_HEADERS,
      ...headers,
      'x-request-id': seen.requestId,
    })
    response.end(text)
    return { asked, status, ms: performance.now() - startedAt }
  }

  function log({ asked: { incoming, response, seen }, status, ms }: Answered): void {
    try {
      observe(parts, seen, {
        method: 'POST',
        status,
        ms,
        peer: incoming.socket.remoteAddress,
        header: (name) => incoming.headers[name],
      })
    } catch {
      response.destroy() // Nobody is answered without a line in the log.
    }
  }

  return (incoming, response) => {
    const { url: route, headers } = incoming
    if (incoming.method !== 'POST' || (route !== VERIFY && route !== BATCH)) return false
    if (!isUsual(incoming)) return false
    const most = route === VERIFY ? MAX_BODY_BYTES : MAX_BATCH_BYTES
    const length = Number(headers['content-length'])
    if (!(length <= most)) return false

    const startedAt = performance.now()
    const seen: Seen = {
      requestId: requestIdOf(single(headers['x-request-id'])),
      route,
      caller: null,
    }
    const asked = { incoming, response, seen, startedAt }
    try {
      if (length > UNKNOWN_BYTES) checkCaller(incoming, seen)
    } catch (error) {
      sendLater(asked, Promise.reject(error))
      return true
    }
    readBytes(incoming, most).then(
      (bytes) => {
        if (waiting.push({ ...asked, bytes }) === 1) setImmediate(drain)
      },
      (error) => sendLater(asked, Promise.reject(error)),
    )
    return true
  }
}

const JSON_TYPE = { 'content-type': 'application/json' }

const ONE = checker(presented, 'request')
const MANY = checker(batchBody, 'request')

/** What is as described is neither deep nor full of strange names: only the rest is looked at. */
function asDescribed<T>(check: Checker<T>, value: unknown): T {
  if (check.accepts(value)) return value
  checkShape(value)
  return checked(check, 'body', value)
}

/** JSON of a known length, from a caller who said each thing once. */
function isUsual({ headers, rawHeaders }: IncomingMessage): boolean {
  if (headers['transfer-encoding'] !== undefined || headers.expect !== undefined) return false
  if (!isJson(headers['content-type'] ?? '') || !SIMPLE_HOST.test(headers.host ?? '')) return false
  let authorizations = 0
  let types = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase()
    if (name === 'authorization') authorizations++
    else if (name === 'content-type') types++
  }
  return authorizations <= 1 && types === 1
}

function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
