import type { EventType, SessionEvent } from '../core/events.ts'
import type { Row } from '../core/ratchet.ts'
import type { SessionState } from '../core/session.ts'
import type { Verification } from '../core/sessions.ts'
import type { Found } from '../core/store.ts'
import { type Advanced, advance } from './advance.ts'
import { accessFor, passed, refusalOf, refused } from './answer.ts'
import { learn, recall, withContext } from './history.ts'
import type { EventFacts } from './journal.ts'
import { type Judged, judge } from './judge.ts'
import type { Weighable } from './live.ts'
import type { Opened } from './load.ts'
import type { Parts } from './parts.ts'
import type { Shown } from './present.ts'
import { save, touchIfDue } from './save.ts'
import { type Weighing, weigh } from './weigh.ts'

export interface Weighed {
  /** The record as of now, before the outcome is written into it. */
  readonly session: SessionState
  readonly weighing: Weighing
  readonly judged: Judged
  readonly events: readonly SessionEvent[]
}

/** Steps 8 to 10: weigh, decide, apply by compare-and-set. */
export async function decide(
  parts: Parts,
  opened: Opened,
  shown: Weighable,
): Promise<Verification | 'lost_race'> {
  const { found, state } = opened
  const { at } = shown.presentation
  const weighed = await weighOpened(parts, opened, shown)
  const { judged, session } = weighed
  const { decision } = judged
  if (decision.outcome === 'revoke') return revokeNow(parts, state, shown, weighed)

  const trusted = decision.outcome === 'allow' || decision.outcome === 'observe'
  const alive = trusted || decision.outcome === 'limit'
  const moved: Advanced = trusted
    ? advance(parts, judged.next, {
        row: shown.row,
        presentation: shown.presentation,
        deliverable: shown.presented.deliverable === true,
      })
    : { state: judged.next }
  const untouched = moved.state === session && session.fork === state.fork

  if (untouched) {
    if (alive) await touchIfDue(parts, found, shown.presentation)
  } else {
    const events = [...weighed.events, ...rotationEvent(parts, shown, moved)]
    const seenAt = alive ? at : undefined
    const outcome = await save(parts, { found, next: moved.state, events, seenAt })
    if (outcome === 'lost_race') return 'lost_race'
    if (outcome === 'gone') return { ok: false, code: 'session_revoked' }
  }
  await teach(parts, state, judged)

  const code = refusalOf(decision, shown.presentation)
  if (code !== undefined) return refused(code, decision, shown.presented)
  const next = untouched ? state : moved.state
  return passed(parts, next, found, { decision, token: moved.token, access: accessFor(shown) })
}

/** What the subject's past should know of this presentation. */
export async function teach(
  parts: Parts,
  { tenant, subject }: SessionState,
  { lesson }: Judged,
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
  const weighing = weigh(parts, session, presentation, history, demand)
  const judged = judge(session, presentation, history, weighing)
  if (parts.shadow !== undefined) {
    const shadowed = weigh(
      { ...parts, policy: parts.shadow },
      session,
      presentation,
      history,
      demand,
    )
    if (shadowed.decision.outcome !== judged.decision.outcome) {
      const differed = { ...factsOf(shown), decision: shadowed.decision }
      parts.journal.tell([parts.journal.event('policy-differed', differed)])
    }
  }
  return { session, weighing, judged, events: eventsOf(parts, state, shown, { session, judged }) }
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
  { session, judged, events }: Weighed,
): Promise<Verification & { readonly ok: false }> {
  const why = session.fork === null ? 'contradiction' : 'secret_forked'
  const facts: EventFacts = { ...factsOf(shown), actor: 'engine', decision: judged.decision }
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

/** What this presentation changed about how the session looks; a repetition of the same is no event. */
function eventsOf(
  parts: Parts,
  state: SessionState,
  shown: Weighable,
  { session, judged }: { readonly session: SessionState; readonly judged: Judged },
): readonly SessionEvent[] {
  const { decision, contextChanged, newlySuspected } = judged
  const facts = { ...factsOf(shown), decision }
  const types: EventType[] = []
  if (state.fork === null && session.fork !== null) types.push('token-reused')
  if (contextChanged && !newlySuspected) types.push('context-changed')
  if (newlySuspected || (decision.outcome === 'observe' && judged.next !== session)) {
    types.push('anomaly-detected')
  }
  if (newlySuspected && decision.outcome === 'challenge') types.push('step-up-required')
  if (newlySuspected && decision.outcome === 'limit') types.push('session-limited')
  return types.map((type) =>
    parts.journal.event(
      type,
      type === 'token-reused' ? { ...facts, reason: 'secret_forked' } : facts,
    ),
  )
}

function rotationEvent(
  parts: Parts,
  shown: Weighable,
  { rotated }: Advanced,
): readonly SessionEvent[] {
  if (rotated === undefined) return []
  const reason = rotated === 'sibling' ? 'response_lost' : shown.presentation.sensitivity
  return [parts.journal.event('secret-rotated', { ...factsOf(shown), actor: 'engine', reason })]
}
