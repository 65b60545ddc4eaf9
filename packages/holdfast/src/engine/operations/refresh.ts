import { touchInterval } from '../../core/lifetimes.ts'
import type { RotationStatus } from '../../core/rotation.ts'
import type { Presented, Refreshed, RefreshStatus, Verification } from '../../core/sessions.ts'
import type { EngineContext, OpenedSession } from '../context.ts'
import { apply, decide } from '../judging/decide.ts'
import { fastDecision, nothingNew } from '../judging/fast-path.ts'
import { withLiveSession } from '../judging/open-session.ts'
import {
  authenticatedPresentation,
  factsOf,
  type MatchedPresentation,
} from '../judging/presentation.ts'

/**
 * Judges a refresh token by all that a session token is judged by, and rotates it at every use.
 * Where nothing is new that takes one read and one write, and the subject's past is not read.
 */
export async function refresh(engine: EngineContext, presented: Presented): Promise<Refreshed> {
  const authenticated = authenticatedPresentation(engine, presented, 'refresh')
  if ('ok' in authenticated) return authenticated
  return withLiveSession(engine, authenticated, async (opened, { presentation, ...rest }) => {
    // Whatever the method: who refreshes is about to do more than read.
    const matched = { ...rest, presentation: { ...presentation, method: 'POST' } }
    const answer = await decideRefresh(engine, opened, matched)
    if (answer === 'lost_race' || !answer.ok) return answer
    const status = STATUSES[matched.rotation.status]
    publishSample(engine, opened, matched, status)
    return { ...answer, status }
  })
}

function decideRefresh(
  engine: EngineContext,
  opened: OpenedSession,
  matched: MatchedPresentation,
): Promise<Verification | 'lost_race'> {
  const { state } = opened
  if (matched.rotation.status === 'fork' || !nothingNew(engine, opened, matched)) {
    return decide(engine, opened, matched)
  }
  const decision = fastDecision(engine, state, matched.presentation.at)
  if (decision.outcome !== 'allow') return decide(engine, opened, matched)
  const settled = { decision, next: state, historyUpdate: undefined }
  return apply(engine, { opened, matched }, { session: state, settled, events: [] })
}

/** A fork passes only where a policy says so, and then brings nothing new. */
const STATUSES: Readonly<Record<RotationStatus['status'], RefreshStatus>> = {
  current: 'normal',
  resend: 'resent',
  lost: 'response_lost',
  in_flight: 'in_flight',
  fork: 'in_flight',
  ahead: 'in_flight',
}

/**
 * The listener hears of usual refreshes as often as of presentations, and of a token that came
 * again once. A lost response is committed as an event with the write that it needed.
 */
function publishSample(
  { eventWriter, eventLimiter }: EngineContext,
  { found }: OpenedSession,
  matched: MatchedPresentation,
  status: RefreshStatus,
): void {
  if (status === 'response_lost') return
  const { claims, presentation } = matched
  if (status === 'normal') {
    if (presentation.at - (found.lastActivity ?? 0) < touchInterval(found.idleMs)) return
  } else {
    const key = `${claims.session} ${claims.family} ${status}`
    if (!eventLimiter.isNew(key, claims.generation)) return
  }
  eventWriter.publish([
    eventWriter.event('session-refreshed', { ...factsOf(matched), reason: status }),
  ])
}
