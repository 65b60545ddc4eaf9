import { SessionError } from '../../core/errors.ts'
import type { Reason } from '../../core/feed.ts'
import type { SessionId } from '../../core/ids.ts'
import { lifetimeVerdict } from '../../core/lifetimes.ts'
import type { SessionState } from '../../core/session.ts'
import type { Attached, Entries, Found, WriteOptions } from '../../core/store.ts'
import type { EngineContext, EventFacts, MadeEvent, Rotated } from '../context.ts'

/**
 * How often a session is read and judged once more. Each lost race means that another write got
 * through; more lost races than a session has contexts are a fault.
 */
export const TRIES = 24

export function contended(): SessionError {
  return new SessionError(
    'store_contended',
    'The session was changed by others at every try. Retry the request.',
  )
}

/** Seals and writes the next version of a record. */
export function save(engine: EngineContext, change: Change): Promise<Saved> {
  const { found, next, attributes, events, seenAt } = change
  const { records, store, eventWriter } = engine
  const { id, generation, createdAt, deadline, idleMs } = found
  const terms = { id, version: found.version + 1, generation, createdAt, deadline, idleMs }
  const entry = 'record' in next ? records.sealRotated(terms, next) : records.seal(terms, next)
  const sealed = eventWriter.seal(events)
  const options: WriteOptions = {
    events: sealed,
    ...(seenAt === undefined ? {} : { seenAt }),
    ...(attributes === undefined ? {} : { attributes }),
  }
  return store.entries.write(entry, options).then((outcome) => saved(engine, change, outcome))
}

interface Change {
  readonly found: Found
  readonly next: SessionState | Rotated
  /** Those that `next` names, where they are others than before. */
  readonly attributes?: Attached
  readonly events: readonly MadeEvent[]
  readonly seenAt: number | undefined
}

type Saved = 'written' | 'lost_race' | 'gone'

function saved(
  engine: EngineContext,
  { found, events }: Change,
  outcome: Awaited<ReturnType<Entries['write']>>,
): Saved {
  // A session that ran out meanwhile is read once more, so that its client is told so.
  if (outcome === 'gone') {
    return lifetimeVerdict(found, found.lastActivity, engine.host.now()) === 'live'
      ? 'gone'
      : 'lost_race'
  }
  if (outcome !== 'written') return 'lost_race'
  engine.versions.note(found.id, found.version + 1)
  engine.eventWriter.publish(events)
  return 'written'
}

/** How a session ends, and what its event says. */
export interface SessionEnd extends EventFacts {
  readonly reason: Reason
}

/** Ends a session in one step with its feed entry. The event is written only if it was there. */
export async function endSession(
  { store, host, eventWriter }: EngineContext,
  id: SessionId,
  { reason, ...facts }: SessionEnd,
): Promise<void> {
  const events = [eventWriter.event('session-revoked', { ...facts, session: id, reason })]
  const ended = await store.entries.revoke(id, {
    reason,
    // Readers of the feed keep the entry for a time that starts when the session ended, which is
    // later than the request that ended it.
    at: host.now(),
    events: eventWriter.seal(events),
  })
  if (ended) eventWriter.publish(events)
}
