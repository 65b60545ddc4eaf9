import type { RefusalCode } from '../core/errors.ts'
import type { Demands } from '../core/sessions.ts'
import type { AccessClaims } from './access-claims.ts'

/** What became of an access token: its claims, or the code of the refusal. `reason` is for the log of the service alone. */
export type Access = { readonly ok: true; readonly claims: AccessClaims } | AccessRefused

/** A token that does not pass. The two faults decide nothing about it: the same may pass in a moment. */
export interface AccessRefused {
  readonly ok: false
  readonly code: RefusalCode | 'revocations_unavailable' | 'keys_unavailable'
  readonly reason: string
  /** With `step_up_required`: what was asked for. */
  readonly demands?: Demands
}

/** What one route asks of an access token. */
export interface AccessDemands {
  /** Least authentication context; compared by the verifier's `acrOrder`, else for equality. */
  readonly acr?: string
  /** Longest time since the subject proved anything, ms. */
  readonly freshWithin?: number
  /** Asks the authority about every token. Where it does not answer, nobody passes. Default false. */
  readonly strict?: boolean
  /**
   * Where the revocation feed is behind: `accept` goes on until a token expires (default), `refuse` answers
   * `revocations_unavailable`.
   */
  readonly whenBlind?: 'accept' | 'refuse'
}

export function refused(code: AccessRefused['code'], reason: string): AccessRefused {
  return { ok: false, code, reason }
}
