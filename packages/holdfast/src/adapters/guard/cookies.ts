import type { Carrier } from '../../carriers/carrier.ts'
import type { SessionView } from '../../core/session.ts'
import type { HeaderPair } from './http-request.ts'

/** A new token for the client; undefined when the client keeps the one that it has. */
export interface TokenDelivery {
  readonly token?: string | undefined
  readonly session: SessionView
  /** The cookie survives the end of the browser. */
  readonly persistent: boolean
}

/**
 * The headers that go with an answer, as of the moment at which they are asked for. Ask when the
 * head of the answer is written: an answer brings its secret in time or not at all.
 */
export type AnswerHeaders = () => readonly HeaderPair[]

/** Nobody on the way may keep a copy of an answer with a token (ASVS 14.3.2). */
export const NO_STORE: HeaderPair = ['cache-control', 'no-store']

/** The headers that bring a new token to the client; none where the carrier cannot deliver one. */
export function deliveryHeaders(
  carrier: Carrier | undefined,
  { token, persistent, session }: TokenDelivery,
  now: number,
): readonly HeaderPair[] {
  if (token === undefined || carrier?.deliver === undefined) return []
  const value = carrier.deliver(token, { persistent, expiresAt: session.expiresAt, now })
  return [NO_STORE, setCookie(value)]
}

/** The header line of a `Set-Cookie` value. */
export function setCookie(value: string): HeaderPair {
  return ['set-cookie', value]
}

/** Whether a header line sets a cookie. */
export function isSetCookie([name]: HeaderPair): boolean {
  return name === 'set-cookie'
}

/** The value of the first `Set-Cookie` line. */
export function setCookieIn(headers: readonly HeaderPair[]): string | undefined {
  return headers.find(isSetCookie)?.[1]
}

/**
 * The guard's `Set-Cookie` values that go beside those that the handler has set itself. A cookie is
 * set once in an answer (RFC 6265, section 4.1.1). The handler's own value is the newer one and
 * stays. Of the guard's the last one stays, so that the secret of a step-up is never followed by
 * the one that it replaced.
 */
export function setCookiesBeside(
  own: readonly string[],
  headers: readonly HeaderPair[],
): readonly string[] {
  const taken = new Set(own.map(cookieName))
  const beside = new Map<string, string>()
  for (const header of headers) {
    const name = cookieName(header[1])
    if (isSetCookie(header) && !taken.has(name)) beside.set(name, header[1])
  }
  return [...beside.values()]
}

/**
 * The `Set-Cookie` values of an answer that the guard makes itself: its own, and of those that the
 * application has set before the ones with other names.
 */
export function setCookiesOver(
  before: readonly string[],
  headers: readonly HeaderPair[],
): readonly string[] {
  const own = headers.filter(isSetCookie).map(([, value]) => value)
  const taken = new Set(own.map(cookieName))
  return [...before.filter((value) => !taken.has(cookieName(value))), ...own]
}

function cookieName(setCookie: string): string {
  return setCookie.slice(0, setCookie.indexOf('=')).trim()
}
