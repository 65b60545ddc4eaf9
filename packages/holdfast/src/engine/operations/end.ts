import type { Claims } from '../../codecs/codec.ts'
import { SessionError } from '../../core/errors.ts'
import type { EventType } from '../../core/events.ts'
import { isSessionId, type SessionId, subjectOf } from '../../core/ids.ts'
import type { Presentation } from '../../core/request.ts'
import type { Ordered, SubjectRef, Traced } from '../../core/sessions.ts'
import type { Why } from '../../core/store.ts'
import type { Parts } from '../context.ts'
import { checkCode, checkOrdered, checkSubject, invalid } from '../input.ts'
import { lineOfKind } from '../judging/presentation.ts'
import type { EventFacts } from '../state/events.ts'
import { load, type Opened } from '../state/load.ts'

/** Of a session that nobody knows: its tombstone outlives every deadline that it could have had. */
const LONGEST_MS = 400 * 24 * 3_600_000

/** Ends a session for good. Idempotent. An unknown id gets a tombstone all the same: a write may be in flight. */
export async function revoke(
  parts: Parts,
  id: SessionId,
  { why, ...by }: { readonly why: Why } & Ordered,
): Promise<void> {
  if (typeof id !== 'string' || !isSessionId(id)) throw invalid('session', 'is not a session id')
  checkCode('why', why)
  const ordered = checkOrdered(by)
  const at = parts.host.now()
  // Not opened: a session whose record is damaged, or sealed under a lost key, can be ended all the same.
  const deadline = (await parts.store.entries.read(id))?.deadline
  await end(parts, id, { at, until: deadline ?? at + LONGEST_MS, why, ...ordered })
}

/**
 * Any authentic generation of a live family ends the session; all else is nothing to end. Throws `key_unknown` for
 * a token under a key that this process does not have: its session may be live, and nobody may be told otherwise.
 */
export async function logout(
  parts: Parts,
  token: string,
  { why, ...by }: { readonly why: Why } & Traced,
): Promise<void> {
  const { correlation } = checkOrdered(by)
  if (typeof token !== 'string') throw invalid('token', 'must be a string')
  const claims = parts.codec.authenticate(token)
  if (claims === 'token_key_unknown') {
    throw new SessionError(
      'key_unknown',
      'The token to log out is under a key that the key ring does not have: its session could not be ended.',
    )
  }
  if (claims === 'token_malformed') return
  const opened = await load(parts, claims.session)
  if (opened === undefined || claims.family !== lineOfKind(opened.state, claims.kind)?.id) return
  const at = parts.host.now()
  const until = opened.state.deadline
  await end(parts, claims.session, { at, until, why, actor: 'client', correlation })
}

/** Log out everywhere, or everywhere but here: the subject's generation rises, in one step whatever the number of sessions. */
export async function revokeSubject(
  parts: Parts,
  ref: SubjectRef,
  { why, except, ...by }: { readonly why: Why; readonly except?: SessionId } & Ordered,
): Promise<void> {
  const { key } = checkSubject(parts, ref)
  checkCode('why', why)
  const ordered = checkOrdered(by)
  if (
    except !== undefined &&
    (typeof except !== 'string' || !isSessionId(except) || subjectOf(except) !== key)
  ) {
    throw invalid('except', 'is not a session of this subject')
  }
  const at = parts.host.now()
  const facts = { at, subject: key, ...ordered, reason: why }
  const events = [
    parts.journal.event(
      'subject-revoked',
      except === undefined ? facts : { ...facts, session: except },
    ),
  ]
  await parts.store.subjects.revoke(key, {
    at,
    why,
    ...(except === undefined ? {} : { except }),
    events: parts.journal.seal(events),
  })
  parts.journal.tell(events)
}

/** Idle for too long, seen by a presentation that came too late. */
export async function expire(
  parts: Parts,
  { state }: Opened,
  { at, network, device }: Presentation,
): Promise<void> {
  const why = at >= state.deadline ? 'absolute_timeout' : 'idle_timeout'
  const { id, deadline } = state
  await end(parts, id, { at, until: deadline, why, actor: 'engine', network, device })
}

/** A token of a line that a login or step-up has ended: one event, no evidence. */
export async function superseded(
  parts: Parts,
  { session, kind, family }: Claims,
  { at, network, device }: Presentation,
): Promise<void> {
  const line = kind === 'session' ? session : `${session} ${kind}`
  if (parts.reported.seen(line) >= family) return
  parts.reported.note(line, family)
  const facts = { at, session, network, device, reason: 'token_superseded' }
  await parts.journal.append(session, [parts.journal.event('token-reused', facts)])
}

/** A token of ours whose session is not there: ended, expired, or never committed. */
export function unknown(parts: Parts, { session }: Claims, at: number): void {
  const facts = { at, session, reason: 'session_unknown' }
  parts.journal.tell([parts.journal.event('token-unknown', facts)])
}

interface End extends EventFacts {
  readonly until: number
  readonly why: Why
}

async function end(parts: Parts, id: SessionId, { until, why, ...facts }: End): Promise<void> {
  const type: EventType = why.endsWith('_timeout') ? 'session-expired' : 'session-revoked'
  const events = [parts.journal.event(type, { ...facts, session: id, reason: why })]
  const ended = await parts.store.entries.revoke(id, {
    until: Math.max(until, facts.at + 1),
    why,
    // when it ended, not when the request came that ended it: readers of the feed keep it for so long from then on
    at: parts.host.now(),
    events: parts.journal.seal(events),
  })
  if (ended) parts.journal.tell(events)
}
