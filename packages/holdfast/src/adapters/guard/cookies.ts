import type { Carrier } from '../../carriers/carrier.ts'
import type { SessionView } from '../../core/session.ts'
import type { HeaderPair } from './http-request.ts'

/** Tokens that a client is to get, and how long they may stay with it. */
export interface Deliverable {
  readonly token?: string | undefined
  readonly session: SessionView
  readonly persistent: boolean
}

/** The headers that bring a new token to the client: its cookie, and nobody on the way may keep a copy (ASVS 14.3.2). */
export function deliveryHeaders(
  carrier: Carrier | undefined,
  { token, persistent, session }: Deliverable,
  now: number,
): readonly HeaderPair[] {
  if (token === undefined || carrier?.deliver === undefined) return []
  const value = carrier.deliver(token, { persistent, expiresAt: session.expiresAt, now })
  return [NO_STORE, ['set-cookie', value]]
}

export const NO_STORE: HeaderPair = ['cache-control', 'no-store']

/**
 * The `Set-Cookie` values of an answer after one more: an earlier value of the same cookie gives way (RFC 6265, section
 * 4.1.1), so that the secret of a step-up is never followed by the one that it replaced.
 */
export function withSetCookie(values: readonly string[], value: string): readonly string[] {
  const name = value.slice(0, value.indexOf('=') + 1)
  return [...values.filter((other) => !other.startsWith(name)), value]
}
