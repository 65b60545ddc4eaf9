import type { EventType, SessionEvent } from '../../core/events.ts'
import type { Row } from '../../core/rotation.ts'
import type { SessionState } from '../../core/session.ts'
import type { Verification } from '../../core/sessions.ts'
import type { Found } from '../../core/store.ts'
import type { Parts } from '../context.ts'
import type { EventFacts } from '../state/events.ts'
import { learn, recall, withContext } from '../state/history.ts'
import type { Opened } from '../state/load.ts'
import { save, touchIfDue } from '../state/save.ts'
import { accessFor, passed, refusalOf, refused } from './answer.ts'
import { type Judged, judge } from './contexts.ts'
import type { Weighable } from './open-session.ts'
import type { Shown } from './presentation.ts'
import { isReused } from './refresh-reuse.ts'
import { type Advanced, advance, advanceRefresh } from './rotation.ts'
import { shadowEvent } from './shadow-policy.ts'
import { type Weighing, weigh } from './weigh.ts'

export interface Weighed {
  /** The record as of now, before the outcome is written into it. */
  readonly session: SessionState
  readonly weighing: Weighing
  readonly judged: Judged
  /** A refresh token was used before, by somebody else. No policy can let it go on. */
  readonly reused: boolean
  readonly events: readonly SessionEvent[]
}

/** Steps 8 to 10: weigh, decide, apply by compare-and-set. */
export async function decide(
  parts: Parts,
  opened: Opened,
  shown: Weighable,
): Promise<Verification | 'lost_race'> {
  const first = await weighOpened(parts, opened, shown)
  const differed = shadowEvent(parts, factsOf(shown), first.weighing)
  const weighed = differed === undefined ? first : { ...first, events: [...first.events, differed] }
  const { judged, reused } = weighed
  if (judged.decision.outcome === 'revoke' || reused)
    return revokeNow(parts, opened.state, shown, weighed)
  return apply(parts, { opened, shown }, weighed)
}

/** Step 10: what was decided is written, where it changes anything, and answered. */
export async function apply(
  parts: Parts,
  { opened, shown }: { readonly opened: Opened; readonly shown: Weighable },
  weighed: Pick<Weighed, 'session' | 'events'> & {
    readonly judged: Pick<Judged, 'decision' | 'next' | 'lesson'>
  },
): Promise<Verification | 'lost_race'> {
  const { found, state } = opened
  const { judged, session } = weighed
  const { decision } = judged
  const trusted = decision.outcome === 'allow' || decision.outcome === 'observe'
  const alive = trusted || decision.outcome === 'limit'
  const watched = decision.outcome === 'observe' && isNewPlace(state, judged.next)
  const moved: Advanced = trusted
    ? advanced(parts, judged.next, shown, watched)
    : { state: judged.next }
  const untouched = moved.state === session && session.fork === state.fork

  if (untouched) {
    if (alive) await touchIfDue(parts, found, shown.presentation)
  } else {
    const events = [...weighed.events, ...rotationEvent(parts, shown, moved)]
    const seenAt = alive ? shown.presentation.at : undefined
    const outcome = await save(parts, { found, next: moved.state, events, seenAt })
    if (outcome === 'lost_race') return 'lost_race'
    if (outcome === 'gone') return { ok: false, code: 'session_revoked' }
  }
  await teach(parts, state, judged)

  const code = refusalOf(decision, shown.presentation)
  if (code !== undefined) return refused(code, decision, shown.presented)
  const { token, refreshToken } = moved
  const next = untouched ? state : moved.state
  return passed(parts, next, found, { decision, token, refreshToken, access: accessFor(shown) })
}

/** New to the session. Who is watched on coming there gets a new secret at once: two holders show soon. */
function isNewPlace({ contexts }: SessionState, { last }: SessionState): boolean {
  return !contexts.some(({ key }) => key === last.context)
}

function advanced(parts: Parts, state: SessionState, shown: Weighable, watched: boolean): Advanced {
  const { claims, row, presentation, presented } = shown
  if (claims.kind === 'refresh') return advanceRefresh(parts, state, { row, presentation })
  const deliverable = presented.deliverable === true
  return advance(parts, state, { row, presentation, deliverable, watched })
}

/** What the subject's past should know of this presentation. */
export async function teach(
  parts: Parts,
  { tenant, subject }: SessionState,
  { lesson }: Pick<Judged, 'lesson'>,
): Promise<void> {
  if (lesson === undefined) return
  await learn(parts, parts.codec.subjectKey(tenant, subject), (past) => withContext(past, lesson))
}

/** Steps 8 and 9, without effects: what a step-up begins with, too. */
export async function weighOpened(
  parts: Parts,
  { found, state }: Opened,
  shown: Weighable,
): Promise<Weighed> {
  const { presentation, presented, row } = shown
  const subject = parts.codec.subjectKey(state.tenant, state.subject)
  const { history } = await recall(parts, subject)
  const session = asOfNow(state, found, row, presentation.at)
  const demand = { acr: presented.acr, freshWithin: presented.freshWithin }
  const scales = parts.scalesOf(state.tenant)
  const first = weigh(scales, session, presentation, history, demand)
  const reused = isReused(state, shown, first.standing)
  const weighing = reused
    ? weigh(scales, session, presentation, history, { ...demand, contradiction: 'refresh_reused' })
    : first
  const judged = judge(session, presentation, history, weighing)
  const events = eventsOf(parts, state, shown, { session, weighing, judged, reused })
  return { session, weighing, judged, reused, events }
}

/** A fork is set as soon as it is seen, and silence counts from the last activity. */
function asOfNow(state: SessionState, found: Found, row: Row, at: number): SessionState {
  const fork = state.fork ?? (row.row === 'fork' ? { at } : null)
  const seen = Math.max(state.last.at, found.lastActivity ?? 0)
  if (fork === state.fork && seen === state.last.at) return state
  return { ...state, fork, last: { ...state.last, at: seen } }
}

/** Ends the session on what this presentation has proven. */
export async function revokeNow(
  parts: Parts,
  state: SessionState,
  shown: Weighable,
  { session, weighing, judged, reused, events }: Weighed,
): Promise<Verification & { readonly ok: false }> {
  const forked = session.fork === null ? 'contradiction' : 'secret_forked'
  const why = reused ? 'refresh_reused' : forked
  const facts = { ...factsOf(shown), ...decidedOf(weighing, judged), actor: 'engine' }
  const all = [...events, parts.journal.event('session-revoked', { ...facts, reason: why })]
  await parts.store.entries.revoke(state.id, {
    until: state.deadline,
    why,
    at: parts.host.now(),
    events: parts.journal.seal(all),
  })
  parts.journal.tell(all)
  return { ok: false, code: 'session_revoked', decision: judged.decision }
}

export function factsOf({ claims, presentation, presented }: Shown): EventFacts {
  const { at, network, device } = presentation
  return { at, session: claims.session, network, device, correlation: presented.correlation }
}

/** A decision, with what the policy looked at where it is the policy's own. */
function decidedOf(
  { decision, situation }: Weighing,
  judged: Judged,
): Pick<EventFacts, 'decision' | 'situation'> {
  return judged.decision === decision ? { decision, situation } : { decision: judged.decision }
}

/** What this presentation changed about how the session looks; a repetition of the same is no event. */
function eventsOf(
  parts: Parts,
  state: SessionState,
  shown: Weighable,
  { session, weighing, judged, reused }: Omit<Weighed, 'events'>,
): readonly SessionEvent[] {
  const { decision, contextChanged, newlySuspected } = judged
  const facts = { ...factsOf(shown), ...decidedOf(weighing, judged) }
  const types: EventType[] = []
  if (reused || (state.fork === null && session.fork !== null)) types.push('token-reused')
  if (contextChanged && !newlySuspected) types.push('context-changed')
  if (newlySuspected || (decision.outcome === 'observe' && judged.next !== session)) {
    types.push('anomaly-detected')
  }
  if (newlySuspected && decision.outcome === 'challenge') types.push('step-up-required')
  if (newlySuspected && decision.outcome === 'limit') types.push('session-limited')
  if (types.length === 0 && judged.deviceChanged && isSampled(parts, facts)) {
    return [parts.journal.event('context-changed', { ...facts, reason: 'device_changed' })]
  }
  return types.map((type) =>
    parts.journal.event(
      type,
      type === 'token-reused'
        ? { ...facts, reason: reused ? 'refresh_reused' : 'secret_forked' }
        : facts,
    ),
  )
}

const DEVICE_CHANGES_EVERY_MS = 3_600_000

/** One an hour and session: who changes the screen with every request must not fill the log. A retry counts as the same. */
function isSampled({ reported }: Parts, { session, at }: EventFacts): boolean {
  const line = `${session} device_changed`
  const seen = reported.seen(line)
  if (seen !== at && at - seen < DEVICE_CHANGES_EVERY_MS) return false
  reported.note(line, at)
  return true
}

function rotationEvent(
  parts: Parts,
  shown: Weighable,
  { rotated }: Advanced,
): readonly SessionEvent[] {
  if (rotated === undefined) return []
  if (shown.claims.kind === 'refresh') {
    if (rotated === 'rotated') return []
    const facts = { ...factsOf(shown), reason: 'response_lost' }
    return [parts.journal.event('session-refreshed', facts)]
  }
  const reason = rotated === 'sibling' ? 'response_lost' : shown.presentation.sensitivity
  return [parts.journal.event('secret-rotated', { ...factsOf(shown), actor: 'engine', reason })]
}
