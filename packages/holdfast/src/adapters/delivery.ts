import type { Carrier } from '../carriers/carrier.ts'
import type { SessionView } from '../core/session.ts'
import type { HeaderPair } from './http-facts.ts'

/** The headers that bring a new token to the client: its cookie, and nobody on the way may keep a copy (ASVS 14.3.2). */
export function deliveryHeaders(
  carrier: Carrier,
  answer: {
    readonly token?: string | undefined
    readonly session: SessionView
    readonly persistent: boolean
  },
  now: number,
): readonly HeaderPair[] {
  const { token, persistent, session } = answer
  if (token === undefined || carrier.deliver === undefined) return []
  const value = carrier.deliver(token, { persistent, expiresAt: session.expiresAt, now })
  return [
    ['cache-control', 'no-store'],
    ['set-cookie', value],
  ]
}
