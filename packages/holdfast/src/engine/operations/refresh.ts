import { touchInterval } from '../../core/lifetimes.ts'
import type { RotationStatus } from '../../core/rotation.ts'
import type { Presented, Refreshed, RefreshStatus, Verification } from '../../core/sessions.ts'
import type { EngineContext } from '../context.ts'
import { apply, decide, factsOf } from '../judging/decide.ts'
import { judgeLive, type MatchedPresentation } from '../judging/open-session.ts'
import type { OpenedSession } from '../state/load.ts'
import { nothingNew, quietDecision } from './verify.ts'

/**
 * Judges a refresh token by all that a session token is settled by, and rotates it at every use. Where nothing is new
 * that takes one read and one write, and the subject's past is not asked.
 */
export function refresh(engine: EngineContext, presented: Presented): Promise<Refreshed> {
  return judgeLive(engine, { presented, kind: 'refresh' }, async (opened, asked) => {
    // whatever the method: who refreshes is about to do more than read
    const shown = { ...asked, presentation: { ...asked.presentation, method: 'POST' } }
    const answer = await settled(engine, opened, shown)
    if (answer === 'lost_race' || !answer.ok) return answer
    const status = STATUSES[shown.rotation.status]
    tellNowAndThen(engine, opened, { shown, status })
    return { ...answer, status }
  })
}

function settled(
  engine: EngineContext,
  opened: OpenedSession,
  shown: MatchedPresentation,
): Promise<Verification | 'lost_race'> {
  const { state } = opened
  if (shown.rotation.status === 'fork' || !nothingNew(engine, opened, shown))
    return decide(engine, opened, shown)
  const decision = quietDecision(engine, state, shown.presentation.at)
  if (decision.outcome !== 'allow') return decide(engine, opened, shown)
  const nothing = { decision, next: state, historyUpdate: undefined }
  return apply(engine, { opened, shown }, { session: state, settled: nothing, events: [] })
}

/** A fork passes by the word of a policy alone, and then brings nothing new. */
const STATUSES: Readonly<Record<RotationStatus['status'], RefreshStatus>> = {
  current: 'normal',
  resend: 'resent',
  lost: 'response_lost',
  in_flight: 'in_flight',
  fork: 'in_flight',
  ahead: 'in_flight',
}

/**
 * To the listener: of the usual ones a sample, as of presentations; of those that came again one for each token. A
 * lost response is told with the write that it needed.
 */
function tellNowAndThen(
  engine: EngineContext,
  { found }: OpenedSession,
  { shown, status }: { readonly shown: MatchedPresentation; readonly status: RefreshStatus },
): void {
  if (status === 'response_lost') return
  const { claims, presentation } = shown
  if (status === 'normal') {
    if (presentation.at - (found.lastActivity ?? 0) < touchInterval(found.idleMs)) return
  } else {
    const line = `${claims.session} ${claims.family} ${status}`
    if (engine.reported.seen(line) >= claims.generation) return
    engine.reported.note(line, claims.generation)
  }
  engine.eventWriter.publish([
    engine.eventWriter.event('session-refreshed', { ...factsOf(shown), reason: status }),
  ])
}
