import type { Carrier } from '../../carriers/carrier.ts'
import type { Decision } from '../../core/decision.ts'
import { SessionError } from '../../core/errors.ts'
import type { RequestFacts } from '../../core/request.ts'
import type { SensitiveCall } from '../../core/sensitive-calls.ts'
import type { SessionView } from '../../core/session.ts'
import type { InTime } from './answer-time.ts'
import { deliveryHeaders, isSetCookie, NO_STORE } from './cookies.ts'
import type { HeaderPair, HttpFacts } from './http-request.ts'
import type { Done, TokensIssued } from './lifecycle.ts'
import type { GuardParts } from './parts.ts'

/** A call that leaves nothing to say. */
export const DONE: Done = { ok: true, headers: () => NO_HEADERS }
const NO_HEADERS: readonly HeaderPair[] = []

/** The request as the engine sees it. `posted`: client facts that came as a form field. */
export function requestOf(
  { describe, checks }: GuardParts,
  facts: HttpFacts,
  posted?: string,
): RequestFacts {
  return describe(facts, { ...checks.clientOf(facts), posted })
}

/** Throws before anything has happened to a session whose new cookie could not leave any more. */
export function checkDeliverable(facts: HttpFacts, carrier: Carrier | undefined): void {
  if (facts.deliverable !== false || carrier?.deliver === undefined) return
  throw new SessionError(
    'internal_error',
    'No cookie can leave with this answer any more. Call login() and completeStepUp() before its ' +
      'head is written, and not for an upgrade.',
  )
}

/**
 * Puts new tokens into cookies, where there are carriers for them. They stay behind when the answer
 * is late, or when a step-up or a logout has replaced them meanwhile.
 */
export function issued(
  { superseded, now }: GuardParts,
  {
    carrier,
    refresh,
    inTime,
  }: {
    readonly carrier: Carrier | undefined
    readonly refresh: Carrier | undefined
    readonly inTime: InTime
  },
  answer: {
    readonly token?: string
    readonly refreshToken?: string
    readonly session: SessionView
    readonly decision: Decision
    readonly persistent: boolean
    readonly meanwhile?: readonly SensitiveCall[]
  },
): TokensIssued {
  const { session, decision, token, refreshToken, persistent, meanwhile = [] } = answer
  const at = now()
  const delivery = deliveryHeaders(carrier, answer, at)
  const refreshDelivery = deliveryHeaders(refresh, { token: refreshToken, session, persistent }, at)
  const cookies = [...delivery, ...refreshDelivery].filter(isSetCookie)
  const headers = [NO_STORE, ...cookies]
  const before = superseded.count()
  return {
    ok: true,
    session,
    decision,
    headers: () => (inTime() && !superseded.since(session.id, before) ? headers : [NO_STORE]),
    token: delivery.length === 0 ? token : undefined,
    refreshToken: refreshDelivery.length === 0 ? refreshToken : undefined,
    meanwhile,
  }
}
