import { SessionError } from '../../core/errors.ts'
import { type KnownContext, NO_HISTORY, type SubjectHistory } from '../../core/history.ts'
import { isSessionId, type SessionId } from '../../core/ids.ts'
import { withFailure } from '../../core/prompts.ts'
import type { SessionState } from '../../core/session.ts'
import type { Report } from '../../core/sessions.ts'
import type { EngineContext } from '../context.ts'
import { checkCorrelation, checkNetwork, checkRequest, checkSubject, invalid } from '../input.ts'
import { factsOf } from '../judging/decide.ts'
import { changeHistory, readHistory } from '../state/history.ts'
import { load } from '../state/load.ts'
import { contended, save, TRIES } from '../state/save.ts'
import { isOfOneHolder, openAttempt } from './complete-step-up.ts'
import { revoke, revokeSubject } from './end.ts'

const REMEMBERED_FAILURES = 16
const FAILURE_WINDOW_MS = 3_600_000
const FEEDBACK_EVERY_MS = 3_600_000

/** What the application knows and the session does not: failed logins, changed credentials, a subject who says "that is not me". */
export async function report(engine: EngineContext, said: Report): Promise<void> {
  if (typeof said !== 'object' || said === null) throw invalid('report', 'must be an object')
  const correlation = checkCorrelation(said.correlation)
  switch (said.kind) {
    case 'login_failed':
      return loginFailed(engine, said)
    case 'credential_changed': {
      const { except } = said
      const end = { reason: 'credential_changed', correlation }
      return revokeSubject(engine, said, except === undefined ? end : { ...end, except })
    }
    case 'account_disabled':
      return revokeSubject(engine, said, { reason: 'account_disabled', correlation })
    case 'step_up_failed':
      return stepUpFailed(engine, said)
    case 'not_me':
      return notMe(engine, said)
    case 'false_alarm':
      return falseAlarm(engine, said)
    default:
      throw invalid('kind', 'is not a known kind of report')
  }
}

/** Kept as evidence of pressure on the subject. What a stranger can repeat at will is logged up to a bound an hour. */
async function loginFailed(
  engine: EngineContext,
  said: Extract<Report, { kind: 'login_failed' }>,
): Promise<void> {
  const { key } = checkSubject(engine, said)
  const request = said.request === undefined ? undefined : checkRequest(said.request)
  const at = engine.host.now()
  const event = engine.eventWriter.event('login-failed', {
    at,
    subject: key,
    actor: 'application',
    correlation: said.correlation,
    ...(request === undefined
      ? {}
      : {
          network: checkNetwork(engine.describeNetwork, request.ip),
          device: engine.describeDevice(request),
        }),
  })
  const { history, unreadable } = await readHistory(engine, key)
  const recent = history.failedLogins.filter((failed) => at - failed < FAILURE_WINDOW_MS)
  // what cannot be counted is told and not kept
  if (unreadable || recent.length >= REMEMBERED_FAILURES) return engine.eventWriter.publish([event])
  await changeHistory(engine, key, (past) => ({
    ...past,
    failedLogins: [...past.failedLogins, at].slice(-REMEMBERED_FAILURES),
  }))
  await engine.eventWriter.append(key, [event])
}

/** A failed factor counts against its context; after a fork it proves the thief, and the session ends. */
async function stepUpFailed(
  engine: EngineContext,
  said: Extract<Report, { kind: 'step_up_failed' }>,
): Promise<void> {
  const attempt = openAttempt(engine, said)
  if (attempt === undefined) throw foreign()
  const facts = { ...factsOf(attempt), reason: 'factor_not_proved' }
  for (let tries = 0; tries < TRIES; tries++) {
    const opened = await load(engine, attempt.challenge.session)
    if (opened === undefined) return
    const { state, found } = opened
    if (state.family.id !== attempt.challenge.family) return
    if (!isOfOneHolder(state, attempt)) throw foreign()
    if (state.fork !== null) {
      const { correlation } = said
      return revoke(engine, state.id, { reason: 'step_up_failed_after_fork', correlation })
    }
    const failures = withFailure(state.failures, attempt.challenge.context)
    const next: SessionState = { ...state, failures }
    const events = [engine.eventWriter.event('step-up-failed', facts)]
    const outcome = await save(engine, { found, next, events, seenAt: undefined })
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
  engine: EngineContext,
  { session, correlation }: Extract<Report, { kind: 'not_me' }>,
): Promise<void> {
  checkSession(session)
  const state = await readable(engine, session)
  try {
    if (state !== undefined) {
      const used = new Set(state.contexts.map(({ key }) => key))
      const subject = engine.codec.subjectKey(state.tenant, state.subject)
      await changeHistory(engine, subject, (past) => withoutTrust(past, used))
    }
  } finally {
    await revoke(engine, session, { reason: 'not_me', correlation })
  }
}

/** Undefined when the session is over, or its record does not open any more: it can be ended all the same. */
async function readable(
  engine: EngineContext,
  session: SessionId,
): Promise<SessionState | undefined> {
  try {
    return (await load(engine, session))?.state
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
  engine: EngineContext,
  { session, correlation }: Extract<Report, { kind: 'false_alarm' }>,
): Promise<void> {
  checkSession(session)
  const at = engine.host.now()
  const facts = { at, session, actor: 'application', reason: 'false_alarm', correlation }
  const event = engine.eventWriter.event('false-alarm-reported', facts)
  const first = await engine.store.replays.once(`false_alarm ${session}`, at + FEEDBACK_EVERY_MS)
  if (first) await engine.eventWriter.append(session, [event])
}
