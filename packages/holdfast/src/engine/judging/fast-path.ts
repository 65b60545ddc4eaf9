import { acrMet } from '../../core/acr.ts'
import {
  findContext,
  sameNetwork,
  saysNothingNew,
  VISIT_GAP_MS,
  VISIT_MS,
} from '../../core/context.ts'
import type { Decision, Policy } from '../../core/decision.ts'
import { failuresOf } from '../../core/prompts.ts'
import type { SessionState } from '../../core/session.ts'
import type { EngineContext, FastPolicy, OpenedSession } from '../context.ts'
import type { MatchedPresentation } from './presentation.ts'
import { carriedEvidence, provedAt } from './weigh.ts'

/**
 * Step 7 of `verify`: whether there is nothing new to weigh. The presentation has the session's
 * last context and facts, nothing speaks against it, and the route asks for nothing that is
 * missing.
 */
export function nothingNew(
  { acrOrder }: EngineContext,
  { state, found }: OpenedSession,
  { presentation, presented }: MatchedPresentation,
): boolean {
  const { last, family } = state
  if (state.fork !== null) return false
  if (presentation.sensitivity !== 'normal' || presented.maxAgeMs !== undefined) return false
  if (!sameNetwork(presentation.network, last.network)) return false
  if (!saysNothingNew(presentation, last.device)) return false
  const context = findContext(state.contexts, last.context)
  if (context === undefined || context.state === 'challenged') return false
  if (failuresOf(state.failures, last.context) > 0) return false
  if (presented.acr !== undefined) {
    if (!provedAt(state, last.context)) return false
    if (!acrMet(family.acr, presented.acr, acrOrder)) return false
  }
  const silence = presentation.at - (found.lastActivity ?? last.at)
  const visiting = context.state === 'confirmed' && presentation.at - context.lastSeen < VISIT_MS
  return visiting || silence < VISIT_GAP_MS
}

/** What the policy says of the last context where only its own decaying evidence is weighed. */
export function fastDecision(
  { scalesOf }: EngineContext,
  { contexts, last, tenant, factors }: SessionState,
  at: number,
): Decision {
  const context = findContext(contexts, last.context)
  const evidence = context === undefined ? [] : carriedEvidence(context, at)
  return scalesOf(tenant).fast(evidence, {
    context: context?.state ?? 'new',
    canStepUp: factors.length > 0,
  })
}

/** A policy is pure, so its answer to no evidence at all is computed once. */
export function fastPolicy(policy: Policy): FastPolicy {
  const answers = new Map<string, Decision>()

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
    const answer = answers.get(name) ?? ask(evidence, about)
    answers.set(name, answer)
    // Each caller gets a copy, so that none can change the answer of the others.
    return { outcome: answer.outcome, score: answer.score, because: [...answer.because] }
  }
}

const WITHOUT_STEP_UP = {
  confirmed: 'confirmed, no step-up',
  provisional: 'provisional, no step-up',
  challenged: 'challenged, no step-up',
  new: 'new, no step-up',
} as const
