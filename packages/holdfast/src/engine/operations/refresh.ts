import { touchInterval } from '../../core/lifetimes.ts'
import type { Presented, Refreshed, RefreshStatus, Verification } from '../../core/sessions.ts'
import type { EngineContext, OpenedSession } from '../context.ts'
import { applyUnweighed, decide } from '../judging/decide.ts'
import { fastDecision, nothingNew } from '../judging/fast-path.ts'
import { withLiveSession } from '../judging/open-session.ts'
import {
  authenticatedPresentation,
  factsOf,
  type MatchedPresentation,
} from '../judging/presentation.ts'

/**
 * Judges a refresh token by all that a session token is judged by. It gets a successor at every
 * use, but not before its own predecessor can no longer arrive: until then the client keeps it.
 * Where nothing is new that takes one read, one write a generation, and the subject's past is not
 * read.
 */
export async function refresh(engine: EngineContext, presented: Presented): Promise<Refreshed> {
  const authenticated = authenticatedPresentation(engine, presented, 'refresh')
  if ('ok' in authenticated) return authenticated
  return withLiveSession(engine, authenticated, async (opened, matched) => {
    const answer = await decideRefresh(engine, opened, matched)
    if (answer === 'lost_race' || !answer.ok) return answer
    const status = statusOf(answer, matched)
    publishSample(engine, opened, matched, status)
    return { ...answer, status }
  })
}

function decideRefresh(
  engine: EngineContext,
  opened: OpenedSession,
  matched: MatchedPresentation,
): Promise<Verification | 'lost_race'> {
  if (matched.rotation.status === 'fork' || !nothingNew(engine, opened, matched)) {
    return decide(engine, opened, matched)
  }
  const decision = fastDecision(engine, opened.head, matched.presentation.at)
  if (decision.outcome !== 'allow') return decide(engine, opened, matched)
  return applyUnweighed(engine, { opened, matched }, decision)
}

/** A fork passes only where a policy says so, and then brings nothing new. */
function statusOf(
  { refreshToken }: Verification & { readonly ok: true },
  { rotation: { status } }: MatchedPresentation,
): RefreshStatus {
  if (refreshToken !== undefined) return 'rotated'
  return status === 'in_flight' || status === 'fork' ? 'in_flight' : 'kept'
}

/**
 * The listener hears of usual refreshes as often as of presentations, of passive ones never, and
 * once a generation of a token that was replaced already.
 */
function publishSample(
  { eventWriter, eventLimiter }: EngineContext,
  { found, head }: OpenedSession,
  matched: MatchedPresentation,
  status: RefreshStatus,
): void {
  const { claims, presentation } = matched
  if (status !== 'in_flight') {
    if (presentation.passive === true) return
    if (presentation.at - (found.lastActivity ?? 0) < touchInterval(found.idleMs)) return
  } else {
    const key = `${claims.session} ${claims.family} ${status}`
    if (!eventLimiter.isNew(key, claims.generation)) return
  }
  eventWriter.tell('session-refreshed', () => ({ ...factsOf(matched, head), reason: status }))
}
