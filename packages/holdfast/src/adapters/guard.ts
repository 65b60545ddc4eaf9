import { isFormSubmission } from '../carriers/csrf.ts'
import { sameText } from '../core/constant-time.ts'
import type { Decision } from '../core/decision.ts'
import { CODES, type Code } from '../core/errors.ts'
import type { SessionView } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import { type Ceremonies, ceremonies } from './ceremonies.ts'
import { checkDemands, checkGuardOptions } from './check-options.ts'
import { deliveryHeaders, NO_STORE } from './delivery.ts'
import { type Entered, entrance } from './entrance.ts'
import { attempt } from './faults.ts'
import { FORM_TOKEN_HEADER } from './form-field.ts'
import type { GuardOptions, RouteDemands } from './guard-options.ts'
import { type HeaderPair, type HttpFacts, single } from './http-facts.ts'
import { type Refresh, refreshing } from './refreshing.ts'
import { type Grounds, type Refused, refuser } from './refuse.ts'
import { replacements } from './replacements.ts'
import { describer } from './request-facts.ts'
import { turnBatcher } from './turn.ts'

/** A request that passed. */
export interface Passed {
  readonly ok: true
  readonly session: SessionView
  readonly decision: Decision
  readonly headers: AnswerHeaders
}

/**
 * The headers that go with the answer, whatever it is, as of the moment it leaves. A rotated secret that would leave
 * later than {@link LATE_MS} after the request was judged stays behind: another request of the same browser has been
 * sent a newer one by then, and overwriting that would look like a second holder. So does one that a step-up, a login or
 * a logout has replaced meanwhile: it is dead, and would take the place of the living one.
 */
export type AnswerHeaders = () => readonly HeaderPair[]

/** A request that may go on without a session. */
export interface PassedOptionally {
  readonly ok: true
  readonly session: SessionView | undefined
  readonly decision: Decision | undefined
  /** Why there is no session; `token_missing` when none was shown. */
  readonly refused: Code | undefined
  readonly headers: AnswerHeaders
}

/** Everything that adapters need; what they add is how their framework reads and answers. */
export interface Guard extends Ceremonies {
  refresh: Refresh
  /** Judges requests of one kind of route. Throws `config_invalid` at once for demands that make no sense. */
  require(demands?: RouteDemands): (facts: HttpFacts) => Promise<Passed | Refused>
  /**
   * Lets requests without a usable session pass as nobody's. A forged request (another site, a foreign form, plain HTTP)
   * is refused all the same, and so is one whose session could not be judged.
   */
  optional(demands?: RouteDemands): (facts: HttpFacts) => Promise<PassedOptionally | Refused>
}

/** Refused on optional routes, too: such a request is not anonymous, it is forged. */
const FORGED: readonly Code[] = ['https_required', 'cross_site_request', 'form_token_invalid']

type Entry = Extract<Entered, { ok: true }>

/**
 * The pivot of all adapters: the transport, the carrier, the cross-site gate, the engine, the form token, and the
 * complete answer to whatever does not pass. Its methods throw only what is no {@link SessionError}: a bug, which the
 * framework's own error handling reports and which is never an allow.
 *
 * Throws `config_invalid` for options that make no sense.
 */
export function guard(sessions: Sessions, options: GuardOptions = {}): Guard {
  checkGuardOptions(options)
  const { deliverable = true, now = () => Date.now() } = options
  const door = entrance(options)
  const { refuse, expiredCookies } = refuser(options, door.originOf)
  const describe = describer()
  const restOfTurn = turnBatcher()
  const replaced = replacements()

  async function judge(
    facts: HttpFacts,
    entered: Entered,
    demands: RouteDemands,
  ): Promise<Passed | (Grounds & { readonly ok: false })> {
    if (!entered.ok) return entered
    const { carrier } = entered
    await restOfTurn()
    const before = replaced.count()
    const verification = await attempt(() =>
      sessions.verify({
        token: entered.token,
        request: describe(facts, entered),
        deliverable: deliverable && carrier.deliver !== undefined,
        ...(facts.waitedMs === undefined ? {} : { waitedMs: facts.waitedMs() }),
        ...demands,
      }),
    )
    if (!verification.ok) return { ...verification, carrier }
    const { session, decision } = verification
    const judgedAt = now()
    const delivery = deliveryHeaders(carrier, verification, judgedAt)
    const headers: AnswerHeaders = () => {
      if (delivery.length === 0) return delivery
      const late = now() - judgedAt > LATE_MS || replaced.since(session.id, before)
      return late ? withoutCookie(delivery) : delivery
    }
    if (await mayPost(facts, entered, session)) return { ok: true, session, decision, headers }
    const setCookie = delivery.find(([name]) => name === 'set-cookie')?.[1]
    return { ok: false, code: 'form_token_invalid', setCookie }
  }

  return {
    ...ceremonies({ sessions, options, door, refuse, describe, replaced, now }),
    refresh: refreshing({ sessions, options, refuse, describe, replaced, now }),

    require(demands = {}) {
      const checked = checkDemands(demands)
      return async (facts) => {
        const judged = await judge(facts, door.enter(facts), checked)
        return judged.ok ? judged : refuse(facts, judged)
      }
    },

    optional(demands = {}) {
      const checked = checkDemands(demands)
      return async (facts) => {
        const judged = await judge(facts, door.enter(facts), checked)
        if (judged.ok) return { ...judged, refused: undefined }
        const { code, decision } = judged
        if (CODES[code].kind === 'fault' || FORGED.includes(code)) return refuse(facts, judged)
        const cleared = expiredCookies(facts, judged)
        return {
          ok: true,
          session: undefined,
          decision,
          refused: code,
          headers: () =>
            cleared.length === 0
              ? []
              : [NO_STORE, ...cleared.map((value) => ['set-cookie', value] as const)],
        }
      }
    },
  }
}

/** The same successor is sent again this long after it was minted; a later answer is overtaken (the ratchet). */
const LATE_MS = 10_000

function withoutCookie(headers: readonly HeaderPair[]): readonly HeaderPair[] {
  return headers.filter(([name]) => name !== 'set-cookie')
}

/** A form that another site could have sent has to show the token that only pages of this session hold (NIST SP 800-63B-4, 5.1). */
async function mayPost(
  facts: HttpFacts,
  { carrier }: Entry,
  session: SessionView,
): Promise<boolean> {
  if (!carrier.ambient || !isFormSubmission(facts.method, facts.header)) return true
  const shown = single(facts, FORM_TOKEN_HEADER) ?? (await facts.formToken?.())
  // made when it is read: only forms pay for it
  return typeof shown === 'string' && sameText(shown, session.formToken)
}
