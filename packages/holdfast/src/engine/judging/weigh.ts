import { acrMet } from '../../core/acr.ts'
import {
  type Context,
  type ContextState,
  contextKey,
  decayed,
  findContext,
  isConfirmed,
  MAX_REREADS,
  sameNetwork,
  saysNothingNew,
} from '../../core/context.ts'
import type { Decision, Situation } from '../../core/decision.ts'
import type { Evidence } from '../../core/evidence.ts'
import { confirmedPast, type SubjectHistory } from '../../core/history.ts'
import { failuresOf, recentPrompts } from '../../core/prompts.ts'
import type { Presentation } from '../../core/request.ts'
import type { SessionFamily, SessionState } from '../../core/session.ts'
import type { Signal } from '../../core/signal.ts'
import { impossibleJourney } from '../../signals/impossible-journey.ts'
import { networkConfirmed } from '../../signals/network-confirmed.ts'
import { evidenceOf, type Reason } from '../../signals/reasons.ts'
import { WEIGHTS } from '../../signals/weights.ts'
import type { Scales } from '../context.ts'

/** What the route asks for, and what was proven before anything is weighed. */
export interface WeighOptions {
  /** Least authentication context. */
  readonly acr?: string | undefined
  /** Longest time since authentication, ms. */
  readonly maxAgeMs?: number | undefined
  readonly contradiction?: Situation['contradiction']
  /** For how long the secret has been shown since it was due, ms, where that is too long. */
  readonly overdueMs?: number | undefined
}

export interface Weighing {
  /** The answer to this request. */
  readonly decision: Decision
  /** The answer if the route had asked for nothing: what is thought of the context itself. */
  readonly standing: Decision
  /** What the policy was given. */
  readonly evidence: readonly Evidence[]
  readonly situation: Situation
  /** The session's context of this presentation, before it. */
  readonly existing: Context | undefined
  /** The key of that context. */
  readonly key: string
  /** It came with the best proof that the subject has. Default false. */
  readonly proved?: boolean
}

const MAX_FAILURES_WEIGHED = 2

/**
 * Weighs one presentation against the session and its subject's past. Pure: the same record,
 * presentation and history always give the same decision, so that `explain` is honest.
 */
export function weigh(
  scales: Scales,
  session: SessionState,
  presentation: Presentation,
  history: SubjectHistory,
  options: WeighOptions = {},
): Weighing {
  const { at, network, device } = presentation
  const key = contextKey(network, device)
  const existing = findContext(session.contexts, key)
  const changed = existing === undefined || !sameFactsAs(existing, presentation)
  const staying = !changed && existing.state !== 'challenged' && session.last.context === key
  // What the subject's past has confirmed is about to be confirmed in this session too.
  const confirmed = history.contexts.some(
    (known) => known.key === key && known.state === 'confirmed',
  )

  const { found, failed } = runSignals(scales.signals, session, presentation, history)
  const evidence = [
    // Who comes to a place is exonerated by it once, and not again with every request from there.
    ...(staying ? found.filter(({ weight }) => weight >= 0) : found),
    ...carriedOver(session, at, { key, existing, confirmed, found }),
    ...failedStepUps(session, key),
    ...overdueSecret(options),
  ]
  const missing = missingOf(session, options, {
    at,
    acrOrder: scales.acrOrder,
    proved: provedAt(session, key) || (existing?.state !== 'challenged' && confirmed),
  })
  const impossible =
    hasTravelledImpossibly(existing) ||
    impossibleJourney(session, presentation, history) !== undefined
  const situation: Situation = {
    sensitivity: presentation.sensitivity,
    reading: presentation.method === 'GET' || presentation.method === 'HEAD',
    context: stateBefore(existing, changed),
    networkConfirmed: networkConfirmed(session, presentation, history),
    missing,
    forked: session.fork !== null,
    ...(impossible ? { travelImpossible: true } : {}),
    canStepUp: session.factors.length > 0,
    signalFailed: failed,
    prompts: recentPrompts(session.prompts, at).length,
    contradiction: options.contradiction ?? null,
  }
  return {
    decision: scales.policy(evidence, situation),
    standing: scales.policy(evidence, { ...situation, sensitivity: 'normal', missing: [] }),
    evidence,
    situation,
    existing,
    key,
  }
}

/**
 * Whether strong evidence speaks against a place, whatever the session has seen of it since: it is
 * judged as if it were new, and against confirmed places alone. What is confirmed already is not
 * judged again.
 */
export function isAccused(
  scales: Scales,
  session: SessionState,
  presentation: Presentation,
  history: SubjectHistory,
): boolean {
  const key = contextKey(presentation.network, presentation.device)
  const confirmed = session.contexts.filter(isConfirmed)
  if (findContext(confirmed, key) !== undefined) return false
  const asNew: SessionState = {
    ...session,
    contexts: confirmed,
    fork: null,
    prompts: [],
    failures: [],
    switchBacks: [],
  }
  const { outcome } = weigh(scales, asNew, presentation, confirmedPast(history)).standing
  return outcome !== 'allow' && outcome !== 'observe'
}

/** Replays a recorded presentation through the code that decides in production. */
export function explain(
  scales: Scales,
  recorded: {
    readonly session: SessionState
    readonly presentation: Presentation
    readonly history: SubjectHistory
    readonly options?: WeighOptions
  },
): Decision {
  const { session, presentation, history, options } = recorded
  return weigh(scales, session, presentation, history, options).decision
}

/**
 * Whether the proof of the family's login or step-up counts in a context: it does where it was
 * given, and where the owner is known to be.
 */
export function provedAt({ family, contexts }: SessionState, key: string): boolean {
  return isProved(family, key, findContext(contexts, key)?.state)
}

/** {@link provedAt}, where the state of the context is known. */
export function isProved(
  { provedIn }: Pick<SessionFamily, 'provedIn'>,
  key: string,
  state: ContextState | undefined,
): boolean {
  return provedIn === key || state === 'confirmed'
}

/** Whether client facts, agent and place are those of a context. */
export function sameFactsAs(
  context: Pick<Context, 'network' | 'device'>,
  presentation: Presentation,
): boolean {
  return (
    sameNetwork(presentation.network, context.network) &&
    saysNothingNew(presentation, context.device)
  )
}

type EvidenceAccount = Pick<Context, 'evidence' | 'evidenceAt' | 'because'>

/**
 * Evidence that a context still has on its account, by the groups that it came from: two groups
 * stay two groups while they decay. Empty when nothing is left. A device difference that was found
 * again now counts once, so its earlier finding is left out.
 */
export function carriedEvidence(
  context: EvidenceAccount,
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

/** Reasons that are found anew with every request, from what is kept elsewhere. */
const NOT_OWN: ReadonlySet<string> = new Set([
  'evidence_inherited',
  'step_up_failed',
  'secret_overdue',
])

/**
 * Whether a reason goes on a context's own account. Inherited evidence would grow with every
 * newcomer if it were handed on once more. Failed step-ups are counted where they are kept, and
 * would weigh again with every request.
 */
export function isOwn({ reason }: Pick<Evidence, 'reason'>): boolean {
  return !NOT_OWN.has(reason)
}

function runSignals(
  signals: readonly Signal[],
  session: SessionState,
  presentation: Presentation,
  history: SubjectHistory,
): { readonly found: readonly Evidence[]; readonly failed: boolean } {
  const found: Evidence[] = []
  let failed = false
  for (const signal of signals) {
    try {
      const evidence = signal(session, presentation, history)
      const wrong = evidence.find(({ weight }) => !Number.isSafeInteger(weight))
      if (wrong !== undefined) throw new TypeError(`${wrong.reason} weighs ${wrong.weight}`)
      found.push(...evidence)
    } catch {
      // A signal that throws must neither let a thief in nor throw the owner out: it earns no
      // trust, and a reason says so. A weight that is no number would pass every threshold.
      failed = true
      found.push(evidenceOf('signal_failed', 0))
    }
  }
  return { found, failed }
}

/**
 * A journey that nobody can have made stays one. Neither time nor other client facts lift the
 * challenge for it, only a step-up does.
 */
function hasTravelledImpossibly(existing: Context | undefined): boolean {
  const reason: Reason = 'travel_impossible'
  return existing?.state === 'challenged' && existing.because.some((why) => why.reason === reason)
}

/** A challenged context whose facts have changed is judged like a new one, a few times. */
function stateBefore(existing: Context | undefined, changed: boolean): Situation['context'] {
  if (existing === undefined) return 'new'
  const again = existing.state === 'challenged' && changed
  return again && (existing.rereads ?? 0) < MAX_REREADS ? 'new' : existing.state
}

/**
 * What an unchallenged context still has on its account, or what a newcomer inherits from a
 * challenged one. A context that was challenged under an older family passes nothing on: the login
 * or step-up since then has left whoever was there without a secret.
 */
function carriedOver(
  session: SessionState,
  at: number,
  about: {
    readonly key: string
    readonly existing: Context | undefined
    readonly confirmed: boolean
    readonly found: readonly Evidence[]
  },
): readonly Evidence[] {
  const { key, existing, confirmed, found } = about
  if (existing !== undefined && existing.state !== 'challenged') {
    return carriedEvidence(existing, at, found)
  }
  if (confirmed) return []
  const inherited = session.contexts
    .filter((context) => context.state === 'challenged' && context.key !== key)
    .filter(({ evidenceAt }) => evidenceAt >= session.family.authenticatedAt)
    .reduce((most, context) => Math.max(most, decayed(context, at)), 0)
  if (inherited === 0) return []
  return [evidenceOf('evidence_inherited', inherited, { left: inherited })]
}

function accusingGroups(
  { because, evidence }: EvidenceAccount,
  found: readonly Evidence[] = [],
): ReadonlyMap<Evidence['group'], number> {
  const accusing = because.filter(({ weight }) => weight > 0)
  if (accusing.length === 0) return new Map([['B', evidence]])
  const again = new Set(found.filter(({ group }) => group === 'D').map(({ reason }) => reason))
  const groups = new Map<Evidence['group'], number>()
  for (const { group, reason, weight } of accusing) {
    if (!again.has(reason)) groups.set(group, (groups.get(group) ?? 0) + weight)
  }
  return groups
}

function sumOf(weights: ReadonlyMap<unknown, number>): number {
  return [...weights.values()].reduce((sum, weight) => sum + weight, 0)
}

/** Whoever rides along may do without successors, so as to leave no fork behind. */
function overdueSecret({ overdueMs }: WeighOptions): readonly Evidence[] {
  if (overdueMs === undefined) return []
  const minutes = Math.round(overdueMs / 60_000)
  return [evidenceOf('secret_overdue', WEIGHTS.secret_overdue, { minutes })]
}

function failedStepUps({ failures }: SessionState, key: string): readonly Evidence[] {
  const failed = Math.min(failuresOf(failures, key), MAX_FAILURES_WEIGHED)
  if (failed === 0) return []
  return [evidenceOf('step_up_failed', failed * WEIGHTS.step_up_failed, { failures: failed })]
}

/** Where a proof does not count, it is missing, however strong and fresh it was. */
function missingOf(
  { family }: SessionState,
  { acr, maxAgeMs }: WeighOptions,
  about: { readonly at: number; readonly acrOrder: readonly string[]; readonly proved: boolean },
): Situation['missing'] {
  const { at, acrOrder, proved } = about
  const strong = acr === undefined || (proved && acrMet(family.acr, acr, acrOrder))
  const fresh = maxAgeMs === undefined || (proved && at - family.authenticatedAt <= maxAgeMs)
  return [...(strong ? [] : (['acr'] as const)), ...(fresh ? [] : (['freshness'] as const))]
}
