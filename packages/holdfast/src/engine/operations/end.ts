import { isUnreadable } from '../../codecs/codec.ts'
import { SessionError } from '../../core/errors.ts'
import { isSessionId, type SessionId, type SubjectKey, subjectOf } from '../../core/ids.ts'
import { lifetimeVerdict } from '../../core/lifetimes.ts'
import type { SessionHead } from '../../core/session.ts'
import type { Ordered, SubjectRef } from '../../core/sessions.ts'
import type { EngineContext } from '../context.ts'
import { checkOrdered, checkSessionId, checkSubject, invalid } from '../input.ts'
import { expire } from '../judging/dead-tokens.ts'
import { familyOfKind } from '../judging/presentation.ts'
import { load } from '../state/load.ts'
import { endSession } from '../state/save.ts'

/**
 * Ends a session for good. Idempotent. An unknown id gets a tombstone, too: a write may be in
 * flight.
 */
export async function revoke(engine: EngineContext, id: SessionId, by: Ordered): Promise<void> {
  checkSessionId('session', id)
  const ordered = checkOrdered(by)
  const at = engine.host.now()
  await endSession(engine, id, { at, owner: await ownerOf(engine, id), ...ordered })
}

/**
 * Whose session it is, where events tell names. A damaged record, or one under a lost key, can be
 * ended all the same: it is opened for the name alone.
 */
async function ownerOf(
  { store, records, tellsNames }: EngineContext,
  id: SessionId,
): Promise<SessionHead | undefined> {
  if (!tellsNames) return undefined
  const found = await store.entries.read(id)
  try {
    return found && records.open(found).head
  } catch (error) {
    if (!isUnreadable(error)) throw error
    return undefined
  }
}

/**
 * Any authentic generation of a live family ends the session. For every other token there is
 * nothing to end. Throws `key_unknown` for a token under a key that this process does not have: its
 * session may be live, and nobody may be told otherwise.
 */
export async function logout(
  engine: EngineContext,
  token: string,
  by: Partial<Ordered> = {},
): Promise<void> {
  const reason = by.reason ?? 'logout'
  const ordered = checkOrdered({ ...by, reason, actor: by.actor ?? 'client' })
  if (typeof token !== 'string') throw invalid('token', 'must be a string')
  const claims = engine.codec.authenticate(token)
  if (claims === 'token_key_unknown') {
    throw new SessionError(
      'key_unknown',
      'The token to log out is under a key that the key ring does not have: ' +
        'its session could not be ended.',
    )
  }
  if (claims === 'token_malformed') return
  const opened = await load(engine, claims.session)
  if (opened === undefined || claims.family !== familyOfKind(opened.record, claims.kind)?.id) return
  const at = engine.host.now()
  const { found, head } = opened
  if (lifetimeVerdict(head, found.lastActivity, at) !== 'live') {
    return expire(engine, opened, { at, cause: ordered.cause })
  }
  await endSession(engine, claims.session, { at, owner: head, ...ordered })
}

/**
 * Logs out everywhere, or everywhere but in `except`. The subject's generation rises, which is one
 * step whatever the number of sessions.
 */
export async function revokeSubject(
  engine: EngineContext,
  ref: SubjectRef,
  by: Ordered & { readonly except?: SessionId },
): Promise<void> {
  const owner = checkSubject(engine, ref)
  const { key } = owner
  const ordered = checkOrdered(by)
  const { except } = by
  if (except !== undefined && !isOfSubject(except, key)) {
    throw invalid('except', 'is not a session of this subject')
  }
  const at = engine.host.now()
  const facts = { at, subject: key, owner, ...ordered }
  const events = [
    engine.eventWriter.event(
      'subject-revoked',
      except === undefined ? facts : { ...facts, session: except },
    ),
  ]
  await engine.store.subjects.revoke(key, {
    at,
    reason: ordered.reason,
    ...(except === undefined ? {} : { except }),
    events: engine.eventWriter.seal(events),
  })
  engine.eventWriter.publish(events)
}

function isOfSubject(id: unknown, key: SubjectKey): boolean {
  return typeof id === 'string' && isSessionId(id) && subjectOf(id) === key
}
