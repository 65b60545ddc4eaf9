import type { Decision, Policy, Situation } from '../../core/decision.ts'
import type { Evidence } from '../../core/evidence.ts'

/** What the policy says where the route asks for nothing and nothing is new. */
export type FastPolicy = (
  evidence: readonly Evidence[],
  about: Pick<Situation, 'context' | 'canStepUp'>,
) => Decision

/** Policies are pure: what one said of no evidence at all, about nearly every request, it need not be asked again. */
export function fastPolicy(policy: Policy): FastPolicy {
  const said = new Map<string, Decision>()

  const ask: FastPolicy = (evidence, { context, canStepUp }) =>
    policy(evidence, {
      sensitivity: 'normal',
      reading: true,
      context,
      networkConfirmed: false,
      missing: [],
      forked: false,
      canStepUp,
      signalFailed: false,
      prompts: 0,
      contradiction: null,
    })

  return (evidence, about) => {
    if (evidence.length > 0) return ask(evidence, about)
    const name = about.canStepUp ? about.context : WITHOUT_STEP_UP[about.context]
    const known = said.get(name) ?? ask(evidence, about)
    said.set(name, known)
    // everybody gets one of their own
    return { outcome: known.outcome, score: known.score, because: [...known.because] }
  }
}

const WITHOUT_STEP_UP = {
  confirmed: 'confirmed, no step-up',
  provisional: 'provisional, no step-up',
  challenged: 'challenged, no step-up',
  new: 'new, no step-up',
} as const
