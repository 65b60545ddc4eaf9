import {
  type Context,
  type ContextState,
  contextKey,
  decayed,
  MAX_CONTEXTS,
  sameDevice,
  sameNetwork,
  VISIT_GAP_MS,
} from '../core/context.ts'
import { type Decision, decision } from '../core/decision.ts'
import { totalOf } from '../core/evidence.ts'
import type { KnownContext, SubjectHistory } from '../core/history.ts'
import type { Presentation } from '../core/request.ts'
import type { SessionState } from '../core/session.ts'
import { evidenceOf } from '../signals/reasons.ts'
import { isOwn, type Weighing } from './weigh.ts'

const CONFIRMING_VISITS = 3
const CONFIRMING_MS = 24 * 3_600_000

export interface Judged {
  readonly decision: Decision
  /** The record after this presentation; the very same object when nothing changed. */
  readonly next: SessionState
  /** The context earned, or lost, something that the subject's history should know. */
  readonly lesson: Context | undefined
  readonly contextChanged: boolean
  readonly newlySuspected: boolean
}

/**
 * Writes the outcome of a weighing into the session's contexts. Pure. `session.last.at` must be the newest
 * activity: silence is what separates visits.
 */
export function judge(
  session: SessionState,
  presentation: Presentation,
  history: SubjectHistory,
  weighing: Weighing,
): Judged {
  const { decision: decided, standing, existing, key } = weighing
  const trusted = decided.outcome === 'allow' || decided.outcome === 'observe'
  const suspected = standing.outcome !== 'allow' && standing.outcome !== 'observe'
  const limited = standing.outcome === 'limit'

  const known = history.contexts.find((context) => context.key === key)
  const state: ContextState = stateAfter(existing, {
    suspected: suspected && !limited,
    knownConfirmed: known?.state === 'confirmed',
  })
  const after = visited(existing, { key, state, presentation, standing, session, known })
  const contexts = placed(session.contexts, after)
  if (contexts === undefined) return crowded(session)

  const changed = existing === undefined || changedBy(existing, after)
  const moved = trusted && session.last.context !== key
  const facts = trusted && !sameFacts(session, presentation)
  const next: SessionState =
    changed || moved || facts
      ? {
          ...session,
          contexts,
          last: trusted
            ? {
                context: key,
                network: presentation.network,
                device: presentation.device,
                at: presentation.at,
              }
            : session.last,
        }
      : session
  const earned =
    trusted &&
    (existing === undefined || after.state !== existing.state || after.visits !== existing.visits)
  return {
    decision: decided,
    next,
    lesson: earned && standing.outcome === 'allow' ? after : undefined,
    contextChanged: moved || existing === undefined,
    newlySuspected: suspected && (existing === undefined || changedBy(existing, after)),
  }
}

function stateAfter(
  existing: Context | undefined,
  verdict: { readonly suspected: boolean; readonly knownConfirmed: boolean },
): ContextState {
  if (verdict.suspected) return 'challenged'
  return existing?.state === 'confirmed' || verdict.knownConfirmed ? 'confirmed' : 'provisional'
}

/** The context after this presentation: its facts, its evidence, and a visit if it opened one below `observe`. */
function visited(
  existing: Context | undefined,
  now: {
    readonly key: string
    readonly state: ContextState
    readonly presentation: Presentation
    readonly standing: Decision
    readonly session: SessionState
    readonly known: KnownContext | undefined
  },
): Context {
  const { at, network, device } = now.presentation
  const { last } = now.session
  const before = existing ?? now.known
  const used = existing !== undefined && last.context === now.key ? last.at : 0
  const lastSeen = Math.max(before?.lastSeen ?? 0, used)
  const conflict = now.state === 'challenged' || now.session.fork !== null
  const opens = at - lastSeen >= VISIT_GAP_MS && now.standing.outcome === 'allow'
  const visits = conflict ? 0 : (before?.visits ?? 0) + (opens ? 1 : 0)
  const firstSeen = conflict || before === undefined || before.visits === 0 ? at : before.firstSeen
  const confirmedByVisits =
    now.state === 'provisional' && visits >= CONFIRMING_VISITS && at - firstSeen >= CONFIRMING_MS
  const evidence = Math.max(0, ownScore(now.standing))
  const carries = existing !== undefined && evidence === decayed(existing, at)
  return {
    key: now.key,
    state: confirmedByVisits ? 'confirmed' : now.state,
    network,
    device,
    firstSeen,
    lastSeen: at,
    visits,
    evidence: carries ? existing.evidence : evidence,
    evidenceAt: carries ? existing.evidenceAt : at,
    because: now.standing.because.map(({ group, reason, weight }) => ({ group, reason, weight })),
    failures: existing?.failures ?? 0,
  }
}

function ownScore({ because }: Decision): number {
  return totalOf(because.filter(isOwn))
}

/** Undefined when only challenged and confirmed contexts are left and no place is free. */
function placed(contexts: readonly Context[], after: Context): readonly Context[] | undefined {
  if (contexts.some(({ key }) => key === after.key)) {
    return contexts.map((context) => (context.key === after.key ? after : context))
  }
  if (contexts.length < MAX_CONTEXTS) return [...contexts, after]
  const provisional = contexts.filter(({ state }) => state === 'provisional')
  const oldest = provisional.reduce<Context | undefined>(
    (first, context) =>
      first === undefined || context.lastSeen < first.lastSeen ? context : first,
    undefined,
  )
  if (oldest === undefined) return undefined
  return [...contexts.filter(({ key }) => key !== oldest.key), after]
}

/** A record is written for what somebody would miss, not for the passing of time. */
function changedBy(before: Context, after: Context): boolean {
  return (
    before.state !== after.state ||
    before.visits !== after.visits ||
    before.evidence !== after.evidence ||
    !sameNetwork(before.network, after.network) ||
    !sameDevice(before.device, after.device)
  )
}

function sameFacts({ last }: SessionState, { network, device }: Presentation): boolean {
  return (
    last.context === contextKey(network, device) &&
    sameNetwork(last.network, network) &&
    sameDevice(last.device, device)
  )
}

function crowded(session: SessionState): Judged {
  const because = evidenceOf('contexts_exhausted', 0, { contexts: MAX_CONTEXTS })
  return {
    decision: decision('deny', [because]),
    next: session,
    lesson: undefined,
    contextChanged: false,
    newlySuspected: false,
  }
}
