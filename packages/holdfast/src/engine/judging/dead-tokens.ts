import type { EngineContext, EventFacts, OpenedSession } from '../context.ts'
import { type AuthenticatedPresentation, factsOf } from './presentation.ts'

/** Whether the store had told of it already is asked no more often. */
const ASKED_AGAIN_MS = 3_600_000

/**
 * Tells once of a session that was presented after its absolute or its idle deadline. Its client is
 * told each time.
 */
export async function expire(
  { store, host, eventWriter, eventLimiter }: EngineContext,
  { head }: OpenedSession,
  facts: EventFacts,
): Promise<void> {
  const { id, deadline } = head
  if (!eventLimiter.isDue(`${id} expired`, facts, ASKED_AGAIN_MS)) return
  const now = host.now()
  const reason = now >= deadline ? 'absolute_timeout' : 'idle_timeout'
  const event = eventWriter.event('session-expired', {
    ...facts,
    actor: 'engine',
    session: id,
    owner: head,
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
  { head }: OpenedSession,
  authenticated: AuthenticatedPresentation,
): Promise<void> {
  const { session, kind, family } = authenticated.claims
  if (!eventLimiter.isNew(`${session} ${kind} ${family}`, 1)) return
  const facts = { ...factsOf(authenticated, head), reason: 'token_superseded' } as const
  await eventWriter.append(session, [eventWriter.event('token-reused', facts)])
}

/**
 * An authentic token whose session is not there: it was ended, has expired or was never committed.
 */
export function unknown(
  { eventWriter }: EngineContext,
  authenticated: AuthenticatedPresentation,
): void {
  eventWriter.tell('token-unknown', () => ({
    ...factsOf(authenticated),
    reason: 'session_unknown',
  }))
}
