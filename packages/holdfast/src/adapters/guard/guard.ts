import { isFormSubmission } from '../../carriers/csrf.ts'
import { FORM_TOKEN_HEADER } from '../../carriers/names.ts'
import { sameText } from '../../core/constant-time.ts'
import type { Decision } from '../../core/decision.ts'
import { CODES, type Code } from '../../core/errors.ts'
import { RESEND_MS } from '../../core/rotation.ts'
import type { SessionView } from '../../core/session.ts'
import type { Presented, Sessions, Verification, VerifiesNow } from '../../core/sessions.ts'
import { turnQueue } from './batch.ts'
import { deliveryHeaders, NO_STORE } from './cookies.ts'
import { type Entered, entrance } from './entry-checks.ts'
import { attempt, type Fault, faultOf } from './faults.ts'
import { formHolder } from './held-forms.ts'
import { type HeaderPair, type HttpFacts, single } from './http-request.ts'
import { type Ceremonies, ceremonies } from './lifecycle.ts'
import type { GuardOptions, RouteRequirements } from './options.ts'
import { checkGuardOptions, checkRequirements } from './options.ts'
import { type Refresh, refreshing } from './refresh.ts'
import { type Grounds, type Refused, refuser } from './refusals.ts'
import { describer } from './request-facts.ts'
import { replacements } from './superseded.ts'

/** A request that passed. */
export interface Passed {
  readonly ok: true
  readonly session: SessionView
  readonly decision: Decision
  readonly headers: AnswerHeaders
}

/**
 * The headers that go with the answer, whatever it is, as of the moment it leaves. A rotated secret that would leave
 * later than {@link RESEND_MS} after the request was judged stays behind: another request of the same browser has been
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
  /** Judges requests of one kind of route. Throws `config_invalid` at once for requirements that make no sense. */
  require(requirements?: RouteRequirements): Judging<Passed>
  /**
   * Lets requests without a usable session pass as nobody's. A forged request (another site, a foreign form, plain HTTP)
   * is refused all the same, and so is one whose session could not be judged.
   */
  optional(requirements?: RouteRequirements): Judging<PassedOptionally>
}

/** Judges a request, together with all that came in the same turn of the event loop. */
export interface Judging<Pass> {
  (facts: HttpFacts): Promise<Pass | Refused>
  /** The same for who has no need of a promise, and the time that it costs. `failed` hears of bugs alone. */
  settle(
    facts: HttpFacts,
    settled: (judged: Pass | Refused) => void,
    failed: (error: unknown) => void,
  ): void
}

/** Refused on optional routes, too: such a request is not anonymous, it is forged. */
export const FORGED: readonly Code[] = [
  'https_required',
  'cross_site_request',
  'form_token_invalid',
]

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
  const replaced = replacements()
  const enqueue = turnQueue(settle)
  const holdForm = formHolder(options, door)

  function settle({ facts, requirements, settled, failed }: Waiting): void {
    let judged: Judged | Promise<Judged>
    try {
      judged = judge(facts, requirements)
    } catch (error) {
      failed(error)
      return
    }
    if ('then' in judged) judged.then(settled, failed)
    else settled(judged)
  }

  function judge(facts: HttpFacts, requirements: RouteRequirements): Judged | Promise<Judged> {
    const entered = door.enter(facts)
    if (!entered.ok) return entered
    const { carrier, token } = entered
    const before = replaced.count()
    const presented: Presented = {
      token,
      request: describe(facts, entered),
      deliverable: deliverable && carrier.deliver !== undefined,
      ...(facts.waitedMs === undefined ? {} : { waitedMs: facts.waitedMs() }),
      ...requirements,
    }
    const known = verifiedNow(presented)
    const conclude = (verification: Verification | Fault): Judged | Promise<Judged> =>
      concluded(facts, entered, { verification, before })
    return known === undefined
      ? attempt(() => sessions.verify(presented)).then(conclude)
      : conclude(known)
  }

  function verifiedNow(presented: Presented): Verification | Fault | undefined {
    const { now: verifyNow }: Sessions['verify'] & VerifiesNow = sessions.verify
    try {
      return verifyNow?.(presented)
    } catch (error) {
      return faultOf(error)
    }
  }

  function concluded(
    facts: HttpFacts,
    { carrier }: Entry,
    {
      verification,
      before,
    }: { readonly verification: Verification | Fault; readonly before: number },
  ): Judged | Promise<Judged> {
    if (!verification.ok) return { ...verification, carrier }
    const { session, decision } = verification
    const judgedAt = now()
    const delivery = deliveryHeaders(carrier, verification, judgedAt)
    const headers: AnswerHeaders =
      delivery.length === 0
        ? NO_HEADERS
        : () => {
            const late = now() - judgedAt > RESEND_MS || replaced.since(session.id, before)
            return late ? withoutCookie(delivery) : delivery
          }
    const passed: Passed = { ok: true, session, decision, headers }
    if (!carrier.ambient || !isFormSubmission(facts.method, facts.header)) return passed
    return mayPost(facts, session).then((may) => {
      if (may) return passed
      const setCookie = delivery.find(([name]) => name === 'set-cookie')?.[1]
      return { ok: false, code: 'form_token_invalid', setCookie }
    })
  }

  function judging<Pass extends { readonly ok: true }>(
    requirements: RouteRequirements | undefined,
    answer: (facts: HttpFacts, judged: Judged) => Pass | Refused,
  ): Judging<Pass> {
    const checked = checkRequirements(requirements ?? {})
    const settleOne: Judging<Pass>['settle'] = (facts, settled, failed) =>
      enqueue({
        facts,
        requirements: checked,
        settled(judged) {
          let answered: Pass | Refused
          try {
            answered = answer(facts, judged)
          } catch (error) {
            failed(error)
            return
          }
          const held = isRefused(answered) ? holdForm(facts, answered) : undefined
          if (held === undefined) settled(answered)
          else held.then(settled, failed)
        },
        failed,
      })
    const promised = (facts: HttpFacts): Promise<Pass | Refused> =>
      new Promise((resolve, reject) => settleOne(facts, resolve, reject))
    return Object.assign(promised, { settle: settleOne })
  }

  return {
    ...ceremonies({ sessions, options, door, refuse, describe, replaced, now }),
    refresh: refreshing({ sessions, options, refuse, describe, replaced, now }),

    require: (requirements) =>
      judging<Passed>(requirements, (facts, judged) =>
        judged.ok ? judged : refuse(facts, judged),
      ),

    optional: (requirements) =>
      judging<PassedOptionally>(requirements, (facts, judged) => {
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
      }),
  }
}

function isRefused(answered: { readonly ok: true } | Refused): answered is Refused {
  return !answered.ok
}

type Judged = Passed | (Grounds & { readonly ok: false })

interface Waiting {
  readonly facts: HttpFacts
  readonly requirements: RouteRequirements
  settled(judged: Judged): void
  failed(error: unknown): void
}

function withoutCookie(headers: readonly HeaderPair[]): readonly HeaderPair[] {
  return headers.filter(([name]) => name !== 'set-cookie')
}

const NONE: readonly HeaderPair[] = []
const NO_HEADERS: AnswerHeaders = () => NONE

/** A form that another site could have sent has to show the token that only pages of this session hold (NIST SP 800-63B-4, 5.1). */
async function mayPost(facts: HttpFacts, session: SessionView): Promise<boolean> {
  const shown = single(facts, FORM_TOKEN_HEADER) ?? (await facts.formToken?.())
  // made when it is read: only forms pay for it
  return typeof shown === 'string' && sameText(shown, session.formToken)
}
