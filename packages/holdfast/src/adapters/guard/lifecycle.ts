import type { Carrier } from '../../carriers/carrier.ts'
import { cookie } from '../../carriers/cookie.ts'
import { refreshCarrier } from '../../carriers/refresh.ts'
import type { Decision } from '../../core/decision.ts'
import type { RequestFacts } from '../../core/request.ts'
import type { SessionView } from '../../core/session.ts'
import type { Login, Proof, Sessions, StepUpBegun, SubjectRef } from '../../core/sessions.ts'
import { deliveryHeaders, NO_STORE } from './cookies.ts'
import type { Entrance } from './entry-checks.ts'
import { attempt } from './faults.ts'
import type { HeaderPair, HttpFacts } from './http-request.ts'
import type { GuardOptions } from './options.ts'
import type { Refuse, Refused } from './refusals.ts'
import type { Describe } from './request-facts.ts'
import type { Replacements } from './superseded.ts'

/** Who has logged in, and how well. What comes from the request the adapter adds itself. */
export interface LoginFacts extends Omit<Login, 'request' | 'previous'> {
  /** The value of the form field `hf-client`, when the login form sent one. */
  readonly clientFacts?: string
}

/** What the subject proved in answer to a challenge. */
export type StepUpProof = Omit<Proof, 'token' | 'request'>

/** Something was done; the headers go with the answer. */
export interface Done {
  readonly ok: true
  readonly headers: readonly HeaderPair[]
}

/** New tokens are on their way to the client. Those that are named here no carrier brings: the application has to. */
export interface Delivered extends Done {
  readonly session: SessionView
  readonly decision: Decision
  readonly token: string | undefined
  readonly refreshToken: string | undefined
}

/** The answer of `beginStepUp` when the challenge could be begun. */
export type ChallengeBegun = Extract<StepUpBegun, { ok: true }>

/** The moments at which tokens begin, change hands and end. */
export interface Ceremonies {
  /** Starts a session. The token that the client came with is ended first (session fixation). */
  login(facts: HttpFacts, login: LoginFacts): Promise<Delivered | Refused>
  /** Ends the session and everything the browser keeps of it. A refusal with 503 says that nothing is confirmed yet. */
  logout(facts: HttpFacts): Promise<Done | Refused>
  beginStepUp(
    facts: HttpFacts,
    requirements?: { readonly acr?: string | undefined },
  ): Promise<ChallengeBegun | Refused>
  completeStepUp(facts: HttpFacts, proof: StepUpProof): Promise<Delivered | Refused>
  /** Tells the engine of a wrong code or an aborted prompt. */
  stepUpFailed(facts: HttpFacts, challenge: string): Promise<Done | Refused>
  /** Tells the engine of a wrong password. */
  loginFailed(facts: HttpFacts, subject: SubjectRef): Promise<Done | Refused>
  requestFacts(facts: HttpFacts): RequestFacts
}

interface CeremonyParts {
  readonly sessions: Sessions
  readonly options: GuardOptions
  readonly door: Entrance
  readonly refuse: Refuse
  readonly describe: Describe
  readonly replaced: Replacements
  readonly now: () => number
}

/** Login, logout and step-up: the same gate in front, the same headers behind. */
export function ceremonies(parts: CeremonyParts): Ceremonies {
  const { sessions, options, door, refuse, replaced, now } = parts
  const { carriers = [cookie()], clearSiteData = ['cache', 'storage'] } = options
  const giver = carriers.find((carrier) => carrier.deliver !== undefined)
  const refresher = options.refresh === undefined ? undefined : refreshCarrier(options.refresh)
  const forgetful: readonly HeaderPair[] =
    clearSiteData.length === 0
      ? []
      : [['clear-site-data', clearSiteData.map((kind) => `"${kind}"`).join(', ')]]

  function describe(facts: HttpFacts, posted?: string): RequestFacts {
    return parts.describe(facts, { ...door.clientOf(facts), posted })
  }

  function delivered(
    carrier: Carrier | undefined,
    answer: {
      readonly token?: string
      readonly refreshToken?: string
      readonly session: SessionView
      readonly decision: Decision
      readonly persistent: boolean
    },
  ): Delivered {
    const { session, decision, token, refreshToken, persistent } = answer
    const at = now()
    const main = deliveryHeaders(carrier, answer, at)
    const spare = deliveryHeaders(refresher, { token: refreshToken, session, persistent }, at)
    const cookies = [...main, ...spare].filter(([name]) => name === 'set-cookie')
    return {
      ok: true,
      session,
      decision,
      headers: [NO_STORE, ...cookies],
      token: main.length === 0 ? token : undefined,
      refreshToken: spare.length === 0 ? refreshToken : undefined,
    }
  }

  return {
    requestFacts: (facts) => describe(facts),

    async login(facts, { clientFacts, ...login }) {
      const forged = door.refuses(facts)
      if (forged !== undefined) return refuse(facts, { code: forged })
      const entered = door.enter(facts)
      const created = await attempt(() =>
        sessions.create({
          ...(refresher === undefined ? {} : { refresh: true }),
          ...login,
          request: describe(facts, clientFacts),
          ...(entered.ok ? { previous: entered.token } : {}),
        }),
      )
      if (!created.ok) return refuse(facts, created)
      if (entered.ok) replaced.note({ token: entered.token })
      return delivered(giver, created)
    },

    async logout(facts) {
      const entered = door.enter(facts)
      if (!entered.ok && entered.code !== 'token_missing' && entered.code !== 'token_malformed') {
        return refuse(facts, entered)
      }
      const forged = door.refuses(facts)
      if (forged !== undefined) return refuse(facts, { code: forged })
      if (entered.ok) {
        const ended = await attempt(() => sessions.logout(entered.token).then(() => ENDED))
        if (!ended.ok) return refuse(facts, ended)
        replaced.note({ token: entered.token })
      }
      const jar = refresher === undefined ? carriers : [...carriers, refresher]
      const cleared = jar.flatMap((carrier) => carrier.clear?.() ?? [])
      return {
        ok: true,
        headers: [
          NO_STORE,
          ...forgetful,
          ...cleared.map((value): HeaderPair => ['set-cookie', value]),
        ],
      }
    },

    async beginStepUp(facts, { acr } = {}) {
      const entered = door.enter(facts)
      if (!entered.ok) return refuse(facts, entered)
      const begun = await attempt(() =>
        sessions.beginStepUp({
          token: entered.token,
          request: describe(facts),
          ...(acr === undefined ? {} : { acr }),
        }),
      )
      return begun.ok ? begun : refuse(facts, { ...begun, carrier: entered.carrier })
    },

    async completeStepUp(facts, proof) {
      const entered = door.enter(facts)
      if (!entered.ok) return refuse(facts, entered)
      const { token, carrier } = entered
      const completed = await attempt(() =>
        sessions.completeStepUp({ ...proof, token, request: describe(facts) }),
      )
      if (!completed.ok) return refuse(facts, { ...completed, carrier })
      replaced.note({ id: completed.session.id })
      return delivered(carrier, completed)
    },

    async stepUpFailed(facts, challenge) {
      const entered = door.enter(facts)
      if (!entered.ok) return refuse(facts, entered)
      const { token } = entered
      const request = describe(facts)
      const told = await attempt(() =>
        sessions.report({ kind: 'step_up_failed', challenge, token, request }).then(() => ENDED),
      )
      return told.ok ? { ok: true, headers: [] } : refuse(facts, told)
    },

    async loginFailed(facts, subject) {
      const request = describe(facts)
      const told = await attempt(() =>
        sessions.report({ kind: 'login_failed', ...subject, request }).then(() => ENDED),
      )
      return told.ok ? { ok: true, headers: [] } : refuse(facts, told)
    },
  }
}

const ENDED = { ok: true } as const
