import { SpanKind, type Tracer } from '@opentelemetry/api'
import type { RefusalCode } from '../core/errors.ts'
import { decisionAttributes, type EventAttributes, known } from '../core/event-attributes.ts'
import { isSessionId } from '../core/ids.ts'
import type {
  Created,
  Ordered,
  Refreshed,
  Report,
  Sessions,
  StepUpBegun,
  Verification,
  VerifiesNow,
} from '../core/sessions.ts'
import { type Cause, traceOf } from '../core/trace.ts'
import { isSameTrace, maySample, placeOf, traceparentOf } from './place.ts'
import { within } from './span.ts'

export interface TracedCallsOptions {
  /** Undefined while nobody has registered anything. */
  readonly tracer: () => Tracer | undefined
  /** `client`: another process answers. */
  readonly by: 'engine' | 'client'
}

/** What is told of a method. */
interface Told<Args, Answer> {
  /** Which argument says how the call is named in the event log. */
  readonly cause?: number
  readonly attributesOf: (answer: Answer, args: Args) => EventAttributes
}

/**
 * The same calls, with a span for each. Where nobody records, a call costs one look for who would,
 * and makes nothing.
 */
export function tracedCalls<S extends Sessions>(
  sessions: S,
  { tracer, by }: TracedCallsOptions,
): S {
  const kind = by === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL
  const { now }: Sessions['verify'] & VerifiesNow = sessions.verify

  function told<Args extends unknown[], Answer>(
    name: string,
    method: (...args: Args) => Promise<Answer>,
    { cause: at, attributesOf }: Told<Args, Answer>,
  ): (...args: Args) => Promise<Answer> {
    const spanName = `holdfast.${name}`
    return (...args) => {
      const recorder = tracer()
      if (recorder === undefined) return method(...args)
      const cause = causeAt(args, at)
      const { parent, link } = placeOf(cause)
      const links = link === undefined ? [] : [link]
      const span = recorder.startSpan(spanName, { kind, links }, parent)
      if (!span.isRecording()) return method(...named(args, at, traceparentOf(parent)))
      return within(
        { span, parent },
        () => method(...named(args, at, traceparentOf())),
        (answer) => attributesOf(answer, args),
      )
    }
  }

  /** The arguments of a call, which say its trace where they did not. */
  function named<Args extends unknown[]>(
    args: Args,
    at: number | undefined,
    here: string | undefined,
  ): Args {
    if (at === undefined || here === undefined) return args
    const cause = causeAt(args, at)
    const own = traceOf(cause)
    // The spans of a service belong below the call to it.
    const nearer = by === 'client' && isSameTrace(own, here)
    if (own !== undefined && !nearer) return args
    return Object.assign([...args] as Args, { [at]: { ...cause, trace: here } })
  }

  /** At once where nothing would be recorded. Else the promise tells. */
  function verifyNow(presented: Parameters<Sessions['verify']>[0]): Verification | undefined {
    if (tracer() === undefined) return now?.(presented)
    const place = placeOf(causeAt([presented], 0))
    if (maySample(place)) return undefined
    const [known] = named([presented], 0, traceparentOf(place.parent))
    return known && now?.(known)
  }

  const verify = told('verify', sessions.verify, PRESENTED)
  return {
    ...sessions,
    create: told('create', sessions.create, { cause: 0, attributesOf: verdict }),
    verify: now === undefined ? verify : Object.assign(verify, { now: verifyNow }),
    refresh: told('refresh', sessions.refresh, PRESENTED),
    beginStepUp: told('beginStepUp', sessions.beginStepUp, PRESENTED),
    completeStepUp: told('completeStepUp', sessions.completeStepUp, PRESENTED),
    logout: told('logout', sessions.logout, { cause: 1, attributesOf: (_, [, by]) => ordered(by) }),
    revoke: told('revoke', sessions.revoke, {
      cause: 1,
      attributesOf: (_, [id, by]) => ({ 'session.id': id, ...ordered(by) }),
    }),
    revokeSubject: told('revokeSubject', sessions.revokeSubject, {
      cause: 1,
      attributesOf: (_, [, by]) => ordered(by),
    }),
    report: told('report', sessions.report, {
      cause: 0,
      attributesOf: (_, [report]) => reported(report),
    }),
    patchAttributes: told('patchAttributes', sessions.patchAttributes, {
      cause: 3,
      attributesOf: (_, [id]) => ({ 'session.id': id }),
    }),
    list: told('list', sessions.list, { attributesOf: () => ({}) }),
    show: told('show', sessions.show, { attributesOf: (_, [id]) => ({ 'session.id': id }) }),
  }
}

const PRESENTED = {
  cause: 0,
  attributesOf: (
    answer: Verification | Refreshed | StepUpBegun,
    [{ token }]: readonly [{ readonly token: string }],
  ) => ({ ...sessionOf(answer, token), ...verdict(answer) }),
} as const

type Verdict = Created | Verification | Refreshed | StepUpBegun

function verdict(answer: Verdict): EventAttributes {
  return known({
    'holdfast.result': answer.ok ? 'success' : 'failure',
    'holdfast.code': answer.ok ? undefined : answer.code,
    'holdfast.refresh.status': 'status' in answer ? answer.status : undefined,
    'session.id': answer.ok && 'session' in answer ? answer.session.id : undefined,
    ...decisionAttributes('decision' in answer ? answer.decision : undefined),
  })
}

/** Refusals of a token that names a session and is no forgery. */
const AUTHENTIC: ReadonlySet<RefusalCode> = new Set([
  'session_unknown',
  'session_expired',
  'session_revoked',
  'token_superseded',
  'wrong_token_use',
  'step_up_required',
  'session_limited',
  'context_refused',
])

/** The session that a token names, where the answer says that it was believed. */
function sessionOf(answer: Exclude<Verdict, Created>, token: string): EventAttributes {
  if (!answer.ok && !AUTHENTIC.has(answer.code)) return {}
  const [, id] = token.split('.', 2)
  return id !== undefined && isSessionId(id) ? { 'session.id': id } : {}
}

function ordered(by: Partial<Ordered> | undefined): EventAttributes {
  return known({ 'holdfast.reason': by?.reason })
}

function reported(report: Report): EventAttributes {
  const session = 'session' in report ? report.session : undefined
  return known({ 'holdfast.report': report.kind, 'session.id': session })
}

/** What a call says of its cause. One without sense is refused by whom it reaches. */
function causeAt(args: readonly unknown[], at: number | undefined): Cause {
  const cause = at === undefined ? undefined : args[at]
  return typeof cause === 'object' && cause !== null ? cause : {}
}
