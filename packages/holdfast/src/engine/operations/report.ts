import { SessionError } from '../../core/errors.ts'
import { type KnownContext, NO_HISTORY, type SubjectHistory } from '../../core/history.ts'
import { type SessionId, subjectOf } from '../../core/ids.ts'
import { lifetimeVerdict } from '../../core/lifetimes.ts'
import { withFailure } from '../../core/prompts.ts'
import type { SessionState } from '../../core/session.ts'
import type { Report } from '../../core/sessions.ts'
import { causeIn } from '../../core/trace.ts'
import type { EngineContext } from '../context.ts'
import {
  checkCorrelation,
  checkNetwork,
  checkRequest,
  checkSessionId,
  checkSubject,
  invalid,
} from '../input.ts'
import { isOfOneHolder, stepUpAttempt } from '../judging/challenge.ts'
import { withSession } from '../judging/open-session.ts'
import { factsOf } from '../judging/presentation.ts'
import { changeHistory, readHistory } from '../state/history.ts'
import { load } from '../state/load.ts'
import { save } from '../state/save.ts'
import { revoke, revokeSubject } from './end.ts'

const MAX_FAILED_LOGINS = 16
const FAILURE_WINDOW_MS = 3_600_000
const FEEDBACK_EVERY_MS = 3_600_000

/** As long as the links of a notice are good: a second one says nothing new. */
const DISOWNED_MS = 7 * 86_400_000
/** So short where nothing has come of it yet, so that it can be said again. */
const DISOWNED_AGAIN_MS = 1_000

type ReportOf<Kind extends Report['kind']> = Extract<Report, { kind: Kind }>

/**
 * What the application knows and the session does not: failed logins, changed credentials, a
 * subject who says "that is not me".
 */
export async function report(engine: EngineContext, reported: Report): Promise<void> {
  if (typeof reported !== 'object' || reported === null)
    throw invalid('report', 'must be an object')
  checkCorrelation(reported)
  switch (reported.kind) {
    case 'login_failed':
      return loginFailed(engine, reported)
    case 'credential_changed': {
      const { except } = reported
      const by = { reason: 'credential_changed', ...causeIn(reported) }
      return revokeSubject(engine, reported, except === undefined ? by : { ...by, except })
    }
    case 'account_disabled':
      return revokeSubject(engine, reported, {
        reason: 'account_disabled',
        ...causeIn(reported),
      })
    case 'step_up_failed':
      return stepUpFailed(engine, reported)
    case 'not_me':
      return notMe(engine, reported)
    case 'false_alarm':
      return falseAlarm(engine, reported)
    default:
      throw invalid('kind', 'is not a known kind of report')
  }
}

/**
 * Kept as evidence of pressure on the subject. A stranger can repeat it at will, so that only some
 * an hour are committed.
 */
async function loginFailed(
  engine: EngineContext,
  reported: ReportOf<'login_failed'>,
): Promise<void> {
  const { eventWriter, networks, describeDevice, host } = engine
  const owner = checkSubject(engine, reported)
  const { key } = owner
  const request = reported.request === undefined ? undefined : checkRequest(reported.request)
  const at = host.now()
  const facts = {
    at,
    subject: key,
    actor: 'application',
    owner,
    cause: reported,
    ...(request === undefined
      ? {}
      : {
          network: checkNetwork(networks.describe, request.ip),
          device: describeDevice(request),
        }),
  }
  const { history, unreadable } = await readHistory(engine, key, reported)
  const recent = history.failedLogins.filter((failed) => at - failed < FAILURE_WINDOW_MS)
  // What cannot be counted is told, too.
  if (unreadable || recent.length >= MAX_FAILED_LOGINS) {
    return eventWriter.tell('login-failed', () => facts)
  }
  await changeHistory(engine, key, (past) => ({
    ...past,
    failedLogins: [...past.failedLogins, at].slice(-MAX_FAILED_LOGINS),
  }))
  await eventWriter.append(key, [eventWriter.event('login-failed', facts)])
}

/**
 * A failed factor counts against its context. After a fork it proves the thief: the session ends.
 */
async function stepUpFailed(
  engine: EngineContext,
  reported: ReportOf<'step_up_failed'>,
): Promise<void> {
  const attempt = stepUpAttempt(engine, reported)
  if (attempt === undefined) throw foreign()
  const { challenge } = attempt
  await withSession(engine, challenge.session, async (opened) => {
    if (opened?.head.family.id !== challenge.family) return 'over'
    const { found } = opened
    const state = opened.record.state()
    if (!isOfOneHolder(state, attempt)) throw foreign()
    if (lifetimeVerdict(state, found.lastActivity, attempt.at) !== 'live') return 'over'
    if (state.fork !== null) {
      const reason = 'step_up_failed_after_fork'
      await revoke(engine, state.id, { reason, ...causeIn(reported) })
      return 'over'
    }
    const failures = withFailure(state.failures, challenge.context)
    const next: SessionState = { ...state, failures }
    const facts = { ...factsOf(attempt, state), reason: 'factor_not_proved' } as const
    const events = [engine.eventWriter.event('step-up-failed', facts)]
    return save(engine, { found, next, events, seenAt: undefined })
  })
}

function foreign(): SessionError {
  return invalid('challenge', 'does not belong to this token and request')
}

/**
 * Ends the session, and takes back the trust in every context where it was used: a thief who logged
 * in with a phished factor confirmed his own. The owner's contexts are among them where the owner
 * used this session too, and have to be confirmed once more. They are not forgotten: a subject
 * without a past is trusted at its next login. What was learnt of the subject's changes is
 * forgotten, because nobody can tell which of them were the thief's. Where the session is over,
 * nobody can tell any more where it was used: then no context of the subject is trusted.
 */
async function notMe(engine: EngineContext, reported: ReportOf<'not_me'>): Promise<void> {
  const { session } = reported
  checkSessionId('session', session)
  const state = await readable(engine, session)
  const { replays } = engine.store
  const mark = `not_me ${session}`
  const at = engine.host.now()
  try {
    if (state !== undefined) {
      const used = new Set(state.contexts.map(({ key }) => key))
      await changeHistory(engine, subjectOf(session), (past) => withoutTrust(past, used))
      await replays.once(mark, at + DISOWNED_MS)
    } else if (await replays.once(mark, at + DISOWNED_AGAIN_MS)) {
      await changeHistory(engine, subjectOf(session), (past) => withoutTrust(past, undefined))
    }
  } finally {
    await revoke(engine, session, { reason: 'not_me', ...causeIn(reported) })
  }
}

/**
 * Undefined when the session is over, or its record does not open: it can be ended all the same.
 */
async function readable(
  engine: EngineContext,
  session: SessionId,
): Promise<SessionState | undefined> {
  try {
    return (await load(engine, session))?.record.state()
  } catch (error) {
    if (!(error instanceof SessionError) || error.code === 'store_unavailable') throw error
    return undefined
  }
}

function withoutTrust(
  history: SubjectHistory,
  used: ReadonlySet<string> | undefined,
): SubjectHistory {
  // Nothing is known of whoever has no past.
  if (used === undefined && history.contexts.length === 0) return history
  const contexts = history.contexts.map((known): KnownContext => {
    return used === undefined || used.has(known.key)
      ? { ...known, state: 'provisional', visits: 0 }
      : known
  })
  return { ...history, contexts, changes: NO_HISTORY.changes }
}

/** Kept once an hour and session: the same answer to the same question says nothing new. */
async function falseAlarm(
  { host, store, eventWriter }: EngineContext,
  reported: ReportOf<'false_alarm'>,
): Promise<void> {
  const { session } = reported
  checkSessionId('session', session)
  const at = host.now()
  const event = eventWriter.event('false-alarm-reported', {
    ...{ at, session, actor: 'application', cause: reported },
    reason: 'false_alarm',
  })
  const first = await store.replays.once(`false_alarm ${session}`, at + FEEDBACK_EVERY_MS)
  if (first) await eventWriter.append(session, [event])
}
