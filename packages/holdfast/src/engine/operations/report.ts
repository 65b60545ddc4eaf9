import { SessionError } from '../../core/errors.ts'
import { type KnownContext, NO_HISTORY, type SubjectHistory } from '../../core/history.ts'
import { isSessionId, type SessionId } from '../../core/ids.ts'
import { withFailure } from '../../core/prompts.ts'
import type { SessionState } from '../../core/session.ts'
import type { Report } from '../../core/sessions.ts'
import type { Parts } from '../context.ts'
import { checkNetwork, checkOrdered, checkRequest, checkSubject, invalid } from '../input.ts'
import { factsOf } from '../judging/decide.ts'
import { learn, recall } from '../state/history.ts'
import { load } from '../state/load.ts'
import { contended, save, TRIES } from '../state/save.ts'
import { isOfOneHolder, openAttempt } from './complete-step-up.ts'
import { revoke, revokeSubject } from './end.ts'

const REMEMBERED_FAILURES = 16
const FAILURE_WINDOW_MS = 3_600_000
const FEEDBACK_EVERY_MS = 3_600_000

/** What the application knows and the session does not: failed logins, changed credentials, a subject who says "that is not me". */
export async function report(parts: Parts, said: Report): Promise<void> {
  if (typeof said !== 'object' || said === null) throw invalid('report', 'must be an object')
  const { correlation } = checkOrdered(said)
  switch (said.kind) {
    case 'login_failed':
      return loginFailed(parts, said)
    case 'credential_changed': {
      const { except } = said
      const end = { why: 'credential_changed', correlation }
      return revokeSubject(parts, said, except === undefined ? end : { ...end, except })
    }
    case 'account_disabled':
      return revokeSubject(parts, said, { why: 'account_disabled', correlation })
    case 'step_up_failed':
      return stepUpFailed(parts, said)
    case 'not_me':
      return notMe(parts, said)
    case 'false_alarm':
      return falseAlarm(parts, said)
    default:
      throw invalid('kind', 'is not a known kind of report')
  }
}

/** Kept as evidence of pressure on the subject. What a stranger can repeat at will is logged up to a bound an hour. */
async function loginFailed(
  parts: Parts,
  said: Extract<Report, { kind: 'login_failed' }>,
): Promise<void> {
  const { key } = checkSubject(parts, said)
  const request = said.request === undefined ? undefined : checkRequest(said.request)
  const at = parts.host.now()
  const event = parts.journal.event('login-failed', {
    at,
    subject: key,
    actor: 'application',
    correlation: said.correlation,
    ...(request === undefined
      ? {}
      : {
          network: checkNetwork(parts.describeNetwork, request.ip),
          device: parts.describeDevice(request),
        }),
  })
  const { history, unreadable } = await recall(parts, key)
  const recent = history.failedLogins.filter((failed) => at - failed < FAILURE_WINDOW_MS)
  // what cannot be counted is told and not kept
  if (unreadable || recent.length >= REMEMBERED_FAILURES) return parts.journal.tell([event])
  await learn(parts, key, (past) => ({
    ...past,
    failedLogins: [...past.failedLogins, at].slice(-REMEMBERED_FAILURES),
  }))
  await parts.journal.append(key, [event])
}

/** A failed factor counts against its context; after a fork it proves the thief, and the session ends. */
async function stepUpFailed(
  parts: Parts,
  said: Extract<Report, { kind: 'step_up_failed' }>,
): Promise<void> {
  const attempt = openAttempt(parts, said)
  if (attempt === undefined) throw foreign()
  const facts = { ...factsOf(attempt), reason: 'factor_not_proved' }
  for (let tries = 0; tries < TRIES; tries++) {
    const opened = await load(parts, attempt.challenge.session)
    if (opened === undefined) return
    const { state, found } = opened
    if (state.family.id !== attempt.challenge.family) return
    if (!isOfOneHolder(state, attempt)) throw foreign()
    if (state.fork !== null) {
      const { correlation } = said
      return revoke(parts, state.id, { why: 'step_up_failed_after_fork', correlation })
    }
    const failures = withFailure(state.failures, attempt.challenge.context)
    const next: SessionState = { ...state, failures }
    const events = [parts.journal.event('step-up-failed', facts)]
    const outcome = await save(parts, { found, next, events, seenAt: undefined })
    if (outcome !== 'lost_race') return
  }
  throw contended()
}

function foreign(): SessionError {
  return invalid('challenge', 'does not belong to this token and request')
}

/**
 * Ends the session, and takes the trust back from every place where it was used: a thief who logged in with a phished
 * factor confirmed theirs. The owner's places are among them where the owner used this session too; they have to be
 * confirmed once more. They are not forgotten: a subject without a past is trusted at its next login. What was learnt of
 * the subject's changes is: which of them were the thief's, nobody can tell.
 */
async function notMe(
  parts: Parts,
  { session, correlation }: Extract<Report, { kind: 'not_me' }>,
): Promise<void> {
  checkSession(session)
  const state = await readable(parts, session)
  try {
    if (state !== undefined) {
      const used = new Set(state.contexts.map(({ key }) => key))
      const subject = parts.codec.subjectKey(state.tenant, state.subject)
      await learn(parts, subject, (past) => withoutTrust(past, used))
    }
  } finally {
    await revoke(parts, session, { why: 'not_me', correlation })
  }
}

/** Undefined when the session is over, or its record does not open any more: it can be ended all the same. */
async function readable(parts: Parts, session: SessionId): Promise<SessionState | undefined> {
  try {
    return (await load(parts, session))?.state
  } catch (error) {
    if (!(error instanceof SessionError) || error.code === 'store_unavailable') throw error
    return undefined
  }
}

function withoutTrust(history: SubjectHistory, used: ReadonlySet<string>): SubjectHistory {
  const contexts = history.contexts.map((known): KnownContext => {
    return used.has(known.key) ? { ...known, state: 'provisional', visits: 0 } : known
  })
  return { ...history, contexts, changes: NO_HISTORY.changes }
}

function checkSession(session: SessionId): void {
  if (typeof session !== 'string' || !isSessionId(session)) {
    throw invalid('session', 'is not a session id')
  }
}

/** Kept once an hour and session: somebody who answers the same question again and again says nothing new. */
async function falseAlarm(
  parts: Parts,
  { session, correlation }: Extract<Report, { kind: 'false_alarm' }>,
): Promise<void> {
  checkSession(session)
  const at = parts.host.now()
  const facts = { at, session, actor: 'application', reason: 'false_alarm', correlation }
  const event = parts.journal.event('false-alarm-reported', facts)
  const first = await parts.store.marks.once(`false_alarm ${session}`, at + FEEDBACK_EVERY_MS)
  if (first) await parts.journal.append(session, [event])
}
