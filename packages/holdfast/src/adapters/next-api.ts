import { isSafeMethod } from '../carriers/csrf.ts'
import type { Decision } from '../core/decision.ts'
import { type Code, SessionError } from '../core/errors.ts'
import type { HeaderLookup, RequestFacts } from '../core/request.ts'
import type { SessionView } from '../core/session.ts'
import type { Sessions, SubjectRef } from '../core/sessions.ts'
import { type FetchHoldfast, fetchApi, TAKES } from './fetch-api.ts'
import { formTokenOf } from './fetch-http.ts'
import { checkedCalls } from './guard/arguments.ts'
import { isSetCookie } from './guard/cookies.ts'
import { type Guard, guard, type OptionallyVerifiedRequest } from './guard/guard.ts'
import type { HttpFacts } from './guard/http-request.ts'
import type {
  ChallengeBegun,
  Done,
  LoginFacts,
  StepUpProof,
  StepUpRequirements,
  TokensIssued,
} from './guard/lifecycle.ts'
import type { ForwardedFacts } from './guard/on-behalf.ts'
import type { GuardOptions, RouteRequirements } from './guard/options.ts'
import { ownPath, pathOf } from './guard/redirects.ts'
import type { Refused } from './guard/refusals.ts'

/** What a component or an action asks of the session. */
export interface PageRequirements extends RouteRequirements {
  /**
   * The form that an action was called with, for its form token. An action that is called by a
   * script needs none.
   */
  readonly form?: FormData
  /**
   * Path of this site to go on to after a login or a step-up. Default: the page that posted the
   * form of an action, else `/`.
   */
  readonly returnTo?: string
}

/**
 * For server components and actions, where Next knows the request. `form` is what an action was
 * called with; undefined where a script called it with something else.
 */
export interface NextPages {
  /**
   * The session, which meets the requirements. Everybody else is led to the page that helps; where
   * there is none, {@link PageRefused} is thrown. Rotates no secret: the proxy does.
   */
  sessionOf(asked?: PageRequirements): Promise<SessionView>
  /** The session, or undefined. */
  optionalSessionOf(asked?: PageRequirements): Promise<SessionView | undefined>
  /** The decision with its reasons; undefined when nothing was judged. */
  decisionOf(asked?: PageRequirements): Promise<Decision | undefined>
  /** What forms of this session send in the field `_form`: `sessionOf().formToken`. */
  formToken(asked?: PageRequirements): Promise<string>
  /** Call it after the password was right. Sets the cookie; then redirect. */
  login(form: FormData | undefined, login: LoginFacts): Promise<TokensIssued | Refused>
  /** Call it after the password was wrong. */
  loginFailed(form: FormData | undefined, subject: SubjectRef): Promise<Done | Refused>
  /** Ends the session and expires the cookie. An action can send no `Clear-Site-Data`. */
  logout(form?: FormData): Promise<Done | Refused>
  /** Default requirements: those that the address of the step-up page says. */
  beginStepUp(form?: FormData, requirements?: StepUpRequirements): Promise<ChallengeBegun | Refused>
  /** Call it after the factor was right. Sets the new cookie; then redirect. */
  completeStepUp(form: FormData | undefined, proof: StepUpProof): Promise<TokensIssued | Refused>
  /** Call it after the factor was wrong. */
  stepUpFailed(form: FormData | undefined, challenge: string): Promise<Done | Refused>
  requestFacts(): Promise<RequestFacts>
  /** As in a handler, for the person whose page is rendered. Send their cookie along. */
  forwardedFacts(): Promise<ForwardedFacts>
}

/** The calls of handlers, which have a `Request`, and those of components and actions. */
export type NextHoldfast = Omit<FetchHoldfast, 'refuse'> &
  NextPages & {
    /**
     * The whole of `proxy.ts`: asks for a session before a page is rendered, and rotates its
     * secret. What is neither GET nor HEAD passes, because actions and handlers guard themselves.
     */
    proxy(requirements?: RouteRequirements): (request: Request) => Promise<Response>
    /** A refusal of a handler, as the guard would answer it. */
    refuse(refused: Refused & { readonly response: Response }): Response
    /**
     * A refusal of an action: leads to the page that helps. Where there is none, it throws
     * {@link PageRefused}.
     */
    refuse(refused: Refused): Promise<never>
  }

/** No page of the options helps with the refusal. `code` says why, as everywhere. */
export class PageRefused extends Error {
  readonly code: Code

  constructor(code: Code) {
    super(`The request was refused (${code}), and no page of the options helps with that.`)
    this.name = 'PageRefused'
    this.code = code
  }
}

/** What Next says of the request that it answers, and how it is answered from within. */
export interface NextRuntime {
  headers(): Promise<Pick<Headers, 'get' | 'has'>>
  cookies(): Promise<CookieJar>
  redirect(path: string): Promise<never>
  /** The answer of a proxy that lets a request pass. */
  goOn(): Promise<Response>
}

/** Cookies of an answer, as Next sets them. */
export interface CookieJar {
  set(name: string, value: string, attributes: CookieAttributes): unknown
}

/** Attributes of a cookie, as Next spells them. */
export interface CookieAttributes {
  readonly path?: string
  readonly domain?: string
  readonly secure?: boolean
  readonly httpOnly?: boolean
  readonly partitioned?: boolean
  readonly sameSite?: string
  readonly maxAge?: number
  readonly expires?: Date
}

/**
 * Next does not say who has connected. Where nothing before it has, it writes the peer's address
 * into `x-forwarded-for` itself: it counts as a proxy on this machine.
 */
const PEER = '127.0.0.1'

/** The options have been checked. */
export function nextHoldfast(
  sessions: Sessions,
  options: GuardOptions,
  runtime: NextRuntime,
): NextHoldfast {
  const sessionGuard = guard(sessions, options)
  const handlers = fetchApi(sessionGuard, { peer: () => PEER })
  const pages = nextPages(sessionGuard, runtime)
  return {
    ...handlers,
    proxy: proxyOf(handlers, runtime),
    refuse: checkedCalls({ refuse: refusing(handlers, runtime) }, TAKES).refuse,
    sessionOf: eitherOf(handlers.sessionOf, pages.sessionOf),
    optionalSessionOf: eitherOf(handlers.optionalSessionOf, pages.optionalSessionOf),
    decisionOf: eitherOf(handlers.decisionOf, pages.decisionOf),
    formToken: eitherOf(handlers.formToken, pages.formToken),
    login: eitherOf(handlers.login, pages.login),
    loginFailed: eitherOf(handlers.loginFailed, pages.loginFailed),
    logout: eitherOf(handlers.logout, pages.logout),
    beginStepUp: eitherOf(handlers.beginStepUp, pages.beginStepUp),
    completeStepUp: eitherOf(handlers.completeStepUp, pages.completeStepUp),
    stepUpFailed: eitherOf(handlers.stepUpFailed, pages.stepUpFailed),
    requestFacts: eitherOf(handlers.requestFacts, pages.requestFacts),
    forwardedFacts: eitherOf(handlers.forwardedFacts, pages.forwardedFacts),
  }
}

function nextPages(sessionGuard: Guard, runtime: NextRuntime): NextPages {
  /** The request that Next answers. */
  async function factsOf({ form, returnTo }: PageRequirements = {}): Promise<HttpFacts> {
    const given = await runtime.headers()
    const header: HeaderLookup = (name) => given.get(name) ?? undefined
    const posted = form !== undefined || POSTED.some((name) => given.has(name))
    const path = returnTo === undefined ? undefined : ownPath(returnTo)
    return {
      method: posted ? 'POST' : 'GET',
      url: path ?? (posted ? pageIn(header) : '/'),
      peer: PEER,
      encrypted: false,
      // A page that is rendered in answer to a form has not been handed the form.
      header: (name) => (form === undefined && name === 'content-type' ? undefined : header(name)),
      formToken: () => (form === undefined ? undefined : formTokenOf(async () => form)),
      page: { returnTo: path },
    }
  }

  /** A page cannot set a cookie, and a secret that an action rotated is shown before it left. */
  async function readOnly(asked: PageRequirements): Promise<HttpFacts> {
    return { ...(await factsOf(asked)), deliverable: false }
  }

  async function sessionOf(asked: PageRequirements = {}): Promise<SessionView> {
    const verified = await sessionGuard.require(routeOf(asked))(await readOnly(asked))
    return verified.ok ? verified.session : leadAway(runtime, verified)
  }

  async function optional(asked: PageRequirements = {}): Promise<OptionallyVerifiedRequest> {
    const verified = await sessionGuard.optional(routeOf(asked))(await readOnly(asked))
    return verified.ok ? verified : leadAway(runtime, verified)
  }

  async function delivered<Result extends Done>(
    result: Result | Refused,
  ): Promise<Result | Refused> {
    const cookies = result.ok ? result.headers().filter(isSetCookie) : []
    if (cookies.length === 0) return result
    const jar = await runtime.cookies()
    for (const [, line] of cookies) jar.set(...cookieOf(line))
    return result
  }

  return {
    sessionOf,
    optionalSessionOf: async (asked) => (await optional(asked)).session,
    decisionOf: async (asked) => (await optional(asked)).decision,
    formToken: async (asked) => (await sessionOf(asked)).formToken,
    login: async (form, login) =>
      delivered(await sessionGuard.login(await factsOf(ofForm(form)), login)),
    logout: async (form) => delivered(await sessionGuard.logout(await factsOf(ofForm(form)))),
    beginStepUp: async (form, requirements) =>
      sessionGuard.beginStepUp(await factsOf(ofForm(form)), requirements),
    completeStepUp: async (form, proof) =>
      delivered(await sessionGuard.completeStepUp(await factsOf(ofForm(form)), proof)),
    stepUpFailed: async (form, challenge) =>
      sessionGuard.stepUpFailed(await factsOf(ofForm(form)), challenge),
    loginFailed: async (form, subject) =>
      sessionGuard.loginFailed(await factsOf(ofForm(form)), subject),
    requestFacts: async () => sessionGuard.requestFacts(await factsOf()),
    forwardedFacts: async () => sessionGuard.forwardedFacts(await factsOf()),
  }
}

/** Headers of requests that do something: a script calls an action, or there is a body. */
const POSTED = ['next-action', 'content-type']

function ofForm(form: FormData | undefined): PageRequirements {
  return form === undefined ? {} : { form }
}

function routeOf({ form, returnTo, ...requirements }: PageRequirements): RouteRequirements {
  return requirements
}

/** The page that an action stands on. Whoever lies about it changes where they go on alone. */
function pageIn(header: HeaderLookup): string {
  const referer = header('referer')
  const host = header('host')
  if (typeof referer !== 'string' || !URL.canParse(referer)) return '/'
  const { host: itsHost, origin } = new URL(referer)
  return itsHost === host ? pathOf(referer, origin) : '/'
}

function proxyOf({ requireSession }: FetchHoldfast, { goOn }: NextRuntime): NextHoldfast['proxy'] {
  return (requirements) => {
    const guarded = requireSession(requirements)(goOn)
    return async (request) => {
      if (!isSafeMethod(request.method)) return goOn()
      const answer = await guarded(request)
      const location = answer.headers.get('location')
      // Next takes whole addresses alone from a proxy, and makes paths of them again.
      if (location !== null) answer.headers.set('location', new URL(location, request.url).href)
      return answer
    }
  }
}

function refusing({ refuse }: FetchHoldfast, runtime: NextRuntime): NextHoldfast['refuse'] {
  function answer(refused: Refused & { readonly response: Response }): Response
  function answer(refused: Refused): Promise<never>
  function answer(refused: Refused): Response | Promise<never> {
    return 'response' in refused ? refuse(refused) : leadAway(runtime, refused)
  }
  return answer
}

async function leadAway({ redirect }: NextRuntime, { code, refusal }: Refused): Promise<never> {
  const location = refusal.headers.find(([name]) => name === 'location')?.[1]
  if (location !== undefined) return redirect(location)
  throw new PageRefused(code)
}

/**
 * One name for handlers, which hand over their request, and for pages, which have none. What an
 * action is called with is the client's: something that looks like a request is none.
 */
function eitherOf<
  Handler extends (request: Request, ...more: never[]) => unknown,
  Page extends (...given: never[]) => unknown,
>(handler: Handler, page: Page): Handler & Page {
  const call = (first: unknown, ...more: never[]): unknown =>
    first instanceof Request ? handler(first, ...more) : page(...([first, ...more] as never[]))
  return call as Handler & Page
}

/** A `Set-Cookie` line, as Next takes it. */
function cookieOf(line: string): [name: string, value: string, attributes: CookieAttributes] {
  const [pair = '', ...given] = line.split(';').map((part) => part.trim())
  const [name, value] = halves(pair)
  return [name, value, Object.assign({}, ...given.map((one) => attributeOf(...halves(one))))]
}

function attributeOf(name: string, value: string): CookieAttributes {
  switch (name.toLowerCase()) {
    case 'path':
      return { path: value }
    case 'domain':
      return { domain: value }
    case 'secure':
      return { secure: true }
    case 'httponly':
      return { httpOnly: true }
    case 'partitioned':
      return { partitioned: true }
    case 'samesite':
      return { sameSite: value.toLowerCase() }
    case 'max-age':
      return { maxAge: Number(value) }
    case 'expires':
      return { expires: new Date(value) }
    default:
      throw new SessionError('internal_error', `Next sets no cookie with the attribute ${name}.`)
  }
}

function halves(text: string): [before: string, after: string] {
  const at = text.indexOf('=')
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
