import { acrMet } from '../../core/acr.ts'
import {
  type Context,
  contextKey,
  decayed,
  findContext,
  MAX_REREADS,
  sameDevice,
  sameNetwork,
} from '../../core/context.ts'
import type { Decision, Policy, Situation } from '../../core/decision.ts'
import type { Evidence, Signal } from '../../core/evidence.ts'
import type { SubjectHistory } from '../../core/history.ts'
import { failuresOf, recentPrompts } from '../../core/prompts.ts'
import type { Presentation } from '../../core/request.ts'
import type { SessionState } from '../../core/session.ts'
import { networkConfirmed } from '../../signals/network-confirmed.ts'
import { evidenceOf } from '../../signals/reasons.ts'
import { WEIGHTS } from '../../signals/weights.ts'

/** What a route asks for beyond a session that is rightfully held, and what is proven before anything is weighed. */
export interface WeighOptions {
  readonly acr?: string | undefined
  readonly maxAgeMs?: number | undefined
  readonly contradiction?: Situation['contradiction']
}

export interface Weighing {
  /** The answer to this request. */
  readonly decision: Decision
  /** The answer if the route had asked for nothing: what it says of the context itself. */
  readonly standing: Decision
  /** What the policy was given. */
  readonly evidence: readonly Evidence[]
  readonly situation: Situation
  readonly existing: Context | undefined
  readonly key: string
}

/** What weighs: the same engine in production and in `explain`. */
export interface Scales {
  readonly signals: readonly Signal[]
  readonly policy: Policy
  readonly acrOrder: readonly string[]
}

const MAX_FAILURES_WEIGHED = 2

/**
 * Weighs one presentation against what the session and its subject's past say. Pure: the same record,
 * presentation and history always give the same decision, which is what makes `explain` honest.
 */
export function weigh(
  scales: Scales,
  session: SessionState,
  presentation: Presentation,
  history: SubjectHistory,
  demand: WeighOptions = {},
): Weighing {
  const { at, network, device } = presentation
  const key = contextKey(network, device)
  const existing = findContext(session.contexts, key)
  const rejudged = existing?.state === 'challenged'
  const { evidence, failed } = look(scales.signals, session, presentation, history)
  const changed = existing === undefined || !sameFactsAs(existing, presentation)
  const settled = !changed && !rejudged && session.last.context === key

  // What the subject's past has confirmed is about to be confirmed in this session too.
  const confirmed = history.contexts.some(
    (known) => known.key === key && known.state === 'confirmed',
  )
  const carried = carriedOver(session, at, { key, existing, confirmed, evidence })
  const failures = Math.min(failuresOf(session.failures, key), MAX_FAILURES_WEIGHED)
  const because = [
    // Staying where one is speaks for the owner once, on coming there, and not with every request.
    ...(settled ? evidence.filter(({ weight }) => weight >= 0) : evidence),
    ...carried,
    ...(failures === 0 ? [] : [failedStepUps(failures)]),
  ]

  const situation: Situation = {
    sensitivity: presentation.sensitivity,
    reading: presentation.method === 'GET' || presentation.method === 'HEAD',
    context:
      rejudged && changed && (existing.rereads ?? 0) < MAX_REREADS
        ? 'new'
        : (existing?.state ?? 'new'),
    networkConfirmed: networkConfirmed(session, presentation, history),
    missing: missingOf(session, demand, {
      at,
      order: scales.acrOrder,
      proved: provedAt(session, key) || (existing?.state !== 'challenged' && confirmed),
    }),
    forked: session.fork !== null,
    canStepUp: session.factors.length > 0,
    signalFailed: failed,
    prompts: recentPrompts(session.prompts, at).length,
    contradiction: demand.contradiction ?? null,
  }
  return {
    decision: scales.policy(because, situation),
    standing: scales.policy(because, { ...situation, sensitivity: 'normal', missing: [] }),
    evidence: because,
    situation,
    existing,
    key,
  }
}

/** Replays a recorded presentation through the code that decides in production. */
export function explain(
  scales: Scales,
  recorded: {
    readonly session: SessionState
    readonly presentation: Presentation
    readonly history: SubjectHistory
    readonly demand?: WeighOptions
  },
): Decision {
  const { session, presentation, history, demand } = recorded
  return weigh(scales, session, presentation, history, demand).decision
}

/** Whether what the family's login or step-up proved counts in a context: where it was proved, and where the owner is known to be. */
export function provedAt({ family, contexts }: SessionState, key: string): boolean {
  return family.provedIn === key || findContext(contexts, key)?.state === 'confirmed'
}

/** Whether client facts, agent and place are those of a context: one that is challenged is settled afresh when they are not. */
export function sameFactsAs(
  context: Pick<Context, 'network' | 'device'>,
  { network, device }: Presentation,
): boolean {
  return sameNetwork(network, context.network) && sameDevice(device, context.device)
}

function look(
  signals: readonly Signal[],
  session: SessionState,
  presentation: Presentation,
  history: SubjectHistory,
): { readonly evidence: readonly Evidence[]; readonly failed: boolean } {
  const evidence: Evidence[] = []
  let failed = false
  for (const signal of signals) {
    try {
      const found = signal(session, presentation, history)
      const wrong = found.find(({ weight }) => !Number.isSafeInteger(weight))
      if (wrong !== undefined) throw new TypeError(`${wrong.reason} weighs ${wrong.weight}`)
      evidence.push(...found)
    } catch {
      // A signal that throws must neither let a thief in nor throw the owner out: no trust, and a reason that says
      // so. A weight that is no number would pass every threshold.
      failed = true
      evidence.push(evidenceOf('signal_failed', 0))
    }
  }
  return { evidence, failed }
}

function failedStepUps(failures: number): Evidence {
  return evidenceOf('step_up_failed', failures * WEIGHTS.step_up_failed, { failures })
}

/** What a login or step-up proved is missing wherever it does not count, however strong and fresh it was. */
function missingOf(
  { family }: SessionState,
  { acr, maxAgeMs }: WeighOptions,
  {
    at,
    order,
    proved,
  }: { readonly at: number; readonly order: readonly string[]; readonly proved: boolean },
): readonly ('acr' | 'freshness')[] {
  const missing: ('acr' | 'freshness')[] = []
  if (acr !== undefined && !(proved && acrMet(family.acr, acr, order))) missing.push('acr')
  if (maxAgeMs !== undefined && !(proved && at - family.authenticatedAt <= maxAgeMs))
    missing.push('freshness')
  return missing
}

/**
 * What an unchallenged context still has on its account, or what a newcomer inherits from a challenged one. Not from one
 * that was challenged under an older family: a login or step-up since then has left whoever was there without a secret.
 */
function carriedOver(
  session: SessionState,
  at: number,
  {
    key,
    existing,
    confirmed,
    evidence,
  }: {
    readonly key: string
    readonly existing: Context | undefined
    readonly confirmed: boolean
    readonly evidence: readonly Evidence[]
  },
): readonly Evidence[] {
  if (existing !== undefined && existing.state !== 'challenged')
    return carriedEvidence(existing, at, evidence)
  if (confirmed) return []
  const inherited = session.contexts
    .filter((context) => context.state === 'challenged' && context.key !== key)
    .filter(({ evidenceAt }) => evidenceAt >= session.family.authenticatedAt)
    .reduce((most, context) => Math.max(most, decayed(context, at)), 0)
  if (inherited === 0) return []
  return [evidenceOf('evidence_inherited', inherited, { left: inherited })]
}

/**
 * Evidence that a context still has on its account, by the groups that it came from: two kinds of evidence stay
 * two kinds while they decay. Empty when nothing is left. A device that differs in the same way again is not another
 * finding: what was found before is left out for it.
 */
export function carriedEvidence(
  context: Context,
  at: number,
  found: readonly Evidence[] = [],
): readonly Evidence[] {
  const account = decayed(context, at)
  if (account === 0) return []
  const groups = accusingGroups(context, found)
  const total = sumOf(groups)
  const left = Math.round((account * total) / sumOf(accusingGroups(context)))
  if (left === 0) return []
  let rest = left
  return [...groups].flatMap(([group, weight], index) => {
    const share = index === groups.size - 1 ? rest : Math.round((left * weight) / total)
    rest -= share
    const carried = evidenceOf('evidence_carried', share, { left: share, was: weight })
    return share === 0 ? [] : [{ ...carried, group }]
  })
}

/**
 * Goes on a context's own account. What was inherited would grow with every newcomer if it were handed on once
 * more; failed step-ups are counted where they are kept, and would weigh again with every request.
 */
export function isOwn({ reason }: Pick<Evidence, 'reason'>): boolean {
  return reason !== 'evidence_inherited' && reason !== 'step_up_failed'
}

function accusingGroups(
  { because, evidence }: Context,
  without: readonly Evidence[] = [],
): ReadonlyMap<Evidence['group'], number> {
  const accusing = because.filter(({ weight }) => weight > 0)
  if (accusing.length === 0) return new Map([['B', evidence]])
  const again = new Set(without.filter(({ group }) => group === 'D').map(({ reason }) => reason))
  const groups = new Map<Evidence['group'], number>()
  for (const { group, reason, weight } of accusing) {
    if (!again.has(reason)) groups.set(group, (groups.get(group) ?? 0) + weight)
  }
  return groups
}

function sumOf(weights: ReadonlyMap<unknown, number>): number {
  return [...weights.values()].reduce((sum, weight) => sum + weight, 0)
}
