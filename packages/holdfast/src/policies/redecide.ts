import type { Decision, Policy } from '../core/decision.ts'
import type { SessionEvent } from '../core/events.ts'
import type { Evidence } from '../core/evidence.ts'
import type { Reason } from '../signals/reasons.ts'

/** Reasons of 0 dB that a policy takes from the situation and not from the evidence. */
const STATED: ReadonlySet<string> = new Set<Reason>([
  'context_challenged',
  'network_unconfirmed',
  'acr_missing',
  'authentication_stale',
  'prompts_exhausted',
  'secret_forked',
  'travel_impossible',
  'failed_key_proof',
  'step_up_failed_after_fork',
  'refresh_reused',
  'not_me',
])

/**
 * What another policy would have decided on the evidence and the situation that an event holds.
 * Each decision stands alone: what it would have changed about later ones is not known. Undefined
 * where the event holds no decision, or one that was not the policy's alone.
 */
export function redecide(
  policy: Policy,
  { decision, situation }: Pick<SessionEvent, 'decision' | 'situation'>,
): Decision | undefined {
  if (decision === null || situation === null) return undefined
  return policy(decision.because.filter(isEvidence), situation)
}

function isEvidence({ reason, weight }: Evidence): boolean {
  return weight !== 0 || !STATED.has(reason)
}
