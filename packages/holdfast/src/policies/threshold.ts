import {
  type Decision,
  decision,
  type Outcome,
  type Policy,
  type Situation,
} from '../core/decision.ts'
import { SessionError } from '../core/errors.ts'
import { type Evidence, totalOf } from '../core/evidence.ts'
import { MAX_PROMPTS } from '../core/prompts.ts'
import { evidenceOf, type Reason } from '../signals/reasons.ts'

/**
 * Scores from which on a policy acts, in whole decibans from 1 to 200. None may be above the next
 * one.
 */
export interface Thresholds {
  /** Tell, and trust nothing new. */
  readonly observe: number
  /** Ask for a step-up. */
  readonly challenge: number
  /** Read only, even in a confirmed context, where evidence from two groups accuses. */
  readonly limit: number
  /** End a session of which two holders are proven, instead of asking both for a step-up. */
  readonly revokeForks: boolean
}

/**
 * Evidence in, decision out. Only a contradiction or a fork revokes. Passive evidence leads to the
 * step-up of one context at most. Every outcome states its cause, if need be as a reason of 0 dB.
 * Throws `config_invalid` for thresholds out of order or range.
 */
export function thresholdPolicy(thresholds: Thresholds): Policy {
  checkThresholds(thresholds)
  return (evidence, situation) => {
    const { outcome, causes } = judge(thresholds, evidence, situation)
    const given = new Set(evidence.map(({ reason }) => reason))
    const stated = causes
      .filter((cause) => !given.has(cause))
      .map((cause) =>
        evidenceOf(cause, 0, cause === 'prompts_exhausted' ? { prompts: situation.prompts } : {}),
      )
    return inFixedOrder(outcome, [...evidence, ...stated])
  }
}

const MOST = 200

/** A threshold that is no number would never be reached, and everything would pass. */
function checkThresholds({ observe, challenge, limit }: Thresholds): void {
  for (const [field, value] of Object.entries({ observe, challenge, limit })) {
    if (!Number.isInteger(value) || value < 1 || value > MOST)
      throw wrong(field, `must be a whole number of decibans from 1 to ${MOST}`)
  }
  if (observe > challenge) throw wrong('observe', `must not be above challenge (${challenge})`)
  if (challenge > limit) throw wrong('challenge', `must not be above limit (${limit})`)
}

function wrong(field: string, problem: string): SessionError {
  return new SessionError('config_invalid', `${field} ${problem}.`)
}

interface Verdict {
  readonly outcome: Outcome
  readonly causes: readonly Reason[]
}

function judge(
  thresholds: Thresholds,
  evidence: readonly Evidence[],
  situation: Situation,
): Verdict {
  const { contradiction, forked, canStepUp, context, prompts, signalFailed } = situation
  if (contradiction !== null) return { outcome: 'revoke', causes: [contradiction] }
  if (forked) {
    const outcome = thresholds.revokeForks || !canStepUp ? 'revoke' : 'challenge'
    return { outcome, causes: ['secret_forked', ...requirements(situation)] }
  }

  const score = totalOf(evidence)
  const overLimit = score >= thresholds.limit && accusingGroups(evidence) >= 2
  if (overLimit && context === 'confirmed') return { outcome: 'limit', causes: [] }

  const causes = requirements(situation)
  if (score >= thresholds.challenge || overLimit || causes.length > 0) {
    return prompts >= MAX_PROMPTS && context !== 'confirmed'
      ? { outcome: 'deny', causes: ['prompts_exhausted', ...causes] }
      : { outcome: 'challenge', causes }
  }
  if (signalFailed) return { outcome: 'observe', causes: ['signal_failed'] }
  return { outcome: score >= thresholds.observe ? 'observe' : 'allow', causes: [] }
}

/** What calls for a step-up, whatever the score. */
function requirements(situation: Situation): readonly Reason[] {
  const sensitive = situation.sensitivity === 'sensitive'
  const causes: Reason[] = []
  if (situation.travelImpossible === true) causes.push('travel_impossible')
  if (situation.context === 'challenged') causes.push('context_challenged')
  if (sensitive && !situation.networkConfirmed) causes.push('network_unconfirmed')
  if (situation.missing.includes('acr')) causes.push('acr_missing')
  if (situation.missing.includes('freshness')) causes.push('authentication_stale')
  if (sensitive && situation.signalFailed) causes.push('signal_failed')
  return causes
}

function accusingGroups(evidence: readonly Evidence[]): number {
  return new Set(evidence.filter(({ weight }) => weight > 0).map(({ group }) => group)).size
}

/** The same evidence in any order gives the same decision, reasons included. */
function inFixedOrder(outcome: Outcome, because: readonly Evidence[]): Decision {
  return decision(
    outcome,
    [...because].sort((a, b) => (a.reason < b.reason ? -1 : Number(a.reason > b.reason))),
  )
}
