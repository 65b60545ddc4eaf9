import {
  type Context,
  type ContextState,
  completed,
  contextKey,
  decayed,
  isConfirmed,
  MAX_CONTEXTS,
  MAX_REREADS,
  placeContext,
  sameDevice,
  sameNetwork,
  VISIT_GAP_MS,
  VISIT_MS,
  withLastSeen,
} from '../../core/context.ts'
import { type Decision, decision } from '../../core/decision.ts'
import { type Evidence, totalOf } from '../../core/evidence.ts'
import type { KnownContext, SubjectHistory } from '../../core/history.ts'
import type { Device, Presentation } from '../../core/request.ts'
import type { SessionState } from '../../core/session.ts'
import { alternationOf, wasOnItsWay, withSwitchBack } from '../../core/switch-backs.ts'
import { evidenceOf } from '../../signals/reasons.ts'
import { isUsual } from '../../signals/weights.ts'
import { isOwn, sameFactsAs, type Weighing } from './weigh.ts'

/** This many visits over at least a day confirm a context. */
const CONFIRMING_VISITS = 3
const CONFIRMING_MS = 24 * 3_600_000

/** Who comes with such a reason earns no trust, whatever the score. */
const EARNS_NOTHING: ReadonlySet<string> = new Set(['secret_overdue'])

/** A session that goes back and forth between two contexts is written this often at most. */
const MOVE_MS = 60_000

/** The record after a presentation, and what about it others have to know. */
export interface Settled {
  readonly decision: Decision
  /** The record after this presentation. The very same object where nothing changed. */
  readonly next: SessionState
  /** The context as the subject's history should know it. Undefined: nothing new to learn. */
  readonly historyUpdate: Context | undefined
  readonly contextChanged: boolean
  /** In the same context something is new: a version, a screen, a language. */
  readonly deviceChanged: boolean
  readonly newlySuspected: boolean
}

/**
 * Writes the outcome of a weighing into the session's contexts. Pure. `session.last.at` must be the
 * newest activity: silence is what separates visits.
 */
export function settle(
  session: SessionState,
  presentation: Presentation,
  history: SubjectHistory,
  weighing: Weighing,
): Settled {
  const { decision, existing, key } = weighing
  const known = knownContext(history, key)
  const after = contextAfter(session, presentation, history, weighing)
  const contexts = placeContext(withLastSeen(session.contexts, session.last), withoutLearnt(after))
  if (contexts === undefined) return crowded(session)

  const trusted = passes(decision)
  const { passive = false } = presentation
  const silence = presentation.at - (existing?.lastSeen ?? 0)
  const alternation = alternationOf(session, presentation)
  const left = trusted && session.last.context !== key
  const arrived = silence >= MOVE_MS && !wasOnItsWay(session.last, presentation.at)
  const moved = left && (arrived || alternation !== undefined)
  const changed =
    existing === undefined ||
    changedBy(existing, after) ||
    (trusted && !left && !passive && !sameFactsAsLast(session, presentation))
  const next: SessionState =
    changed || moved || alternation !== undefined
      ? {
          ...session,
          contexts,
          switchBacks:
            alternation === undefined
              ? session.switchBacks
              : withSwitchBack(session.switchBacks, alternation.switchBack),
          // Where nobody is at the page it teaches no facts, but two places still take turns.
          last: trusted && (left || !passive) ? lastOf(after, presentation) : session.last,
        }
      : session
  return {
    decision,
    next,
    historyUpdate: isForHistory(after, known, { weighing, presentation }) ? after : undefined,
    deviceChanged: trusted && existing !== undefined && !sameDevice(existing.device, after.device),
    contextChanged: existing === undefined || (moved && silence >= VISIT_GAP_MS),
    newlySuspected: isNewlySuspected(after, weighing),
  }
}

/**
 * A context that is confirmed forgets what it was new as: the subject's past has learnt that once.
 */
export function withoutLearnt(context: Context): Context {
  if (!isConfirmed(context) || context.newAs === undefined) return context
  const { newAs: _learnt, ...rest } = context
  return rest
}

function passes({ outcome }: Decision): boolean {
  return outcome === 'allow' || outcome === 'observe'
}

function knownContext({ contexts }: SubjectHistory, key: string): KnownContext | undefined {
  return contexts.find((context) => context.key === key)
}

/** The context after this presentation: its facts, its evidence, and its visits. */
function contextAfter(
  session: SessionState,
  presentation: Presentation,
  history: SubjectHistory,
  weighing: Weighing,
): Context {
  const { key, standing, existing, evidence } = weighing
  const known = knownContext(history, key)
  const state = stateAfter(existing, known, standing)
  const challengedStill = existing?.state === 'challenged' && state === 'challenged'
  const reread = challengedStill && !sameFactsAs(existing, presentation)
  const rereads = challengedStill ? (existing.rereads ?? 0) + (reread ? 1 : 0) : 0
  if (challengedStill && rereads > MAX_REREADS) return existing

  const { at, network, partial = false, passive = false } = presentation
  const sessionOnly =
    state === 'confirmed' && existing?.sessionOnly === true && known?.state !== 'confirmed'
  const trusted = state === 'confirmed' && !sessionOnly
  const { visits, firstSeen } = visitsAfter(session, presentation, {
    weighing,
    state,
    trusted,
    known,
    history,
  })
  const confirmedByVisits =
    !trusted &&
    state !== 'challenged' &&
    !partial &&
    earnsTrust(weighing, presentation) &&
    visits >= CONFIRMING_VISITS &&
    at - Math.min(firstSeen, known?.firstSeen ?? at) >= CONFIRMING_MS
  // Who may only read until a step-up gains no trust: the same facts accuse again each time. What
  // comes by itself gains none either.
  const keeps =
    existing !== undefined && (standing.outcome === 'limit' || (passive && state !== 'challenged'))
  const newAs = existing === undefined ? newAsOf(evidence) : existing.newAs
  return {
    key,
    state: confirmedByVisits ? 'confirmed' : state,
    network: keeps ? existing.network : network,
    device: keeps
      ? existing.device
      : deviceAfter(presentation, (existing ?? known)?.device, {
          state,
          outcome: standing.outcome,
        }),
    firstSeen,
    lastSeen: passive ? (existing?.lastSeen ?? at) : at,
    visits,
    ...evidenceAfter(existing, standing, at),
    because: standing.because
      .filter(isOwn)
      .map(({ group, reason, weight }) => ({ group, reason, weight })),
    ...(rereads === 0 ? {} : { rereads }),
    ...(newAs === undefined ? {} : { newAs }),
    ...(sessionOnly && !confirmedByVisits ? { sessionOnly } : {}),
  }
}

/** Whoever is confirmed keeps that trust by coming, with whatever secret. */
function earnsTrust(
  { standing, evidence, existing }: Weighing,
  { passive = false }: Presentation,
): boolean {
  if (passive || standing.outcome !== 'allow') return false
  if (existing !== undefined && isConfirmed(existing)) return true
  return !evidence.some(({ reason }) => EARNS_NOTHING.has(reason))
}

function stateAfter(
  existing: Context | undefined,
  known: KnownContext | undefined,
  standing: Decision,
): ContextState {
  if (!passes(standing) && standing.outcome !== 'limit') return 'challenged'
  return existing?.state === 'confirmed' || known?.state === 'confirmed'
    ? 'confirmed'
    : 'provisional'
}

/**
 * A use after half an hour of silence opens a visit, if nothing speaks against it and the request
 * describes its browser as pages do. Where the context is not confirmed, the first visit counts,
 * and a later one only with a witness. Who comes back again and again alone confirms nothing. Under
 * a challenge or a fork, visits count from the start.
 */
function visitsAfter(
  session: SessionState,
  presentation: Presentation,
  about: {
    readonly weighing: Weighing
    readonly state: ContextState
    readonly trusted: boolean
    readonly known: KnownContext | undefined
    readonly history: SubjectHistory
  },
): Pick<Context, 'visits' | 'firstSeen'> {
  const { last, fork } = session
  const { at, partial = false } = presentation
  const { weighing, state, trusted, known, history } = about
  const { key, existing, proved = false } = weighing
  if (state === 'challenged' || fork !== null) return { visits: 0, firstSeen: at }
  const before = existing ?? known
  const visits = before?.visits ?? 0
  const since = (trusted ? before : existing)?.firstSeen
  const firstSeen = since === undefined || visits === 0 ? at : since
  const used = existing !== undefined && last.context === key ? last.at : 0
  const lastSeen = Math.max(before?.lastSeen ?? 0, used)
  const again = trusted && existing !== undefined && at - existing.lastSeen >= VISIT_MS
  const silent = at - lastSeen >= VISIT_GAP_MS
  const opens = !partial && (silent || again) && earnsTrust(weighing, presentation)
  const counts =
    opens &&
    (trusted || proved || visits === 0 || isWitnessed(session, history, { key, since: firstSeen }))
  return { visits: visits + (counts ? 1 : 0), firstSeen }
}

/**
 * Whether the session was used where its owner is since a newcomer came into it: in another context
 * that is confirmed, or on a line that the subject has confirmed with another browser. A second
 * holder of the secret would have shown then.
 */
function isWitnessed(
  { contexts, last }: SessionState,
  history: SubjectHistory,
  newcomer: { readonly key: string; readonly since: number },
): boolean {
  const past = history.contexts.filter(({ state }) => state === 'confirmed')
  const lines = new Set([...contexts.filter(isConfirmed), ...past].map((one) => one.network.prefix))
  return withLastSeen(contexts, last).some(
    (other) =>
      other.key !== newcomer.key &&
      other.lastSeen > newcomer.since &&
      other.state !== 'challenged' &&
      (isConfirmed(other) || (other.network.prefix !== null && lines.has(other.network.prefix))),
  )
}

/** The context's account: what this weighing found, or what was there where that is as much. */
function evidenceAfter(
  existing: Context | undefined,
  standing: Decision,
  at: number,
): Pick<Context, 'evidence' | 'evidenceAt'> {
  if (existing === undefined) return { evidence: Math.max(0, ownScore(standing)), evidenceAt: at }
  const left = decayed(existing, at)
  const evidence =
    standing.outcome === 'limit'
      ? Math.max(left, ownScore(standing, ['evidence_carried']))
      : Math.max(0, ownScore(standing))
  if (evidence !== left) return { evidence, evidenceAt: at }
  return { evidence: existing.evidence, evidenceAt: existing.evidenceAt }
}

function ownScore({ because }: Decision, without: readonly string[] = []): number {
  return totalOf(because.filter((one) => isOwn(one) && !without.includes(one.reason)))
}

/** The first change that a first weighing found of those that people make at rates of their own. */
function newAsOf(evidence: readonly Evidence[]): string | undefined {
  return evidence.find(({ group, reason }) => group === 'N' && isUsual(reason))?.reason
}

/** A record is written for what somebody would miss, not because time has passed. */
function changedBy(before: Context, after: Context): boolean {
  return (
    before.state !== after.state ||
    before.visits !== after.visits ||
    before.evidence !== after.evidence ||
    before.sessionOnly !== after.sessionOnly ||
    !sameNetwork(before.network, after.network) ||
    !sameDevice(before.device, after.device)
  )
}

function sameFactsAsLast({ last }: SessionState, presentation: Presentation): boolean {
  const { network, device } = presentation
  return last.context === contextKey(network, device) && sameFactsAs(last, presentation)
}

function lastOf({ key, device }: Context, { at, network }: Presentation): SessionState['last'] {
  return { context: key, network, device, at }
}

/**
 * The device that others are compared with. What a request leaves out is kept of what was known
 * before, so that nobody makes it forgotten. A browser that stopped to send hints is believed where
 * nothing speaks against it. A challenged context is told by what it said last.
 */
function deviceAfter(
  { device, partial = false }: Presentation,
  before: Device | undefined,
  { state, outcome }: { readonly state: ContextState; readonly outcome: Decision['outcome'] },
): Device {
  if (before === undefined || state === 'challenged') return device
  return completed(device, before, partial || outcome !== 'allow')
}

/** The history learns of trust that a context earned, and of a hopeful one that was challenged. */
function isForHistory(
  after: Context,
  known: KnownContext | undefined,
  { weighing, presentation }: { readonly weighing: Weighing; readonly presentation: Presentation },
): boolean {
  const { decision, standing, existing } = weighing
  const newState = after.state !== existing?.state || after.sessionOnly !== existing.sessionOnly
  const hopeful = known?.state === 'provisional' && known.visits > 0
  if (newState && hopeful && !passes(standing) && standing.outcome !== 'limit') return true
  const earned = newState || after.visits !== existing?.visits
  return passes(decision) && earned && earnsTrust(weighing, presentation)
}

function isNewlySuspected(after: Context, { standing, existing }: Weighing): boolean {
  if (passes(standing)) return false
  if (after.state !== existing?.state) return true
  return standing.outcome === 'limit' && changedBy(existing, after)
}

/** As many contexts are challenged as a session may have: the newcomer is refused. */
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
