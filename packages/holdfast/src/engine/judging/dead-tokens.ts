import type { Claims } from '../../codecs/token-codec.ts'
import type { Presentation } from '../../core/request.ts'
import type { EngineContext, EventFacts, OpenedSession } from '../context.ts'

/** Whether the store had told of it already is asked no more often. */
const ASKED_AGAIN_MS = 3_600_000

/**
 * Tells once of a session that was presented after its absolute or its idle deadline. Its client is
 * told each time.
 */
export async function expire(
  { store, host, eventWriter, eventLimiter }: EngineContext,
  { head: { id, deadline } }: OpenedSession,
  facts: Pick<EventFacts, 'at' | 'network' | 'device' | 'correlation'>,
): Promise<void> {
  if (!eventLimiter.isDue(`${id} expired`, facts, ASKED_AGAIN_MS)) return
  const now = host.now()
  const reason = now >= deadline ? 'absolute_timeout' : 'idle_timeout'
  const event = eventWriter.event('session-expired', {
    ...facts,
    actor: 'engine',
    session: id,
    reason,
  })
  const told = await store.entries.expire(id, {
    reason,
    at: now,
    events: eventWriter.seal([event]),
  })
  if (told) eventWriter.publish([event])
}

/** A token of a family that a login or a step-up has replaced: one event a family, no evidence. */
export async function superseded(
  { eventLimiter, eventWriter }: EngineContext,
  { session, kind, family }: Claims,
  { at, network, device }: Presentation,
): Promise<void> {
  if (!eventLimiter.isNew(`${session} ${kind} ${family}`, 1)) return
  const facts = { at, session, network, device, reason: 'token_superseded' }
  await eventWriter.append(session, [eventWriter.event('token-reused', facts)])
}

/**
 * An authentic token whose session is not there: it was ended, has expired or was never committed.
 */
export function unknown({ eventWriter }: EngineContext, { session }: Claims, at: number): void {
  eventWriter.tell('token-unknown', () => ({ at, session, reason: 'session_unknown' }))
}
