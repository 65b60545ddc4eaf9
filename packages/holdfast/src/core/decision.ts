import { type Evidence, totalOf } from './evidence.ts'
import type { Sensitivity } from './request.ts'

/**
 * The answers of a policy, from mild to strict. docs/concepts.md says what each means.
 */
export type Outcome = 'allow' | 'observe' | 'challenge' | 'limit' | 'deny' | 'revoke'

/** An outcome with its reasons, largest first. `score` is exactly the sum of their weights. */
export interface Decision {
  readonly outcome: Outcome
  readonly score: number
  readonly because: readonly Evidence[]
}

/**
 * What a policy looks at besides the evidence: facts about the route and about the state of the
 * context.
 */
export interface Situation {
  readonly sensitivity: Sensitivity
  /** GET or HEAD. */
  readonly reading: boolean
  readonly context: 'confirmed' | 'provisional' | 'challenged' | 'new'
  /** The network (by ASN, else by prefix) is one that the subject has confirmed. */
  readonly networkConfirmed: boolean
  /** What the route asked for and the presented family has not. */
  readonly missing: readonly ('acr' | 'freshness')[]
  readonly forked: boolean
  /**
   * Nobody can have travelled here from where the session was used. Both places are known well
   * enough to say so. Absent: no such journey is known.
   */
  readonly travelImpossible?: boolean
  /** The subject has a second factor, so that a challenge can be passed. */
  readonly canStepUp: boolean
  /** A signal threw: nothing may be trusted more because of it. */
  readonly signalFailed: boolean
  /** Prompts begun from unconfirmed contexts within the last hour. */
  readonly prompts: number
  /** Something that only a thief does was proven. */
  readonly contradiction:
    | 'failed_key_proof'
    | 'step_up_failed_after_fork'
    | 'refresh_reused'
    | 'not_me'
    | null
}

/** Pure: evidence and situation in, decision out. */
export type Policy = (evidence: readonly Evidence[], situation: Situation) => Decision

/**
 * A decision with its reasons sorted. The score is computed here, so that it is always their sum.
 */
export function decision(outcome: Outcome, because: readonly Evidence[]): Decision {
  const sorted = [...because].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
  return { outcome, score: totalOf(sorted), because: sorted }
}
