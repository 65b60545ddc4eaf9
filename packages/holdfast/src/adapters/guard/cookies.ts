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
 * The `Set-Cookie` values of an answer with one more. An earlier value of the same cookie gives way
 * (RFC 6265, section 4.1.1), so that the secret of a step-up is never followed by the one that it
 * replaced.
 */
export function withSetCookie(values: readonly string[], value: string): readonly string[] {
  const name = value.slice(0, value.indexOf('=') + 1)
  return [...values.filter((other) => !other.startsWith(name)), value]
}
