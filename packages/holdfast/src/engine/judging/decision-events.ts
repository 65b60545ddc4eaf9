import type { EventType, SessionEvent } from '../../core/events.ts'
import type { SessionState } from '../../core/session.ts'
import type { EngineContext, EventFacts } from '../context.ts'
import type { Settled } from './contexts.ts'
import { factsOf, type MatchedPresentation } from './presentation.ts'
import type { Weighing } from './weigh.ts'

/** Who changes the screen with every request must not fill the log. */
const DEVICE_CHANGES_EVERY_MS = 3_600_000

/** What a presentation changed about a session, as events. A repetition of the same is no event. */
export function decisionEvents(
  { eventWriter, eventLimiter }: EngineContext,
  state: SessionState,
  matched: MatchedPresentation,
  decided: {
    readonly session: SessionState
    readonly weighing: Weighing
    readonly settled: Settled
    readonly reused: boolean
  },
): readonly SessionEvent[] {
  const { session, weighing, settled, reused } = decided
  const facts = decisionFacts(matched, weighing, settled)
  const forkedNow = state.fork === null && session.fork !== null
  const types = typesOf(settled, session)
  if (reused || forkedNow) {
    const reason = reused ? 'refresh_reused' : 'secret_forked'
    const token = eventWriter.event('token-reused', { ...facts, reason })
    return [token, ...types.map((type) => eventWriter.event(type, facts))]
  }
  if (types.length > 0) return types.map((type) => eventWriter.event(type, facts))
  if (!settled.deviceChanged) return []
  const key = `${session.id} device_changed`
  if (!eventLimiter.isDue(key, facts.at, DEVICE_CHANGES_EVERY_MS)) return []
  return [eventWriter.event('context-changed', { ...facts, reason: 'device_changed' })]
}

/** What events say of a decision, with what the policy looked at where it is the policy's own. */
export function decisionFacts(
  matched: MatchedPresentation,
  { decision, situation }: Weighing,
  settled: Settled,
): EventFacts {
  const facts = { ...factsOf(matched), decision: settled.decision }
  return settled.decision === decision ? { ...facts, situation } : facts
}

function typesOf(settled: Settled, session: SessionState): readonly EventType[] {
  const { decision, contextChanged, newlySuspected, next } = settled
  const types: EventType[] = []
  if (contextChanged && !newlySuspected) types.push('context-changed')
  if (newlySuspected || (decision.outcome === 'observe' && next !== session)) {
    types.push('anomaly-detected')
  }
  if (newlySuspected && decision.outcome === 'challenge') types.push('step-up-required')
  if (newlySuspected && decision.outcome === 'limit') types.push('session-limited')
  return types
}
