import type { ServerResponse } from 'node:http'
import {
  type AnswerHeaders,
  isSetCookie,
  NO_STORE,
  setCookiesBeside,
  setCookiesOver,
} from './guard/cookies.ts'
import type { WholeAnswer } from './guard/http-request.ts'

/**
 * Sets headers now, and the cookies among them when the head is written. They go beside those that
 * the application sets in the meantime, by whatever call.
 */
export function setAnswerHeaders(response: ServerResponse, headers: AnswerHeaders): void {
  if (response.headersSent) return
  const given = headers()
  for (const header of given) if (!isSetCookie(header)) response.setHeader(...header)
  if (given.some(isSetCookie)) holdHead(response, headers)
}

/**
 * Asks for the cookies of an answer when its head is written, and only then. An answer with such a
 * cookie is not stored, whatever the handler said of it: nobody on the way may keep a token (ASVS
 * 14.3.2). It leaves at once: Node would keep a head back until the first byte of the body.
 */
export function holdHead(response: ServerResponse & Held, headers: AnswerHeaders): void {
  const before = response[HELD]
  if (before !== undefined) {
    before.push(headers)
    return
  }
  const held = [headers]
  response[HELD] = held
  let added: readonly string[] = []
  // Every way to write a head ends here: `write`, `end`, `flushHeaders`, pipes, HTTP/2.
  const { writeHead } = response
  const checked = (...args: unknown[]): ServerResponse => {
    if (response.headersSent) return Reflect.apply(writeHead, response, args)
    const ours = held.flatMap((one) => one()).filter(isSetCookie)
    const given = args.at(-1)
    const own = typeof given === 'object' && given !== null ? given : undefined
    if (own !== undefined) setGiven(response, own)
    const cookies = setCookiesOf(response).filter((cookie) => !added.includes(cookie))
    added = setCookiesBeside(cookies, ours)
    if (added.length > 0) {
      response.setHeader('set-cookie', [...cookies, ...added])
      response.setHeader(...NO_STORE)
    }
    Reflect.apply(writeHead, response, own === undefined ? args : args.slice(0, -1))
    if (added.length > 0) response.flushHeaders()
    return response
  }
  response.writeHead = checked
}

/** On the response itself, as the guards of several routes may have cookies for one answer. */
const HELD = Symbol('headers of the answer')

interface Held {
  [HELD]?: AnswerHeaders[]
}

/** Sends a whole answer and ends the response. */
export function sendAnswer(response: ServerResponse, answer: WholeAnswer): void {
  putOnResponse(response, answer)
  response.end(answer.body)
}

/** Puts status and headers of a whole answer on a response. */
export function putOnResponse(response: ServerResponse, { status, headers }: WholeAnswer): void {
  response.statusCode = status
  for (const header of headers) if (!isSetCookie(header)) response.setHeader(...header)
  if (headers.some(isSetCookie)) {
    response.setHeader('set-cookie', setCookiesOver(setCookiesOf(response), headers))
  }
}

/**
 * Headers that a handler or a framework gives to `writeHead` itself: an object, pairs, or a list of
 * names and values by turns.
 */
function setGiven(response: ServerResponse, given: object): void {
  if (!Array.isArray(given)) {
    for (const [name, value] of Object.entries(given)) response.setHeader(name, value)
    return
  }
  const pairs = Array.isArray(given[0]) ? given : pairsOf(given)
  for (const [name] of pairs) response.removeHeader(name)
  for (const [name, value] of pairs) response.appendHeader(name, value)
}

function pairsOf(flat: readonly string[]): readonly (readonly string[])[] {
  return flat.flatMap((name, at) => (at % 2 === 0 ? [[name, ...flat.slice(at + 1, at + 2)]] : []))
}

/** The `Set-Cookie` values that are set on a response. */
export function setCookiesOf(response: ServerResponse): readonly string[] {
  const value = response.getHeader('set-cookie')
  if (value === undefined) return []
  return Array.isArray(value) ? value : [String(value)]
}
