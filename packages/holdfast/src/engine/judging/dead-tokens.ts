import type { Claims } from '../../codecs/codec.ts'
import type { Presentation } from '../../core/request.ts'
import type { EngineContext } from '../context.ts'
import type { OpenedSession } from '../state/load.ts'
import { endSession } from '../state/save.ts'

/** Idle for too long, seen by a presentation that came too late. */
export async function expire(
  engine: EngineContext,
  { state }: OpenedSession,
  { at, network, device }: Presentation,
): Promise<void> {
  const reason = at >= state.deadline ? 'absolute_timeout' : 'idle_timeout'
  const { id, deadline } = state
  await endSession(engine, id, { at, until: deadline, reason, actor: 'engine', network, device })
}

/** A token of a line that a login or step-up has ended: one event, no evidence. */
export async function superseded(
  engine: EngineContext,
  { session, kind, family }: Claims,
  { at, network, device }: Presentation,
): Promise<void> {
  const line = kind === 'session' ? session : `${session} ${kind}`
  if (engine.reported.seen(line) >= family) return
  engine.reported.note(line, family)
  const facts = { at, session, network, device, reason: 'token_superseded' }
  await engine.eventWriter.append(session, [engine.eventWriter.event('token-reused', facts)])
}

/** A token of ours whose session is not there: ended, expired, or never committed. */
export function unknown(engine: EngineContext, { session }: Claims, at: number): void {
  const facts = { at, session, reason: 'session_unknown' }
  engine.eventWriter.publish([engine.eventWriter.event('token-unknown', facts)])
}
