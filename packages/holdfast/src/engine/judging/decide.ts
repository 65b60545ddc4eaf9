import type { EventType, SessionEvent } from '../../core/events.ts'
import type { RotationStatus } from '../../core/rotation.ts'
import type { SessionState } from '../../core/session.ts'
import type { Verification } from '../../core/sessions.ts'
import type { Found } from '../../core/store.ts'
import type { EngineContext } from '../context.ts'
import type { EventFacts } from '../state/events.ts'
import { changeHistory, readHistory, withContext } from '../state/history.ts'
import type { OpenedSession } from '../state/load.ts'
import { save, touchIfDue } from '../state/save.ts'
import { accept, accessFor, refusal, refusalCode } from './answer.ts'
import { type Settled, settle } from './contexts.ts'
import type { MatchedPresentation } from './open-session.ts'
import type { AuthenticatedPresentation } from './presentation.ts'
import { isReused } from './refresh-reuse.ts'
import { type Rotation, rotateRefresh, rotateSession } from './rotation.ts'
import { shadowEvent } from './shadow-policy.ts'
import { type Weighing, weigh } from './weigh.ts'

export interface Weighed {
  /** The record as of now, before the outcome is written into it. */
  readonly session: SessionState
  readonly weighing: Weighing
  readonly settled: Settled
  /** A refresh token was used before, by somebody else. No policy can let it go on. */
  readonly reused: boolean
  readonly events: readonly SessionEvent[]
}

/** Steps 8 to 10: weigh, decide, apply by compare-and-set. */
export async function decide(
  engine: EngineContext,
  opened: OpenedSession,
  shown: MatchedPresentation,
): Promise<Verification | 'lost_race'> {
  const first = await weighSession(engine, opened, shown)
  const differed = shadowEvent(engine, factsOf(shown), first.weighing)
  const weighed = differed === undefined ? first : { ...first, events: [...first.events, differed] }
  const { settled, reused } = weighed
  if (settled.decision.outcome === 'revoke' || reused)
    return revokeNow(engine, opened.state, shown, weighed)
  return apply(engine, { opened, shown }, weighed)
}

/** Step 10: what was decided is written, where it changes anything, and answered. */
export async function apply(
  engine: EngineContext,
  { opened, shown }: { readonly opened: OpenedSession; readonly shown: MatchedPresentation },
  weighed: Pick<Weighed, 'session' | 'events'> & {
    readonly settled: Pick<Settled, 'decision' | 'next' | 'historyUpdate'>
  },
): Promise<Verification | 'lost_race'> {
  const { found, state } = opened
  const { settled, session } = weighed
  const { decision } = settled
  const trusted = decision.outcome === 'allow' || decision.outcome === 'observe'
  const alive = trusted || decision.outcome === 'limit'
  const watched = decision.outcome === 'observe' && isNewPlace(state, settled.next)
  const moved: Rotation = trusted
    ? advanced(engine, settled.next, shown, watched)
    : { state: settled.next }
  const untouched = moved.state === session && session.fork === state.fork

  if (untouched) {
    if (alive) await touchIfDue(engine, found, shown.presentation)
  } else {
    const events = [...weighed.events, ...rotationEvent(engine, shown, moved)]
    const seenAt = alive ? shown.presentation.at : undefined
    const outcome = await save(engine, { found, next: moved.state, events, seenAt })
    if (outcome === 'lost_race') return 'lost_race'
    if (outcome === 'gone') return { ok: false, code: 'session_revoked' }
  }
  await updateHistory(engine, state, settled)

  const code = refusalCode(decision, shown.presentation)
  if (code !== undefined) return refusal(code, decision, shown.presented)
  const { token, refreshToken } = moved
  const next = untouched ? state : moved.state
  return accept(engine, next, found, { decision, token, refreshToken, access: accessFor(shown) })
}

/** New to the session. Who is watched on coming there gets a new secret at once: two holders show soon. */
function isNewPlace({ contexts }: SessionState, { last }: SessionState): boolean {
  return !contexts.some(({ key }) => key === last.context)
}

function advanced(
  engine: EngineContext,
  state: SessionState,
  shown: MatchedPresentation,
  watched: boolean,
): Rotation {
  const { claims, rotation, presentation, presented } = shown
  if (claims.kind === 'refresh') return rotateRefresh(engine, state, { rotation, presentation })
  const deliverable = presented.deliverable === true
  return rotateSession(engine, state, { rotation, presentation, deliverable, watched })
}

/** What the subject's past should know of this presentation. */
export async function updateHistory(
  engine: EngineContext,
  { tenant, subject }: SessionState,
  { historyUpdate }: Pick<Settled, 'historyUpdate'>,
): Promise<void> {
  if (historyUpdate === undefined) return
  await changeHistory(engine, engine.codec.subjectKey(tenant, subject), (past) =>
    withContext(past, historyUpdate),
  )
}

/** Steps 8 and 9, without effects: what a step-up begins with, too. */
export async function weighSession(
  engine: EngineContext,
  { found, state }: OpenedSession,
  shown: MatchedPresentation,
): Promise<Weighed> {
  const { presentation, presented, rotation } = shown
  const subject = engine.codec.subjectKey(state.tenant, state.subject)
  const { history } = await readHistory(engine, subject)
  const session = asOfNow(state, found, rotation, presentation.at)
  const demand = { acr: presented.acr, maxAgeMs: presented.maxAgeMs }
  const scales = engine.scalesOf(state.tenant)
  const first = weigh(scales, session, presentation, history, demand)
  const reused = isReused(state, shown, first.standing)
  const weighing = reused
    ? weigh(scales, session, presentation, history, { ...demand, contradiction: 'refresh_reused' })
    : first
  const settled = settle(session, presentation, history, weighing)
  const events = eventsOf(engine, state, shown, { session, weighing, settled: settled, reused })
  return { session, weighing, settled: settled, reused, events }
}

/** A fork is set as soon as it is seen, and silence counts from the last activity. */
function asOfNow(
  state: SessionState,
  found: Found,
  rotation: RotationStatus,
  at: number,
): SessionState {
  const fork = state.fork ?? (rotation.status === 'fork' ? { at } : null)
  const seen = Math.max(state.last.at, found.lastActivity ?? 0)
  if (fork === state.fork && seen === state.last.at) return state
  return { ...state, fork, last: { ...state.last, at: seen } }
}

/** Ends the session on what this presentation has proven. */
export async function revokeNow(
  engine: EngineContext,
  state: SessionState,
  shown: MatchedPresentation,
  { session, weighing, settled, reused, events }: Weighed,
): Promise<Verification & { readonly ok: false }> {
  const forked = session.fork === null ? 'contradiction' : 'secret_forked'
  const reason = reused ? 'refresh_reused' : forked
  const facts = { ...factsOf(shown), ...decidedOf(weighing, settled), actor: 'engine' }
  const all = [...events, engine.eventWriter.event('session-revoked', { ...facts, reason })]
  await engine.store.entries.revoke(state.id, {
    until: state.deadline,
    reason,
    at: engine.host.now(),
    events: engine.eventWriter.seal(all),
  })
  engine.eventWriter.publish(all)
  return { ok: false, code: 'session_revoked', decision: settled.decision }
}

export function factsOf({
  claims,
  presentation,
  presented,
}: AuthenticatedPresentation): EventFacts {
  const { at, network, device } = presentation
  return { at, session: claims.session, network, device, correlation: presented.correlation }
}

/** A decision, with what the policy looked at where it is the policy's own. */
function decidedOf(
  { decision, situation }: Weighing,
  settled: Settled,
): Pick<EventFacts, 'decision' | 'situation'> {
  return settled.decision === decision ? { decision, situation } : { decision: settled.decision }
}

/** What this presentation changed about how the session looks; a repetition of the same is no event. */
function eventsOf(
  engine: EngineContext,
  state: SessionState,
  shown: MatchedPresentation,
  { session, weighing, settled, reused }: Omit<Weighed, 'events'>,
): readonly SessionEvent[] {
  const { decision, contextChanged, newlySuspected } = settled
  const facts = { ...factsOf(shown), ...decidedOf(weighing, settled) }
  const types: EventType[] = []
  if (reused || (state.fork === null && session.fork !== null)) types.push('token-reused')
  if (contextChanged && !newlySuspected) types.push('context-changed')
  if (newlySuspected || (decision.outcome === 'observe' && settled.next !== session)) {
    types.push('anomaly-detected')
  }
  if (newlySuspected && decision.outcome === 'challenge') types.push('step-up-required')
  if (newlySuspected && decision.outcome === 'limit') types.push('session-limited')
  if (types.length === 0 && settled.deviceChanged && isSampled(engine, facts)) {
    return [engine.eventWriter.event('context-changed', { ...facts, reason: 'device_changed' })]
  }
  return types.map((type) =>
    engine.eventWriter.event(
      type,
      type === 'token-reused'
        ? { ...facts, reason: reused ? 'refresh_reused' : 'secret_forked' }
        : facts,
    ),
  )
}

const DEVICE_CHANGES_EVERY_MS = 3_600_000

/** One an hour and session: who changes the screen with every request must not fill the log. A retry counts as the same. */
function isSampled({ reported }: EngineContext, { session, at }: EventFacts): boolean {
  const line = `${session} device_changed`
  const seen = reported.seen(line)
  if (seen !== at && at - seen < DEVICE_CHANGES_EVERY_MS) return false
  reported.note(line, at)
  return true
}

function rotationEvent(
  engine: EngineContext,
  shown: MatchedPresentation,
  { rotated }: Rotation,
): readonly SessionEvent[] {
  if (rotated === undefined) return []
  if (shown.claims.kind === 'refresh') {
    if (rotated === 'rotated') return []
    const facts = { ...factsOf(shown), reason: 'response_lost' }
    return [engine.eventWriter.event('session-refreshed', facts)]
  }
  const reason = rotated === 'sibling' ? 'response_lost' : shown.presentation.sensitivity
  return [
    engine.eventWriter.event('secret-rotated', { ...factsOf(shown), actor: 'engine', reason }),
  ]
}
