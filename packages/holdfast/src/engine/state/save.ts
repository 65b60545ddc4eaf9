import { SessionError } from '../../core/errors.ts'
import type { SessionEvent } from '../../core/events.ts'
import { touchInterval } from '../../core/lifetimes.ts'
import type { Presentation } from '../../core/request.ts'
import type { SessionState } from '../../core/session.ts'
import type { Found } from '../../core/store.ts'
import type { Parts } from '../context.ts'

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
  parts: Parts,
  change: {
    readonly found: Found
    readonly next: SessionState
    readonly events: readonly SessionEvent[]
    readonly seenAt: number | undefined
  },
): Promise<'written' | 'lost_race' | 'gone'> {
  const { found, next, events, seenAt } = change
  const version = found.version + 1
  const entry = parts.records.seal({ ...found, version }, next)
  const outcome = await parts.store.entries.write(entry, {
    events: parts.journal.seal(events),
    ...(seenAt === undefined ? {} : { seenAt }),
  })
  if (outcome === 'gone') return 'gone'
  if (outcome !== 'written') return 'lost_race'
  parts.versions.note(found.id, version)
  parts.journal.tell(events)
  return 'written'
}

/** Notes activity, at most once per touch interval; the listener hears of it as a sample of presentations. Undefined: not due. */
export function touchIfDue(
  parts: Parts,
  found: Found,
  { at, network, device }: Presentation,
): Promise<void> | undefined {
  if (!touchDue(found, at)) return undefined
  const facts = { at, session: found.id, network, device }
  return parts.touches
    .touch(found.id, at)
    .then(() => parts.journal.tell([parts.journal.event('session-presented', facts)]))
}

export function touchDue({ lastActivity = 0, idleMs }: Found, at: number): boolean {
  return at - lastActivity >= touchInterval(idleMs)
}
