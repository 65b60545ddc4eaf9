import { acrMet } from '../../core/acr.ts'
import { sameNetwork, saysNothingNew, VISIT_GAP_MS, VISIT_MS } from '../../core/context.ts'
import type { Decision, Policy } from '../../core/decision.ts'
import { failuresOf } from '../../core/prompts.ts'
import type { SessionHead } from '../../core/session.ts'
import type { EngineContext, FastPolicy, OpenedSession } from '../context.ts'
import type { MatchedPresentation, ReducedPresentation } from './presentation.ts'
import { carriedEvidence, isProved } from './weigh.ts'

/**
 * Step 7 of `verify`: whether there is nothing new to weigh. The presentation has the session's
 * last context and facts, nothing speaks against it, and the route asks for nothing that is
 * missing.
 */
export function nothingNew(
  engine: EngineContext,
  { head, found }: OpenedSession,
  { presentation, presented }: MatchedPresentation,
): boolean {
  const { last, family, standing } = head
  if (head.fork !== null) return false
  if (presentation.sensitivity !== 'normal' || presented.maxAgeMs !== undefined) return false
  if (!isSameNetwork(engine, presentation, last.address)) return false
  if (!saysNothingNew(presentation, last.device)) return false
  if (standing === undefined || standing.state === 'challenged') return false
  if (failuresOf(head.failures, last.context) > 0) return false
  if (presented.acr !== undefined) {
    if (!isProved(family, last.context, standing.state)) return false
    if (!acrMet(family.acr, presented.acr, engine.acrOrder)) return false
  }
  // It opens no visit.
  if (presentation.passive === true) return true
  const silence = presentation.at - (found.lastActivity ?? last.at)
  const visiting = standing.state === 'confirmed' && presentation.at - standing.lastSeen < VISIT_MS
  return visiting || silence < VISIT_GAP_MS
}

/** Networks take no longer routes than these from each other (RFC 7454, section 6.1.3). */
const LONGEST_ROUTES = { v4: 24, v6: 48 }

/** {@link sameNetwork}, with no look-up where no route divides the prefix: it has one provider. */
function isSameNetwork(
  { networks }: EngineContext,
  presentation: ReducedPresentation,
  before: string | null,
): boolean {
  const { located } = presentation
  if (located.address === before) return true
  if (located.prefix !== networks.prefixOf(before)) return false
  if (isUndivided(located.prefix)) return true
  return sameNetwork(presentation.network, networks.describe(before))
}

function isUndivided(prefix: string | null): boolean {
  if (prefix === null) return true
  const bits = Number(prefix.slice(prefix.indexOf('/') + 1))
  return bits >= (prefix.includes(':') ? LONGEST_ROUTES.v6 : LONGEST_ROUTES.v4)
}

/** What the policy says of the last context where only its own decaying evidence is weighed. */
export function fastDecision(
  { scalesOf }: EngineContext,
  { standing, tenant, factors }: SessionHead,
  at: number,
): Decision {
  const evidence = standing === undefined ? [] : carriedEvidence(standing, at)
  return scalesOf(tenant).fast(evidence, {
    context: standing?.state ?? 'new',
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
