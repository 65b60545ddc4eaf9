import type { IncomingMessage, ServerResponse } from 'node:http'
import { batchBody, checker, presented } from 'holdfast/wire'
import type { VerificationBody } from './answers.ts'
import { isJson, MAX_BODY_BYTES, parseJson, takeBytes } from './body.ts'
import { asDescribed, isInputFault, tracedAs } from './call.ts'
import { type Caller, checkAudience } from './callers.ts'
import { MAX_BATCH_BYTES, VERIFY_ROLES } from './calls/verify.ts'
import { checkedCaller, observe, type Seen, unknownCaller } from './exchange.ts'
import { acceptsLines, lineJudge, presentationJudge, unlimited } from './judges.ts'
import type { ApiParts } from './parts.ts'
import { faultOf, problemResponse } from './problem.ts'
import {
  type Answered,
  answeredNow,
  type Lines,
  send,
  sendKnownLines,
  sendLines,
  type ToAnswer,
} from './quick-answers.ts'
import { requestIdOf } from './request-id.ts'

/** Answers a request, or leaves it alone: false. */
export type Quick = (incoming: IncomingMessage, response: ServerResponse) => boolean

/** What the two calls need of the API's parts. */
export type QuickParts = Pick<
  ApiParts,
  | 'sessions'
  | 'cookies'
  | 'metrics'
  | 'tracing'
  | 'guesses'
  | 'callers'
  | 'callerAddress'
  | 'log'
  | 'flatLog'
  | 'waited'
>

interface Asked extends ToAnswer {
  /** Its body, once it has been read. */
  bytes: Uint8Array
  /** When its body was there, ms as of `performance.now`. */
  readAt: number
}

const NO_BYTES = new Uint8Array()

interface Judged {
  readonly asked: Asked
  readonly body: Body
}

const VERIFY = '/v1/verify'
const BATCH = '/v1/verify/batch'
const AUTHORIZATION = 'authorization'
const CONTENT_TYPE = 'content-type'
const SIMPLE_HOST = /^[a-z0-9.:[\]-]{1,255}$/i

/** For the log, as nginx has it: whoever asked has hung up, so nothing was judged. */
const CLIENT_GONE = 499

/** Some 20 presentations: a turn ends with them. */
const LARGE_BYTES = 16_384

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
  const judgedTogether = presentationJudge(unlimited(parts))
  const lines = lineJudge(parts)
  let waiting: Asked[] = []
  let judgedLater: Judged[] = []

  function drain(): void {
    const all = ofOneTurn(waiting)
    waiting = waiting.slice(all.length)
    if (waiting.length > 0) setImmediate(drain)
    const [oldest] = all
    if (oldest !== undefined) parts.waited?.(performance.now() - oldest.readAt)
    const judgedNow: Judged[] = []
    for (const asked of all) {
      if (asked.incoming.socket.destroyed) {
        log(answeredNow(asked, CLIENT_GONE))
        continue
      }
      const body = bodyOf(asked)
      if (body instanceof Promise) {
        body.then(
          (known) => answerLater({ asked, body: known }),
          (error) => refuse(asked, error),
        )
      } else judgedNow.push({ asked, body })
    }
    answerAll(judgedNow)
  }

  /** What the store answers at one moment is answered together, too. */
  function answerLater(one: Judged): void {
    if (judgedLater.push(one) > 1) return
    process.nextTick(() => {
      const all = judgedLater
      judgedLater = []
      answerAll(all)
    })
  }

  function answerAll(all: readonly Judged[]): void {
    const answered: Answered[] = []
    for (const { asked, body } of all) {
      try {
        if (!isLines(body)) answered.push(send(asked, 200, JSON.stringify(body)))
        else if (body.every(isKnown)) answered.push(sendKnownLines(asked, body, lines.textOf))
        else finish(asked, sendLines(asked, body, lines.textOf))
      } catch (error) {
        refuse(asked, error)
      }
    }
    for (const one of answered) log(one)
  }

  /** What is thrown for one request concerns that request alone. */
  function bodyOf(asked: Asked): Body | Promise<Body> {
    try {
      const { incoming, seen, here } = asked
      const caller = seen.caller ?? checkCaller(incoming, seen)
      return here === undefined ? judge(asked, caller) : here(() => judge(asked, caller))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  function judge({ incoming, seen, bytes }: Asked, caller: Caller): Body | Promise<Body> {
    const value = parseJson(bytes)
    const { requestId } = seen
    const traced = tracedAs(requestId, single(incoming.headers.traceparent))
    const asker = { caller, requestId, traced }
    if (seen.route === VERIFY) return judged(asDescribed(ONE, 'body', value), asker)
    if (acceptsLines(incoming.headers.accept)) return lines.judge(value, asker)
    const all = asDescribed(MANY, 'body', value).presented
    for (const { audience } of all) checkAudience(caller, audience)
    const results = all.map((one) => {
      try {
        return judgedTogether(one, asker)
      } catch (error) {
        return Promise.reject(error) // Thrown at once, it would leave those before unwaited for.
      }
    })
    return results.every(isKnown)
      ? { results }
      : Promise.all(results).then((known) => ({ results: known }))
  }

  function finish(asked: ToAnswer, sent: Promise<Answered>): void {
    sent
      .catch((error) => sendProblem(asked, error))
      .then(log)
      .catch(() => asked.response.destroy())
  }

  function checkCaller({ headers, socket }: IncomingMessage, seen: Seen): Caller {
    const caller = parts.callers(headers.authorization)
    if (caller === undefined) {
      const peer = socket.remoteAddress
      throw unknownCaller(parts, { peer, header: (name) => headers[name] })
    }
    return checkedCaller(caller, { roles: VERIFY_ROLES, seen })
  }

  function refuse(asked: ToAnswer, error: unknown): void {
    finish(asked, Promise.reject(error))
  }

  async function sendProblem(asked: ToAnswer, error: unknown): Promise<Answered> {
    const { seen } = asked
    seen.error = error
    const fault = isInputFault(error) ? error.fault : faultOf(error)
    const problem = problemResponse(fault, { requestId: seen.requestId })
    return send(asked, problem.status, await problem.text(), [...problem.headers].flat())
  }

  function log(answered: Answered): void {
    const { here } = answered.asked
    if (here === undefined) logHere(answered)
    else here(() => logHere(answered))
  }

  function logHere({ asked: { incoming, response, seen }, status, ms }: Answered): void {
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
    const here = parts.tracing?.here()
    const asked: Asked = {
      incoming,
      response,
      seen,
      startedAt,
      here,
      bytes: NO_BYTES,
      readAt: startedAt,
    }
    try {
      if (length > UNKNOWN_BYTES) checkCaller(incoming, seen)
    } catch (error) {
      refuse(asked, error)
      return true
    }
    takeBytes(incoming, {
      maxBytes: most,
      read(bytes) {
        asked.bytes = bytes
        asked.readAt = performance.now()
        if (waiting.push(asked) === 1) setImmediate(drain)
      },
      failed: (error) => refuse(asked, error),
    })
    return true
  }
}

const ONE = checker(presented, 'request')
const MANY = checker(batchBody, 'request')

/** What a request is answered with: a value, or lines of which some are not known yet. */
type Body = VerificationBody | { readonly results: readonly VerificationBody[] } | Lines

/** Up to a large batch: who asked for it goes on with its answers while the rest is judged. */
function ofOneTurn(waiting: readonly Asked[]): readonly Asked[] {
  let batched = 0
  for (const [at, { seen, bytes }] of waiting.entries()) {
    if (seen.route === BATCH) batched += bytes.length
    if (batched >= LARGE_BYTES) return waiting.slice(0, at + 1)
  }
  return waiting
}

function isLines(body: Body): body is Lines {
  return Array.isArray(body)
}

function isKnown<T>(value: T | Promise<T>): value is T {
  return !(value instanceof Promise)
}

/** JSON of a known length, from a caller who said each thing once. */
function isUsual({ headers, rawHeaders }: IncomingMessage): boolean {
  if (headers['transfer-encoding'] !== undefined || headers.expect !== undefined) return false
  if (!isJson(headers['content-type'] ?? '') || !SIMPLE_HOST.test(headers.host ?? '')) return false
  let authorizations = 0
  let types = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    if (name.length === AUTHORIZATION.length && name.toLowerCase() === AUTHORIZATION) {
      authorizations++
    } else if (name.length === CONTENT_TYPE.length && name.toLowerCase() === CONTENT_TYPE) {
      types++
    }
  }
  return authorizations <= 1 && types === 1
}

function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
