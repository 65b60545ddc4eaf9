import type { Claims } from '../../codecs/codec.ts'
import type { Presentation } from '../../core/request.ts'
import type { EngineContext, OpenedSession } from '../context.ts'
import { endSession } from '../state/save.ts'

/** Ends a session that was presented after its absolute or its idle deadline. */
export async function expire(
  engine: EngineContext,
  { state }: OpenedSession,
  { at, network, device }: Presentation,
): Promise<void> {
  const reason = at >= state.deadline ? 'absolute_timeout' : 'idle_timeout'
  const { id, deadline } = state
  await endSession(engine, id, { at, until: deadline, reason, actor: 'engine', network, device })
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
  const facts = { at, session, reason: 'session_unknown' }
  eventWriter.publish([eventWriter.event('token-unknown', facts)])
}
