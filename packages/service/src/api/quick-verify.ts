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

interface Asked {
  readonly incoming: IncomingMessage
  readonly response: ServerResponse
  readonly seen: Seen
  readonly startedAt: number
  readonly bytes: Uint8Array
}

const VERIFY = '/v1/verify'
const BATCH = '/v1/verify/batch'
const SIMPLE_HOST = /^[a-z0-9.:[\]-]{1,255}$/i

/** Of at most the size that a head may have, a body is read before it is known who sent it. */
const UNKNOWN_BYTES = 16_384

/**
 * The two calls that carry the load, in front of the general machinery, which costs ten times what
 * judging a local copy does. The same checks, answers, log lines and counts; all requests of one
 * turn of the event loop are judged together. Whatever is unusual about a request goes the long
 * way.
 */
export function quickVerify(parts: ApiParts): Quick {
  const judged = presentationJudge(parts)
  let waiting: Asked[] = []

  function drain(): void {
    const all = waiting
    waiting = []
    for (const asked of all) answer(asked)
  }

  function answer(asked: Asked): void {
    const { incoming, seen } = asked
    try {
      if (seen.caller === null) checkCaller(incoming, seen)
      const body = bodyOf(asked)
      if (body instanceof Promise) {
        body.then(
          (text) => send(asked, 200, text),
          (error) => refuse(asked, error),
        )
      } else send(asked, 200, body)
    } catch (error) {
      refuse(asked, error)
    }
  }

  function bodyOf({ seen: { route, requestId }, bytes }: Asked): string | Promise<string> {
    const value = parseJson(bytes)
    if (route === VERIFY) {
      const one = asDescribed(ONE, value)
      const body = judged(one, requestId)
      return body instanceof Promise
        ? body.then((known) => JSON.stringify(known))
        : JSON.stringify(body)
    }
    const many = asDescribed(MANY, value)
    const results = many.presented.map((one) => judged(one, requestId))
    return results.some((result) => result instanceof Promise)
      ? Promise.all(results).then((known) => JSON.stringify({ results: known }))
      : JSON.stringify({ results })
  }

  function checkCaller({ headers }: IncomingMessage, seen: Seen): void {
    checkedCaller(parts, headers.authorization, { roles: VERIFY_ROLES, seen })
  }

  function refuse(asked: Asked | Omit<Asked, 'bytes'>, error: unknown): void {
    const { seen } = asked
    seen.error = error
    const fault = isInputFault(error) ? error.fault : faultOf(error)
    const problem = problemResponse(fault, seen.requestId)
    problem
      .text()
      .then((text) => send(asked, problem.status, text, Object.fromEntries(problem.headers)))
      .catch(() => asked.response.destroy())
  }

  function send(
    { incoming, response, seen, startedAt }: Omit<Asked, 'bytes'>,
    status: number,
    text: string,
    headers: Readonly<Record<string, string>> = JSON_TYPE,
  ): void {
    response.writeHead(status, {
      'cache-control': 'no-store',
      'content-length': Buffer.byteLength(text),
      ...STANDARD_HEADERS,
      ...headers,
      'x-request-id': seen.requestId,
    })
    response.end(text)
    observe(parts, seen, {
      method: 'POST',
      status,
      ms: performance.now() - startedAt,
      peer: incoming.socket.remoteAddress,
      header: (name) => incoming.headers[name],
    })
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
      refuse(asked, error)
      return true
    }
    readBytes(incoming, most).then(
      (bytes) => {
        if (waiting.push({ ...asked, bytes }) === 1) setImmediate(drain)
      },
      (error) => refuse(asked, error),
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
