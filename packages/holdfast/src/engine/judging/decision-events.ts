import type { Decision } from '../../core/decision.ts'
import type { NamedReasonOf } from '../../core/event-of.ts'
import { touchInterval } from '../../core/lifetimes.ts'
import type { Presentation } from '../../core/request.ts'
import type { SessionState } from '../../core/session.ts'
import type { Reason } from '../../signals/reasons.ts'
import type { EngineContext, EventFacts, MadeEvent } from '../context.ts'
import type { Settled } from './contexts.ts'
import { factsOf, type MatchedPresentation } from './presentation.ts'
import type { Weighing } from './weigh.ts'

/** Who changes the screen with every request must not fill the log. */
const DEVICE_CHANGES_EVERY_MS = 3_600_000

/**
 * What a presentation changed about a session, and what was refused to it, as events. A refusal
 * that changes nothing is a sample: one per context, cause and touch interval.
 */
export function decisionEvents(
  engine: EngineContext,
  state: SessionState,
  matched: MatchedPresentation,
  decided: {
    readonly session: SessionState
    readonly weighing: Weighing
    readonly settled: Settled
    readonly reused: boolean
  },
): readonly MadeEvent[] {
  const { eventWriter, eventLimiter } = engine
  const { session, weighing, settled, reused } = decided
  const facts = decisionFacts(matched, decided)
  const forkedNow = state.fork === null && session.fork !== null
  const cause = refusalCause(weighing, settled.decision)
  const types = typesOf(settled, session)
  const refused = REFUSALS[settled.decision.outcome]
  if (cause !== undefined && refused !== undefined) {
    const due = isRefusalDue(engine, session, {
      key: weighing.key,
      cause,
      presentation: matched.presentation,
    })
    if (due && !types.includes(refused)) types.push(refused)
  }
  const events = types.map((type) =>
    eventWriter.event(
      type,
      type === refused && cause !== undefined ? { ...facts, reason: cause } : facts,
    ),
  )
  if (reused || forkedNow) {
    const reason = reused ? 'refresh_reused' : forkReason(matched)
    return [eventWriter.event('token-reused', { ...facts, reason }), ...events]
  }
  if (events.length > 0) return events
  if (!settled.deviceChanged) return []
  const key = `${session.id} device_changed`
  if (!eventLimiter.isDue(key, matched.presentation, DEVICE_CHANGES_EVERY_MS)) return []
  return [eventWriter.event('context-changed', { ...facts, reason: 'device_changed' })]
}

/** A secret from ahead of the store proves that the store lost writes, and two holders. */
function forkReason({ rotation }: MatchedPresentation): NamedReasonOf<'token-reused'> {
  const rolledBack = rotation.status === 'fork' && rotation.rolledBack
  return rolledBack ? 'store_rolled_back' : 'secret_forked'
}

type Refused = 'step-up-required' | 'anomaly-detected'

/** The events of refusals that are neither a limit nor the end of the session. */
const REFUSALS: Partial<Record<Decision['outcome'], Refused>> = {
  challenge: 'step-up-required',
  deny: 'anomaly-detected',
}

/** Whether the refusal of a context for this cause is to be told. Notes that it is. */
export function isRefusalDue(
  { eventLimiter }: Pick<EngineContext, 'eventLimiter'>,
  { id, idleMs }: Pick<SessionState, 'id' | 'idleMs'>,
  about: {
    readonly key: string
    readonly cause: string
    readonly presentation: Presentation
  },
): boolean {
  const { key, cause, presentation } = about
  // A context stays challenged for what it was challenged for.
  const told = cause === 'context_challenged' ? 'evidence' : cause
  return eventLimiter.isDue(`${id} ${key} ${told}`, presentation, touchInterval(idleMs))
}

/**
 * Why a presentation is challenged, or refused for good: for what is thought of the context, or
 * else for what the route asks. Undefined for every other outcome.
 */
function refusalCause(
  { standing }: Weighing,
  { outcome, because }: Decision,
): NamedReasonOf<Refused> | undefined {
  if (outcome !== 'challenge' && outcome !== 'deny') return undefined
  if (outcome === 'deny') return denialCause({ because })
  const given: ReadonlySet<string> = new Set(because.map(({ reason }) => reason))
  const itself = standing.outcome === 'challenge' || standing.outcome === 'deny'
  const causes = itself ? OF_CONTEXTS : OF_ROUTES
  return causes.find((reason) => given.has(reason)) ?? 'evidence'
}

/** What is exhausted where nothing more is asked of a context. */
export function denialCause({
  because,
}: Pick<Decision, 'because'>): NamedReasonOf<'anomaly-detected'> {
  const given: ReadonlySet<string> = new Set(because.map(({ reason }) => reason))
  return EXHAUSTED.find((reason) => given.has(reason)) ?? 'evidence'
}

const EXHAUSTED = [
  'attempts_exhausted',
  'prompts_exhausted',
  'contexts_exhausted',
] as const satisfies readonly Reason[]
const OF_CONTEXTS = [
  'secret_forked',
  'travel_impossible',
  'context_challenged',
] as const satisfies readonly Reason[]
const OF_ROUTES = [
  'network_unconfirmed',
  'acr_missing',
  'authentication_stale',
  'signal_failed',
] as const satisfies readonly Reason[]

/** What events say of a decision, with what the policy looked at where it is the policy's own. */
export function decisionFacts(
  matched: MatchedPresentation,
  {
    session,
    weighing: { decision, situation },
    settled,
  }: {
    readonly session: SessionState
    readonly weighing: Weighing
    readonly settled: Settled
  },
): EventFacts {
  const facts = { ...factsOf(matched, session), decision: settled.decision }
  return settled.decision === decision ? { ...facts, situation } : facts
}

type TypeOfDecision = Refused | 'context-changed' | 'session-limited'

function typesOf(settled: Settled, session: SessionState): TypeOfDecision[] {
  const { decision, contextChanged, newlySuspected, next } = settled
  const types: TypeOfDecision[] = []
  if (contextChanged && !newlySuspected) types.push('context-changed')
  if (newlySuspected || (decision.outcome === 'observe' && next !== session)) {
    types.push('anomaly-detected')
  }
  if (newlySuspected && decision.outcome === 'challenge') types.push('step-up-required')
  if (newlySuspected && decision.outcome === 'limit') types.push('session-limited')
  return types
}
