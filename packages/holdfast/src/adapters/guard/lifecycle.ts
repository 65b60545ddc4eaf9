import type { Carrier } from '../../carriers/carrier.ts'
import { checkedOrigin, isAskedHere, isSafeMethod } from '../../carriers/csrf.ts'
import { FORM_TOKEN_HEADER } from '../../carriers/names.ts'
import { sameText } from '../../core/constant-time.ts'
import type { Decision } from '../../core/decision.ts'
import { inMs } from '../../core/duration.ts'
import { SessionError } from '../../core/errors.ts'
import { checkNames } from '../../core/options.ts'
import type { RequestFacts } from '../../core/request.ts'
import type { SensitiveCall } from '../../core/sensitive-calls.ts'
import type { SessionView } from '../../core/session.ts'
import type { Login, Proof, StepUpBegun, SubjectRef } from '../../core/sessions.ts'
import type { InTime } from './answer-time.ts'
import { type AnswerHeaders, deliveryHeaders, isSetCookie, NO_STORE, setCookie } from './cookies.ts'
import { plainOnes } from './development.ts'
import type { TokenRead } from './entry-checks.ts'
import { attempt } from './faults.ts'
import type { HeaderPair, HttpFacts } from './http-request.ts'
import type { ForwardedFacts } from './on-behalf.ts'
import type { CheckedRequirements, RouteRequirements } from './options.ts'
import type { GuardParts } from './parts.ts'
import { isSpeculative, requirementsIn } from './redirects.ts'
import type { RefusalCause, Refused } from './refusals.ts'
import { shownFormToken } from './verify-request.ts'

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
      isSpeculative(facts)
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

    requestFacts: (facts) => describe(parts, facts),

    loginFailed: personal(async (facts, subject: SubjectRef) => {
      const request = describe(parts, facts)
      const reported = await attempt(() =>
        parts.sessions.report({ kind: 'login_failed', ...subject, request }).then(() => DONE),
      )
      return reported.ok ? DONE : parts.refuse(facts, reported)
    }),
  }
}

type Call<More extends readonly unknown[], Answer> = (
  facts: HttpFacts,
  ...more: More
) => Promise<Answer>

function loginAndLogout(parts: GuardParts): Pick<Lifecycle<HttpFacts>, 'login' | 'logout'> {
  const { sessions, options, carriers, checks, refuse, superseded, startAnswer } = parts
  const delivering = carriers.session.find((carrier) => carrier.deliver !== undefined)

  return {
    async login(facts, who) {
      checkNames('login(request, response, ...)', LOGIN_NAMES, who)
      const { clientFacts, from, ...login } = who
      if (typeof (login.subject as unknown) === 'number')
        throw new SessionError('config_invalid', NUMBER)
      if (from !== undefined) checkedOrigin('from', from)
      const foreign = checks.checkRequest(facts, from)
      if (foreign !== undefined) return refuse(facts, foreign)
      // Whoever was logged in here is logged out, whichever page the request comes from.
      const before = checks.readToken(facts, from)
      checkDeliverable(facts, delivering)
      const inTime = startAnswer()
      const created = await attempt(() =>
        sessions.create({
          ...(carriers.refresh === undefined ? {} : { refresh: true }),
          ...login,
          request: describe(parts, facts, clientFacts),
          ...(before.ok ? { previous: before.token } : {}),
        }),
      )
      if (!created.ok) return refuse(facts, created)
      if (before.ok) superseded.note({ token: before.token })
      const carrier = checks.deliveryCarrier(facts, delivering)
      const refresh = checks.deliveryCarrier(facts, carriers.refresh)
      return issued(parts, { carrier, refresh, inTime }, created)
    },

    async logout(facts) {
      const read = checks.readToken(facts)
      if (!read.ok && read.code !== 'token_missing' && read.code !== 'token_malformed') {
        return refuse(facts, read)
      }
      const foreign = checks.checkRequest(facts) ?? (await unaskedLogout(parts, facts, read))
      if (foreign !== undefined) return refuse(facts, foreign)
      if (read.ok) {
        const ended = await attempt(() => sessions.logout(read.token).then(() => DONE))
        if (!ended.ok) return refuse(facts, ended)
        superseded.note({ token: read.token })
      }
      const standsIn = read.ok && !carriers.session.includes(read.carrier)
      const dead = standsIn ? [...carriers.all, ...plainOnes(carriers.all)] : carriers.all
      const expired = dead.flatMap((carrier) => carrier.clear?.() ?? [])
      const headers = [NO_STORE, ...clearSiteData(options), ...expired.map(setCookie)]
      return { ok: true, headers: () => headers }
    },
  }
}

/**
 * Why a logout with a safe method is refused. Any site may lead a browser to an address of this
 * one, and any page may embed it. Undefined: it may go on.
 */
async function unaskedLogout(
  { sessions, options, carriers, describe, checks }: GuardParts,
  facts: HttpFacts,
  read: TokenRead,
): Promise<RefusalCause | undefined> {
  const ambient = read.ok ? read.carrier.ambient : carriers.session.some((one) => one.ambient)
  if (!isSafeMethod(facts.method) || !ambient || isAskedHere(facts.header, options)) {
    return undefined
  }
  if (read.ok) {
    const { token } = read
    const request = describe(facts, checks.clientOf(facts))
    const verified = await attempt(() => sessions.verify({ token, request, activity: 'passive' }))
    const shown = verified.ok ? await shownFormToken(facts) : undefined
    if (verified.ok && shown !== undefined && sameText(shown, verified.session.formToken)) {
      return undefined
    }
  }
  const unsaid = facts.header('sec-fetch-site') === undefined
  return { code: unsaid ? 'form_token_invalid' : 'cross_site_request', detail: UNASKED_LOGOUT }
}

const UNASKED_LOGOUT =
  'A logout by GET ends a session where a page of this site leads to it, or where the form token ' +
  `comes along in the header \`${FORM_TOKEN_HEADER}\`. A logout by POST needs neither.`

function stepUp(
  parts: GuardParts,
): Pick<Lifecycle<HttpFacts>, 'beginStepUp' | 'completeStepUp' | 'stepUpFailed'> {
  const { sessions, carriers, checks, refuse, superseded, startAnswer } = parts

  return {
    async beginStepUp(facts, requirements) {
      if (requirements !== undefined) {
        checkNames('beginStepUp(request, ...)', STEP_UP_NAMES, requirements)
      }
      const asked = requirements === undefined ? requirementsIn(facts.url) : defined(requirements)
      const read = checks.readToken(facts)
      if (!read.ok) return refuse(facts, read)
      const { token, carrier } = read
      const request = describe(parts, facts)
      const begun = await attempt(() => sessions.beginStepUp({ token, request, ...asked }))
      return begun.ok ? begun : refuse(facts, { ...begun, carrier })
    },

    async completeStepUp(facts, proof) {
      checkNames('completeStepUp(request, response, ...)', PROOF_NAMES, proof)
      const read = checks.readToken(facts)
      if (!read.ok) return refuse(facts, read)
      const { token, carrier } = read
      checkDeliverable(facts, carrier)
      const request = describe(parts, facts)
      const inTime = startAnswer()
      const completed = await attempt(() => sessions.completeStepUp({ ...proof, token, request }))
      if (!completed.ok) return refuse(facts, { ...completed, carrier })
      superseded.note({ id: completed.session.id })
      const standsIn = !carriers.session.includes(carrier)
      const refresh = standsIn ? carriers.refresh?.plain : carriers.refresh
      return issued(parts, { carrier, refresh, inTime }, completed)
    },

    async stepUpFailed(facts, challenge) {
      const read = checks.readToken(facts)
      if (!read.ok) return refuse(facts, read)
      const { token } = read
      const request = describe(parts, facts)
      const reported = await attempt(() =>
        sessions.report({ kind: 'step_up_failed', challenge, token, request }).then(() => DONE),
      )
      return reported.ok ? DONE : refuse(facts, reported)
    },
  }
}

const LOGIN_NAMES = namesOf<LoginFacts>({
  subject: true,
  tenant: true,
  class: true,
  acr: true,
  amr: true,
  authenticatedAt: true,
  factors: true,
  attributes: true,
  refresh: true,
  clientFacts: true,
  from: true,
  correlation: true,
})

const NUMBER =
  'login(request, response, ...): subject must be text, and is a number. Write String(user.id).'

const STEP_UP_NAMES = namesOf<StepUpRequirements>({ acr: true, maxAge: true, sensitivity: true })

const PROOF_NAMES = namesOf<StepUpProof>({
  challenge: true,
  subject: true,
  tenant: true,
  acr: true,
  amr: true,
  correlation: true,
})

/** All names of a type; the compiler asks for each. */
function namesOf<T>(names: Readonly<Record<keyof T, true>>): readonly string[] {
  return Object.keys(names)
}

/** They may come from a client: the engine says what is wrong with them. */
function defined({ acr, maxAge, sensitivity }: StepUpRequirements): CheckedRequirements {
  return {
    ...(acr === undefined ? {} : { acr }),
    ...(maxAge === undefined ? {} : { maxAgeMs: inMs(maxAge) }),
    ...(sensitivity === undefined ? {} : { sensitivity }),
  }
}

/** Throws before anything has happened to a session whose new cookie could not leave any more. */
function checkDeliverable(facts: HttpFacts, carrier: Carrier | undefined): void {
  if (facts.deliverable !== false || carrier?.deliver === undefined) return
  throw new SessionError(
    'internal_error',
    'No cookie can leave with this answer any more. Call login() and completeStepUp() before its ' +
      'head is written, and not for an upgrade.',
  )
}

const NONE: readonly HeaderPair[] = []
const DONE: Done = { ok: true, headers: () => NONE }

/** `posted`: client facts that came as a form field. */
function describe(
  { describe, checks }: GuardParts,
  facts: HttpFacts,
  posted?: string,
): RequestFacts {
  return describe(facts, { ...checks.clientOf(facts), posted })
}

/**
 * Puts new tokens into cookies, where there are carriers for them. They stay behind when the answer
 * is late, or when a step-up or a logout has replaced them meanwhile.
 */
function issued(
  { superseded, now }: GuardParts,
  {
    carrier,
    refresh,
    inTime,
  }: {
    readonly carrier: Carrier | undefined
    readonly refresh: Carrier | undefined
    readonly inTime: InTime
  },
  answer: {
    readonly token?: string
    readonly refreshToken?: string
    readonly session: SessionView
    readonly decision: Decision
    readonly persistent: boolean
    readonly meanwhile?: readonly SensitiveCall[]
  },
): TokensIssued {
  const { session, decision, token, refreshToken, persistent, meanwhile = [] } = answer
  const at = now()
  const delivery = deliveryHeaders(carrier, answer, at)
  const refreshDelivery = deliveryHeaders(refresh, { token: refreshToken, session, persistent }, at)
  const cookies = [...delivery, ...refreshDelivery].filter(isSetCookie)
  const headers = [NO_STORE, ...cookies]
  const before = superseded.count()
  return {
    ok: true,
    session,
    decision,
    headers: () => (inTime() && !superseded.since(session.id, before) ? headers : [NO_STORE]),
    token: delivery.length === 0 ? token : undefined,
    refreshToken: refreshDelivery.length === 0 ? refreshToken : undefined,
    meanwhile,
  }
}

function clearSiteData({ clearSiteData: kinds }: GuardParts['options']): readonly HeaderPair[] {
  const cleared = (kinds ?? ['cache', 'storage']).map((kind) => `"${kind}"`)
  return cleared.length === 0 ? [] : [['clear-site-data', cleared.join(', ')]]
}
