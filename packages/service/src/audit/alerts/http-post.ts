import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import {
  connectionProblem,
  filteredLookup,
  filteringAgents,
  isRefusal,
  isRefusedHost,
  REFUSED_ADDRESS,
  type Reach,
} from './address-filter.ts'
import { type Delivery, FEW_TRIES } from './target.ts'

/** Sends one message. */
export type Post = (message: {
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}) => Promise<Delivery>

/** Of an answer's body no more is taken from the line, and nothing of it is kept. */
const MOST_ANSWER_BYTES = 4_096
const LONGEST_BODY_MS = 1_000
const MOST_HEADER_BYTES = 16_384

/**
 * JSON by POST to one URL, within the reach. Redirects are not followed: they could lead inward.
 * Throws for what is no http or https URL.
 */
export function jsonPost(
  url: string,
  { reach, now }: { readonly reach: Reach; readonly now: () => number },
): Post {
  const to = new URL(url)
  if (to.protocol !== 'https:' && to.protocol !== 'http:') throw new TypeError('not an http URL')
  const agents = filteringAgents(reach)
  const secure = to.protocol === 'https:'
  const lookup = filteredLookup(reach)

  return ({ body, headers = {}, signal }) =>
    new Promise((resolve) => {
      if (isRefusedHost(to.hostname, reach)) {
        resolve({ problem: REFUSED_ADDRESS, mostTries: FEW_TRIES })
        return
      }
      const request = (secure ? httpsRequest : httpRequest)(to, {
        method: 'POST',
        agent: secure ? agents.https : agents.http,
        lookup,
        signal,
        maxHeaderSize: MOST_HEADER_BYTES,
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'content-length': Buffer.byteLength(body),
          'user-agent': 'holdfast',
          ...headers,
        },
      })
      request.on('error', (error) => {
        const few = isRefusal(error) ? { mostTries: FEW_TRIES } : {}
        resolve({ problem: connectionProblem(error), ...few })
      })
      request.on('response', (response) => {
        // The status is the answer: what follows it may hang, break off or be endless.
        resolve(deliveryOf(response.statusCode ?? 0, response.headers['retry-after'], now()))
        let bytes = 0
        const cut = setTimeout(() => response.destroy(), LONGEST_BODY_MS)
        response.on('close', () => clearTimeout(cut))
        response.on('error', () => response.destroy())
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > MOST_ANSWER_BYTES) response.destroy()
        })
      })
      request.end(body)
    })
}

function deliveryOf(status: number, retryAfter: string | undefined, now: number): Delivery {
  if (status >= 200 && status < 300) return 'delivered'
  // Standard Webhooks: the receiver is gone for good.
  if (status === 410) return { dead: 'It answered 410: it wants no more.' }
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const retryAfterMs = retryAfterOf(retryAfter, now)
    const problem = `It answered ${status}.`
    return retryAfterMs === undefined ? { problem } : { problem, retryAfterMs }
  }
  const redirect = status >= 300 && status < 400 ? ' Redirects are not followed.' : ''
  return { problem: `It answered ${status}.${redirect}`, mostTries: FEW_TRIES }
}

/** RFC 9110, section 10.2.3: seconds or a date. */
function retryAfterOf(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000
  const at = /^[A-Z][a-z]{2,8},? /.test(header) ? Date.parse(header) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.max(at - now, 0)
}
