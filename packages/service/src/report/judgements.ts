import type { RecordedDecision, RecordedEvent } from './recorded.ts'

/** One presentation that left a decision in the log, however many events it caused. */
export interface Judgement {
  readonly event: RecordedEvent
  readonly decision: RecordedDecision
  /** The one before of the same session that is still in the log, login included. */
  readonly before: RecordedEvent | undefined
}

/** Of one event: the judgement that it is the first word of. Undefined for all else. */
export type Judgements = (event: RecordedEvent) => Judgement | undefined

const TELLING: ReadonlySet<string> = new Set([
  'context-changed',
  'anomaly-detected',
  'step-up-required',
  'session-limited',
  'session-revoked',
  'token-reused',
])

/** What a route asks for, as the reasons of its challenges say it. */
export const CAUSES_OF_ROUTES: ReadonlySet<string> = new Set([
  'network_unconfirmed',
  'acr_missing',
  'authentication_stale',
])

/** Challenges that judge nobody anew. */
const NO_JUDGEMENTS: ReadonlySet<string> = new Set([
  'step_up_begun',
  'context_challenged',
  ...CAUSES_OF_ROUTES,
])

/**
 * Finds the judgements in a log that has each session's events in order. A login is none, because
 * more than the policy decides there. The beginning of a step-up is none, because it repeats an
 * earlier judgement; nor is what a route asks for, because it accuses nobody.
 */
export function judgements(): Judgements {
  const last = new Map<string, RecordedEvent>()

  return (event) => {
    const { session, decision, type, at } = event
    if (session === null || decision === null) return undefined
    const before = last.get(session)
    if (type === 'session-established') last.set(session, event)
    if (!TELLING.has(type) || NO_JUDGEMENTS.has(event.reason ?? '')) return undefined
    if (before?.at === at && sameDecision(before.decision, decision)) return undefined
    last.set(session, event)
    return { event, decision, before }
  }
}

/** Two presentations of one instant may come to the same score, and hardly for the same reasons. */
function sameDecision(one: RecordedDecision | null, other: RecordedDecision): boolean {
  if (one === null || one.outcome !== other.outcome) return false
  const because = new Set(one.because.map(({ reason, weight }) => `${reason} ${weight}`))
  return (
    one.because.length === other.because.length &&
    other.because.every(({ reason, weight }) => because.has(`${reason} ${weight}`))
  )
}
