import {
  type Context,
  type ContextState,
  contextKey,
  decayed,
  MAX_CONTEXTS,
  MAX_REREADS,
  placeContext,
  sameDevice,
  sameNetwork,
  VISIT_GAP_MS,
} from '../../core/context.ts'
import { type Decision, decision } from '../../core/decision.ts'
import { type Evidence, totalOf } from '../../core/evidence.ts'
import type { KnownContext, SubjectHistory } from '../../core/history.ts'
import type { Presentation } from '../../core/request.ts'
import type { SessionState } from '../../core/session.ts'
import { alternationOf, wasOnItsWay, withSwitchBack } from '../../core/switch-backs.ts'
import { evidenceOf } from '../../signals/reasons.ts'
import { isUsual } from '../../signals/weights.ts'
import { isOwn, sameFactsAs, type Weighing } from './weigh.ts'

const CONFIRMING_VISITS = 3
const CONFIRMING_MS = 24 * 3_600_000

/** Who goes back and forth between two places all the time is written down this often. */
const MOVE_MS = 60_000

export interface Settled {
  readonly decision: Decision
  /** The record after this presentation; the very same object when nothing changed. */
  readonly next: SessionState
  /** The context earned, or lost, something that the subject's history should know. */
  readonly historyUpdate: Context | undefined
  readonly contextChanged: boolean
  /** The same place and browser, and something about it is new: its version, its screen, its language. */
  readonly deviceChanged: boolean
  readonly newlySuspected: boolean
}

/**
 * Writes the outcome of a weighing into the session's contexts. Pure. `session.last.at` must be the newest
 * activity: silence is what separates visits.
 */
export function settle(
  session: SessionState,
  presentation: Presentation,
  history: SubjectHistory,
  weighing: Weighing,
): Settled {
  const { decision: decided, standing, existing, key, evidence } = weighing
  const { at } = presentation
  const trusted = decided.outcome === 'allow' || decided.outcome === 'observe'
  const suspected = standing.outcome !== 'allow' && standing.outcome !== 'observe'
  const limited = standing.outcome === 'limit'

  const known = history.contexts.find((context) => context.key === key)
  const state: ContextState = stateAfter(existing, {
    suspected: suspected && !limited,
    knownConfirmed: known?.state === 'confirmed',
  })
  const after = visited(existing, { key, state, presentation, standing, session, known, evidence })
  const contexts = placeContext(lastSeenNow(session), settledIn(after))
  if (contexts === undefined) return crowded(session)

  const changed = existing === undefined || changedBy(existing, after)
  const silence = at - (existing?.lastSeen ?? 0)
  const left = trusted && session.last.context !== key
  const alternation = alternationOf(session, presentation)
  const settled = silence >= MOVE_MS && !wasOnItsWay(session.last, at)
  const moved = left && (settled || alternation !== undefined)
  const facts = trusted && !left && !sameFacts(session, presentation)
  const next: SessionState =
    changed || moved || facts || alternation !== undefined
      ? {
          ...session,
          contexts,
          switchBacks:
            alternation === undefined
              ? session.switchBacks
              : withSwitchBack(session.switchBacks, alternation.switchBack),
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
  const newly = after.state !== existing?.state
  const hopeful = known?.state === 'provisional' && known.visits > 0
  const lost = newly && state === 'challenged' && hopeful
  return {
    decision: decided,
    next,
    historyUpdate: lost || (earned && standing.outcome === 'allow') ? after : undefined,
    deviceChanged: trusted && existing !== undefined && !sameDevice(existing.device, after.device),
    contextChanged: existing === undefined || (moved && silence >= VISIT_GAP_MS),
    newlySuspected: suspected && (newly || (limited && changed)),
  }
}

function stateAfter(
  existing: Context | undefined,
  verdict: { readonly suspected: boolean; readonly knownConfirmed: boolean },
): ContextState {
  if (verdict.suspected) return 'challenged'
  return existing?.state === 'confirmed' || verdict.knownConfirmed ? 'confirmed' : 'provisional'
}

/** A context that goes on quietly is not written with every request: the session knows when it was used last. */
function lastSeenNow({ contexts, last }: SessionState): readonly Context[] {
  return contexts.map((context) =>
    context.key === last.context && context.lastSeen < last.at
      ? { ...context, lastSeen: last.at }
      : context,
  )
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
    readonly evidence: readonly Evidence[]
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
  const challengedStill = existing?.state === 'challenged' && now.state === 'challenged'
  const reread = challengedStill && !sameFactsAs(existing, now.presentation)
  const rereads = challengedStill ? (existing.rereads ?? 0) + (reread ? 1 : 0) : 0
  if (challengedStill && rereads > MAX_REREADS) return existing
  // Who may only read until a step-up is not taken for granted meanwhile: the same facts accuse again each time.
  const limited = existing !== undefined && now.standing.outcome === 'limit'
  const evidence = limited
    ? Math.max(decayed(existing, at), ownScore(now.standing, ['evidence_carried']))
    : Math.max(0, ownScore(now.standing))
  const carries = existing !== undefined && evidence === decayed(existing, at)
  const newAs = existing === undefined ? newAsOf(now.evidence) : existing.newAs
  return {
    key: now.key,
    state: confirmedByVisits ? 'confirmed' : now.state,
    network: limited ? existing.network : network,
    device: limited ? existing.device : device,
    firstSeen,
    lastSeen: at,
    visits,
    evidence: carries ? existing.evidence : evidence,
    evidenceAt: carries ? existing.evidenceAt : at,
    because: now.standing.because
      .filter(isOwn)
      .map(({ group, reason, weight }) => ({ group, reason, weight })),
    ...(rereads === 0 ? {} : { rereads }),
    ...(newAs === undefined ? {} : { newAs }),
  }
}

/** Which of the changes that people make at rates of their own a first weighing found. */
function newAsOf(evidence: readonly Evidence[]): string | undefined {
  return evidence.find(({ group, reason }) => group === 'N' && isUsual(reason))?.reason
}

/** What a context was new as has been learnt when it is confirmed, and is not learnt twice. */
export function settledIn(context: Context): Context {
  if (context.state !== 'confirmed' || context.newAs === undefined) return context
  const { newAs: _learnt, ...settled } = context
  return settled
}

function ownScore({ because }: Decision, without: readonly string[] = []): number {
  return totalOf(because.filter((one) => isOwn(one) && !without.includes(one.reason)))
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

function sameFacts({ last }: SessionState, presentation: Presentation): boolean {
  const { network, device } = presentation
  return last.context === contextKey(network, device) && sameFactsAs(last, presentation)
}

function crowded(session: SessionState): Settled {
  const because = evidenceOf('contexts_exhausted', 0, { contexts: MAX_CONTEXTS })
  return {
    decision: decision('deny', [because]),
    next: session,
    historyUpdate: undefined,
    contextChanged: false,
    deviceChanged: false,
    newlySuspected: false,
  }
}
