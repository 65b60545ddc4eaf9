import { SessionError } from '../../core/errors.ts'
import type { EventType, SessionEvent } from '../../core/events.ts'
import type { SessionId } from '../../core/ids.ts'
import { touchInterval } from '../../core/lifetimes.ts'
import type { Presentation } from '../../core/request.ts'
import type { SessionState } from '../../core/session.ts'
import type { Found, Reason } from '../../core/store.ts'
import type { EngineContext } from '../context.ts'
import type { EventFacts } from './events.ts'

/** Each lost race means that somebody else's write got through; far more in a row than contexts is a fault. */
export const TRIES = 24

export function contended(): SessionError {
  return new SessionError(
    'store_contended',
    'The session was changed by others at every try. Retry the request.',
  )
}

/** Seals and writes the next version of a record. */
export async function save(
  engine: EngineContext,
  change: {
    readonly found: Found
    readonly next: SessionState
    readonly events: readonly SessionEvent[]
    readonly seenAt: number | undefined
  },
): Promise<'written' | 'lost_race' | 'gone'> {
  const { found, next, events, seenAt } = change
  const version = found.version + 1
  const entry = engine.records.seal({ ...found, version }, next)
  const outcome = await engine.store.entries.write(entry, {
    events: engine.eventWriter.seal(events),
    ...(seenAt === undefined ? {} : { seenAt }),
  })
  if (outcome === 'gone') return 'gone'
  if (outcome !== 'written') return 'lost_race'
  engine.versions.note(found.id, version)
  engine.eventWriter.publish(events)
  return 'written'
}

/** Notes activity, at most once per touch interval; the listener hears of it as a sample of presentations. Undefined: not due. */
export function touchIfDue(
  engine: EngineContext,
  found: Found,
  { at, network, device }: Presentation,
): Promise<void> | undefined {
  if (!touchDue(found, at)) return undefined
  const facts = { at, session: found.id, network, device }
  return engine.touches
    .touch(found.id, at)
    .then(() => engine.eventWriter.publish([engine.eventWriter.event('session-presented', facts)]))
}

export function touchDue({ lastActivity = 0, idleMs }: Found, at: number): boolean {
  return at - lastActivity >= touchInterval(idleMs)
}

/** How a session ends, and what its event tells. */
export interface SessionEnd extends EventFacts {
  readonly until: number
  readonly reason: Reason
}

/** Commits the end of a session. Its event and its feed entry are written only if it was live. */
export async function endSession(
  engine: EngineContext,
  id: SessionId,
  { until, reason, ...facts }: SessionEnd,
): Promise<void> {
  const type: EventType = reason.endsWith('_timeout') ? 'session-expired' : 'session-revoked'
  const events = [engine.eventWriter.event(type, { ...facts, session: id, reason })]
  const ended = await engine.store.entries.revoke(id, {
    until: Math.max(until, facts.at + 1),
    reason,
    // when it ended, not when the request came that ended it: readers of the feed keep it for so long from then on
    at: engine.host.now(),
    events: engine.eventWriter.seal(events),
  })
  if (ended) engine.eventWriter.publish(events)
}
