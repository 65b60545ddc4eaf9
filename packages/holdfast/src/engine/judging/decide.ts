import { contextsAt } from '../../core/context.ts'
import type { Decision } from '../../core/decision.ts'
import { PHISHING_RESISTANT_ACR, resistsPhishing } from '../../core/factors.ts'
import type { SubjectHistory } from '../../core/history.ts'
import type { Presentation } from '../../core/request.ts'
import { overdueFor, type RotationStatus } from '../../core/rotation.ts'
import { withSensitiveCall } from '../../core/sensitive-calls.ts'
import type { SessionState } from '../../core/session.ts'
import type { Verification } from '../../core/sessions.ts'
import type { Found } from '../../core/store.ts'
import type { EngineContext, MadeEvent, OpenedSession, Scales } from '../context.ts'
import { learnContext, readHistory } from '../state/history.ts'
import { withFamily } from '../state/records.ts'
import { save } from '../state/save.ts'
import { seenAt, touchIfDue } from './activity.ts'
import { accept, acceptOpened, accessFor, refusalCode, refuse } from './answer.ts'
import { type Settled, settle } from './contexts.ts'
import { decisionEvents, decisionFacts } from './decision-events.ts'
import { factsOf, familyOfKind, type MatchedPresentation, type Refusal } from './presentation.ts'
import { isReused } from './refresh-reuse.ts'
import { rotate, rotationEvents } from './rotation.ts'
import { shadowEvents } from './shadow-policy.ts'
import { isAccused, type Weighing, weigh } from './weigh.ts'

/** A presentation that was weighed and decided on, and nothing written yet. */
export interface Decided {
  /** The record as of now, before the outcome is written into it. */
  readonly session: SessionState
  readonly weighing: Weighing
  readonly settled: Settled
  /** Somebody else has used this refresh token before. No policy can let it go on. */
  readonly reused: boolean
  /** The authentication context that a step-up has to reach. Undefined: any. */
  readonly acr: string | undefined
  readonly events: readonly MadeEvent[]
}

/** A session, and the presentation of one of its secrets. */
export interface Matched {
  readonly opened: OpenedSession
  readonly matched: MatchedPresentation
}

/** Steps 8 to 10 of `verify`: weighs, decides, and applies by compare-and-set. */
export async function decide(
  engine: EngineContext,
  opened: OpenedSession,
  matched: MatchedPresentation,
): Promise<Verification | 'lost_race'> {
  const decided = await weighAndDecide(engine, opened, matched)
  const differed = shadowEvents(engine, factsOf(matched, opened.head), decided.weighing)
  const events = [...decided.events, ...differed]
  if (decided.settled.decision.outcome === 'revoke' || decided.reused) {
    return revokeNow(engine, opened.record.state(), matched, { ...decided, events })
  }
  return apply(engine, { opened, matched }, { ...decided, events })
}

/** Steps 8 and 9, without effects. A step-up begins with them, too. */
export async function weighAndDecide(
  engine: EngineContext,
  opened: OpenedSession,
  matched: MatchedPresentation,
): Promise<Decided> {
  const { found } = opened
  const state = opened.record.state()
  const { presentation, presented, rotation } = matched
  const subject = engine.codec.subjectKey(state.tenant, state.subject)
  const { history } = await readHistory(engine, subject, presented)
  const session = asOfNow(state, found, rotation, presentation.at)
  const scales = engine.scalesOf(state.tenant)
  const reused = isReused(state, matched)
  const weighing = weigh(scales, session, presentation, history, {
    acr: presented.acr,
    maxAgeMs: presented.maxAgeMs,
    overdueMs: overdueBy(engine, state, matched),
    contradiction: reused ? 'refresh_reused' : null,
  })
  const settled = settle(session, presentation, history, weighing)
  const due =
    !resistsPhishing({ acr: presented.acr, amr: [] }) &&
    isBetterFactorDue(scales, { session, presentation, history }, weighing)
  const acr = due ? PHISHING_RESISTANT_ACR : presented.acr
  const decided = { session, weighing, settled, reused, acr }
  return { ...decided, events: decisionEvents(engine, state, matched, decided) }
}

/**
 * Before a sensitive route, at a place that strong evidence speaks against, a code opens nothing
 * for a subject who has a factor that cannot be relayed: that one is asked for.
 */
function isBetterFactorDue(
  scales: Scales,
  about: {
    readonly session: SessionState
    readonly presentation: Presentation
    readonly history: SubjectHistory
  },
  { decision, situation }: Weighing,
): boolean {
  const { session, presentation, history } = about
  const gated = situation.sensitivity === 'sensitive' && !situation.networkConfirmed
  return (
    gated &&
    decision.outcome === 'challenge' &&
    resistsPhishing({ amr: session.factors }) &&
    isAccused(scales, session, presentation, history)
  )
}

/** Step 10: writes what was decided, where it changes anything, and answers. */
async function apply(
  engine: EngineContext,
  about: Matched,
  { session, settled, acr, events }: Decided,
): Promise<Verification | 'lost_race'> {
  const { opened, matched } = about
  const { found } = opened
  const state = opened.record.state()
  const { decision } = settled
  const trusted = decision.outcome === 'allow' || decision.outcome === 'observe'
  const touches = trusted || decision.outcome === 'limit'
  const { presentation, claims } = matched
  const noted =
    trusted && presentation.sensitivity === 'sensitive'
      ? withSensitiveCall(settled.next, presentation)
      : settled.next
  const before = familyOfKind(opened.record, claims.kind)
  const rotation = trusted && before !== null ? rotate(engine, before, matched) : undefined
  const rotates = rotation !== undefined && rotation.family !== before
  const unchanged = !rotates && noted === session && session.fork === state.fork
  const code = refusalCode(decision, presentation)
  // A request does not pass with attributes that were tampered with, so it has no effects either.
  if (code === undefined) engine.attributes.check(state, found)

  const next = rotates ? withFamily(noted, claims.kind, rotation.family) : noted
  if (unchanged) {
    // What the shadow policy says again of the same is no event.
    const refusals = events.filter(({ event }) => event.type !== 'policy-differed')
    if (refusals.length > 0) await engine.eventWriter.append(state.id, refusals)
    if (touches) await touchIfDue(engine, opened, matched)
  } else {
    const shown = trusted ? rotationEvents(engine, matched, state) : []
    const outcome = await save(engine, {
      found,
      next,
      events: [...events, ...shown],
      seenAt: touches ? seenAt(presentation) : undefined,
    })
    if (outcome === 'lost_race') return 'lost_race'
    if (outcome === 'gone') return { ok: false, code: 'session_revoked' }
  }
  await learnContext(engine, state, settled.historyUpdate)

  if (code !== undefined) return refuse(code, decision, { ...matched.presented, acr })
  const { token, refreshToken } = rotation ?? {}
  const answered = unchanged ? state : next
  const access = accessFor(matched)
  return accept(engine, answered, found, { decision, token, refreshToken, access })
}

/**
 * Step 10 where nothing was new to weigh: at most the family of the secret changes, and nothing
 * else of the record is decoded.
 */
export async function applyUnweighed(
  engine: EngineContext,
  { opened, matched }: Matched,
  decision: Decision,
): Promise<Verification | 'lost_race'> {
  const { found } = opened
  const { presentation, claims } = matched
  const { kind } = claims
  const before = familyOfKind(opened.record, kind)
  const rotation = before === null ? undefined : rotate(engine, before, matched)
  engine.attributes.check(opened.head, found)
  if (rotation === undefined || rotation.family === before) {
    await touchIfDue(engine, opened, matched)
  } else {
    const outcome = await save(engine, {
      found,
      next: { record: opened.record, kind, family: rotation.family },
      events: rotationEvents(engine, matched, opened.head),
      seenAt: seenAt(presentation),
    })
    if (outcome === 'lost_race') return 'lost_race'
    if (outcome === 'gone') return { ok: false, code: 'session_revoked' }
  }
  const { token, refreshToken } = rotation ?? {}
  return acceptOpened(engine, opened, matched, { decision, token, refreshToken })
}

/** Ends the session on what this presentation has proven. */
export async function revokeNow(
  { store, host, eventWriter }: EngineContext,
  state: SessionState,
  matched: MatchedPresentation,
  decided: Decided,
): Promise<Refusal> {
  const { session, settled, reused, events } = decided
  const forked = session.fork === null ? 'contradiction' : 'secret_forked'
  const reason = reused ? 'refresh_reused' : forked
  const facts = { ...decisionFacts(matched, decided), actor: 'engine', reason }
  const all = [...events, eventWriter.event('session-revoked', facts)]
  await store.entries.revoke(state.id, {
    reason,
    at: host.now(),
    events: eventWriter.seal(all),
  })
  eventWriter.publish(all)
  return { ok: false, code: 'session_revoked', decision: settled.decision }
}

/**
 * A fork is set as soon as it is seen, silence counts from the last activity, and trust without use
 * has lapsed.
 */
function asOfNow(
  state: SessionState,
  found: Found,
  { status }: RotationStatus,
  at: number,
): SessionState {
  const fork = state.fork ?? (status === 'fork' ? { at } : null)
  const seen = Math.max(state.last.at, found.lastActivity ?? 0)
  const last = seen === state.last.at ? state.last : { ...state.last, at: seen }
  const contexts = contextsAt(state.contexts, last, at)
  if (fork === state.fork && last === state.last && contexts === state.contexts) return state
  return { ...state, fork, last, contexts }
}

/** Only for the session's own secret: a refresh token gets a successor whenever it is shown. */
function overdueBy(
  { rotateEveryMs }: EngineContext,
  { family }: SessionState,
  { rotation, shown }: MatchedPresentation,
): number | undefined {
  if (shown.kind !== 'session' || rotation.status !== 'current') return undefined
  return overdueFor(family, shown.at, rotateEveryMs)
}
