import type { Decision } from '../../core/decision.ts'
import type { Code } from '../../core/errors.ts'
import type { SessionView } from '../../core/session.ts'
import type { Sessions } from '../../core/sessions.ts'
import { type BatchSteps, batchQueue } from './batch.ts'
import { type AnswerHeaders, NO_STORE, setCookie } from './cookies.ts'
import { bugOf, withBugs } from './faults.ts'
import { formHolder } from './held-forms.ts'
import type { HttpFacts } from './http-request.ts'
import { type Lifecycle, lifecycle } from './lifecycle.ts'
import {
  type CheckedRequirements,
  checkRequirements,
  type GuardOptions,
  type RouteRequirements,
} from './options.ts'
import { type GuardParts, guardParts } from './parts.ts'
import { type Refresh, type RefreshRequirements, refreshEndpoint } from './refresh.ts'
import { mayPassAnonymously, type Refused } from './refusals.ts'
import {
  type RequestVerdict,
  requestVerification,
  type UnverifiedRequest,
  type VerifiedRequest,
  type VerifyRequest,
} from './verify-request.ts'

export type { AnswerHeaders } from './cookies.ts'
export type { VerifiedRequest } from './verify-request.ts'

/** Everything that adapters need; what they add is how their framework reads and answers. */
export interface Guard extends Lifecycle<HttpFacts> {
  refresh: Refresh
  /**
   * Verifies requests of one kind of route. Throws `config_invalid` at once for requirements that
   * make no sense.
   */
  require(requirements?: RouteRequirements): RequestVerifier<VerifiedRequest>
  /**
   * Lets requests without a usable session pass as anonymous, and so a form without its form
   * token: it may be one that logs in. A forged request (another site, a foreign form token, plain
   * HTTP) is refused all the same, and so is one whose session could not be judged.
   */
  optional(requirements?: RouteRequirements): RequestVerifier<OptionallyVerifiedRequest>
}

/** Verifies a request, together with all that came in the same turn of the event loop. */
export interface RequestVerifier<Verified> {
  (facts: HttpFacts): Promise<Verified | Refused>
  /** The same by callbacks, which cost less than a promise. `failed` is called for bugs alone. */
  settle(
    facts: HttpFacts,
    settled: (verified: Verified | Refused) => void,
    failed: (error: unknown) => void,
  ): void
}

/** A request that may go on without a session. */
export interface OptionallyVerifiedRequest {
  readonly ok: true
  readonly session: SessionView | undefined
  readonly decision: Decision | undefined
  /** Why there is no session; `token_missing` when no token was shown. */
  readonly refused: Code | undefined
  readonly headers: AnswerHeaders
}

/**
 * The core of all adapters: the transport, the carrier, the cross-site gate, the engine, the form
 * token, and the complete answer to whatever does not pass. Its methods throw only bugs and
 * mistakes of the program, which the framework's own error handling reports and which are never an
 * allow. A bug is the `cause` of an error whose message a client may read.
 *
 * Throws `config_invalid` for options that make no sense.
 */
export function guard(sessions: Sessions, options: GuardOptions = {}): Guard {
  const parts = guardParts(sessions, options)
  const holdForm = formHolder(options, parts.checks)
  const verifyRequest = requestVerification(parts)
  const refresh = refreshEndpoint(parts)
  const enqueue = batchQueue(verification(verifyRequest))

  function verifier<Verified extends { readonly ok: true }>(
    requirements: RouteRequirements | undefined,
    answer: (facts: HttpFacts, verdict: RequestVerdict) => Verified | Refused,
  ): RequestVerifier<Verified> {
    const checked = checkRequirements(requirements)
    const settle: RequestVerifier<Verified>['settle'] = (facts, settled, failed) =>
      enqueue({
        facts,
        requirements: checked,
        settled(verdict) {
          let answered: Verified | Refused
          let holding: Promise<Refused> | undefined
          try {
            answered = answer(facts, verdict)
            holding = isRefused(answered) ? holdForm(facts, answered) : undefined
          } catch (error) {
            failed(bugOf(error))
            return
          }
          if (holding === undefined) settled(answered)
          else holding.then(settled, (error) => failed(bugOf(error)))
        },
        failed,
      })
    const promised = (facts: HttpFacts): Promise<Verified | Refused> =>
      new Promise((resolve, reject) => settle(facts, resolve, reject))
    return Object.assign(promised, { settle })
  }

  const calls = lifecycle(parts)
  return {
    login: withBugs(calls.login),
    logout: withBugs(calls.logout),
    beginStepUp: withBugs(calls.beginStepUp),
    completeStepUp: withBugs(calls.completeStepUp),
    stepUpFailed: withBugs(calls.stepUpFailed),
    loginFailed: withBugs(calls.loginFailed),
    requestFacts: calls.requestFacts,
    forwardedFacts: calls.forwardedFacts,
    refresh: withBugs(async (facts: HttpFacts, requirements?: RefreshRequirements) =>
      refresh((await parts.personOf(facts)) ?? facts, requirements),
    ),
    require: (requirements) =>
      verifier(requirements, (facts, verdict) =>
        verdict.ok ? verdict : parts.refuse(facts, verdict),
      ),
    optional: (requirements) =>
      verifier(requirements, (facts, verdict) =>
        verdict.ok ? { ...verdict, refused: undefined } : passOrRefuse(parts, facts, verdict),
      ),
  }
}

/** A request of the batch. Exactly one of `settled` and `failed` is called. */
interface WaitingRequest {
  readonly facts: HttpFacts
  readonly requirements: CheckedRequirements
  settled(verdict: RequestVerdict): void
  failed(error: unknown): void
}

function verification(
  verifyRequest: VerifyRequest,
): BatchSteps<WaitingRequest, RequestVerdict | Promise<RequestVerdict>> {
  return {
    judge({ facts, requirements }) {
      try {
        return verifyRequest(facts, requirements)
      } catch (error) {
        return Promise.reject(bugOf(error))
      }
    },
    answer({ settled, failed }, verdict) {
      if ('then' in verdict) verdict.then(settled, (error) => failed(bugOf(error)))
      else settled(verdict)
    },
  }
}

/**
 * An optional route takes a request without a usable session, and expires its dead cookies. A late
 * answer leaves them: there may be a living one by then.
 */
function passOrRefuse(
  { refuse, expiredCookies, startAnswer, warn }: GuardParts,
  facts: HttpFacts,
  unverified: UnverifiedRequest,
): OptionallyVerifiedRequest | Refused {
  const { code, decision } = unverified
  const { unsigned = false, setCookie: rotated } = unverified
  if (!unsigned && !mayPassAnonymously(code)) return refuse(facts, unverified)
  if (unsigned) warn('formWithoutToken')
  const cookies = [
    ...expiredCookies(facts, unverified),
    ...(rotated === undefined ? [] : [rotated]),
  ]
  const headers = cookies.length === 0 ? [] : [NO_STORE, ...cookies.map(setCookie)]
  const inTime = startAnswer()
  return {
    ok: true,
    session: undefined,
    decision,
    refused: code,
    headers: () => (inTime() ? headers : []),
  }
}

function isRefused(answered: { readonly ok: true } | Refused): answered is Refused {
  return !answered.ok
}
