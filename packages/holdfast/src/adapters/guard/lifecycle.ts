import type { Decision } from '../../core/decision.ts'
import { namesOf } from '../../core/options.ts'
import type { RequestFacts } from '../../core/request.ts'
import type { SensitiveCall } from '../../core/sensitive-calls.ts'
import type { SessionView } from '../../core/session.ts'
import type { Login, Proof, StepUpBegun, SubjectRef } from '../../core/sessions.ts'
import type { AnswerHeaders } from './cookies.ts'
import { attempt } from './faults.ts'
import type { HttpFacts } from './http-request.ts'
import { DONE, requestOf } from './issued.ts'
import { checkWho, loginAndLogout } from './login.ts'
import type { ForwardedFacts } from './on-behalf.ts'
import type { RouteRequirements } from './options.ts'
import type { GuardParts } from './parts.ts'
import { asksAhead } from './redirects.ts'
import type { Refused } from './refusals.ts'
import { stepUp } from './step-up.ts'

/** Who has logged in, and how well. The adapter adds what comes from the request. */
export interface LoginFacts extends Omit<Login, 'request' | 'previous'> {
  /** The value of the form field `hf-client`, when the login form sent one. */
  readonly clientFacts?: string
  /**
   * The other site whose page sends the request that ends this login, as with SAML and OpenID
   * Connect's `form_post`: `https://idp.example`. A POST has to come from just this origin. Check
   * what it says before: its signature, and that this browser has asked for it. Default: none, and
   * only pages of this site log in by POST.
   */
  readonly from?: string
}

/** What a step-up is begun for. */
export type StepUpRequirements = {
  readonly [Name in Exclude<keyof RouteRequirements, 'activity'>]?:
    | RouteRequirements[Name]
    | undefined
}

/** What the subject proved in answer to a challenge. */
export type StepUpProof = Omit<Proof, 'token' | 'request'>

/** A call succeeded. */
export interface Done {
  readonly ok: true
  /** They go with the answer, as of the moment at which its head is written. */
  readonly headers: AnswerHeaders
}

/**
 * New tokens were issued, and the headers bring them to the client: within 10 seconds of the call,
 * or not at all. A token that is named here is brought by no carrier: the application has to
 * deliver it within the same time.
 */
export interface TokensIssued extends Done {
  readonly session: SessionView
  readonly decision: Decision
  readonly token: string | undefined
  readonly refreshToken: string | undefined
  /** After a step-up that ended a fork: what the person should be shown. Empty otherwise. */
  readonly meanwhile: readonly SensitiveCall[]
}

/** The answer of `beginStepUp` when the challenge could be begun. */
export type ChallengeBegun = Extract<StepUpBegun, { ok: true }>

/**
 * The calls with which sessions begin, are stepped up and end. All but the reports are refused
 * where a browser asks ahead (`speculative_request`).
 */
export interface Lifecycle<Request> {
  /**
   * Call it after the password was right: starts a session and sets its cookie. The session that
   * the client came with is ended first (session fixation).
   */
  login(request: Request, login: LoginFacts): Promise<TokensIssued | Refused>
  /**
   * Ends the session, expires its cookies and clears what the browser keeps. A refusal with 503
   * means that the end is not confirmed yet. With GET or HEAD a page of this site or the person at
   * the address bar has to ask for it, or the form token has to come along. A prefetch ends
   * nothing.
   */
  logout(request: Request): Promise<Done | Refused>
  /**
   * Asks for what the interrupted route asked for, so that it is judged, and told, for the same
   * cause. Default: what the redirect to the step-up page says in its address.
   */
  beginStepUp(
    request: Request,
    requirements?: StepUpRequirements,
  ): Promise<ChallengeBegun | Refused>
  /** Call it after the factor was right: a new secret and its cookie. */
  completeStepUp(request: Request, proof: StepUpProof): Promise<TokensIssued | Refused>
  /** Call it after a wrong code or an aborted prompt. */
  stepUpFailed(request: Request, challenge: string): Promise<Done | Refused>
  /** Call it after the password was wrong. */
  loginFailed(request: Request, subject: SubjectRef): Promise<Done | Refused>
  /** The request as the engine sees it, whomever it is made for. */
  requestFacts(request: Request): RequestFacts
  /**
   * Headers for a request that this application makes for the person whose request this is: to a
   * backend of its own, within 30 s, with the same cookie or token. Needs the option `onBehalf`, on
   * both sides.
   */
  forwardedFacts(request: Request): Promise<ForwardedFacts>
}

export function lifecycle(parts: GuardParts): Lifecycle<HttpFacts> {
  const { login, logout } = loginAndLogout(parts)
  const { beginStepUp, completeStepUp, stepUpFailed } = stepUp(parts)

  /** A call of the person for whom the request is. */
  function personal<More extends readonly unknown[], Answer>(
    call: Call<More, Answer>,
  ): Call<More, Answer> {
    return async (facts, ...more) => call((await parts.personOf(facts)) ?? facts, ...more)
  }

  /** Nothing begins or ends before a person has asked for it. */
  function asked<More extends readonly unknown[], Answer>(
    call: Call<More, Answer | Refused>,
  ): Call<More, Answer | Refused> {
    return personal(async (facts, ...more) =>
      asksAhead(facts)
        ? parts.refuse(facts, { code: 'speculative_request' })
        : call(facts, ...more),
    )
  }

  return {
    login: asked(login),
    logout: asked(logout),
    beginStepUp: asked(beginStepUp),
    completeStepUp: asked(completeStepUp),
    stepUpFailed: personal(stepUpFailed),
    forwardedFacts: parts.forwardedFacts,

    requestFacts: (facts) => requestOf(parts, facts),

    loginFailed: personal(async (facts, subject: SubjectRef) => {
      checkWho('loginFailed(request, ...)', SUBJECT_NAMES, subject)
      const request = requestOf(parts, facts)
      const reported = await attempt(() =>
        parts.sessions.report({ kind: 'login_failed', ...subject, request }).then(() => DONE),
      )
      // Whoever fails to log in has typed the name: one that nobody can have says nothing.
      if (reported.ok || reported.code === 'invalid_input') return DONE
      return parts.refuse(facts, reported)
    }),
  }
}

const SUBJECT_NAMES = namesOf<SubjectRef>({ subject: true, tenant: true })

type Call<More extends readonly unknown[], Answer> = (
  facts: HttpFacts,
  ...more: More
) => Promise<Answer>
