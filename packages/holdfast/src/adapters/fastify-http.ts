import type { ServerResponse } from 'node:http'
import { isSetCookie, setCookiesOver } from './guard/cookies.ts'
import type { AnswerHeaders } from './guard/guard.ts'
import type { WholeAnswer } from './guard/http-request.ts'
import { holdHead } from './node-head.ts'

/** What is asked of a reply of Fastify. */
export interface Reply {
  readonly raw: ServerResponse
  code(status: number): unknown
  header(name: string, value: string | readonly string[]): unknown
  getHeader(name: string): number | string | string[] | undefined
  removeHeader(name: string): unknown
  send(body: string): unknown
}

/** Sets headers on a reply; the cookies among them when its head is written. */
export function setReplyHeaders(reply: Reply, headers: AnswerHeaders): void {
  if (reply.raw.headersSent) return
  const given = headers()
  for (const header of given) if (!isSetCookie(header)) reply.header(...header)
  if (given.some(isSetCookie)) holdHead(reply.raw, headers)
}

/** Sends a whole answer. */
export function sendReply(reply: Reply, answer: WholeAnswer): void {
  putOnReply(reply, answer)
  reply.send(answer.body)
}

/** Puts status and headers of a whole answer on a reply. */
export function putOnReply(reply: Reply, { status, headers }: WholeAnswer): void {
  reply.code(status)
  for (const header of headers) if (!isSetCookie(header)) reply.header(...header)
  if (headers.some(isSetCookie)) {
    const before = reply.getHeader('set-cookie')
    const values = before === undefined ? [] : [before].flat().map(String)
    // Fastify would append to the values that are there.
    reply.removeHeader('set-cookie')
    reply.header('set-cookie', setCookiesOver(values, headers))
  }
}
