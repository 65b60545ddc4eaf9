import type { Decision, Policy } from '../core/decision.ts'
import type { SessionEvent } from '../core/events.ts'
import type { Evidence } from '../core/evidence.ts'
import type { Reason } from '../signals/reasons.ts'

/** What a policy states by itself, at 0 dB, when it comes from the situation and not from the evidence. */
const STATED: ReadonlySet<string> = new Set<Reason>([
  'context_challenged',
  'network_unconfirmed',
  'acr_missing',
  'authentication_stale',
  'prompts_exhausted',
  'secret_forked',
  'failed_key_proof',
  'step_up_failed_after_fork',
  'refresh_reused',
  'not_me',
])

/**
 * What another policy would have said of the evidence and the situation that an event holds. Each decision by itself:
 * what it would have changed about later ones, nobody can say. Undefined where the event holds no decision, or one that
 * was not the policy's alone.
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
