import type { Carrier } from '../../carriers/carrier.ts'
import { isFormSubmission } from '../../carriers/csrf.ts'
import { FORM_TOKEN_FIELD, FORM_TOKEN_HEADER } from '../../carriers/names.ts'
import { sameText } from '../../core/constant-time.ts'
import type { Decision } from '../../core/decision.ts'
import type { SessionView } from '../../core/session.ts'
import type { Presented, Sessions, Verification, VerifiesNow } from '../../core/sessions.ts'
import type { InTime } from './answer-time.ts'
import { type AnswerHeaders, deliveryHeaders, setCookieIn } from './cookies.ts'
import { attempt, type Fault, faultOf } from './faults.ts'
import { type HeaderPair, type HttpFacts, single } from './http-request.ts'
import type { CheckedRequirements } from './options.ts'
import type { GuardParts } from './parts.ts'
import type { RefusalCause } from './refusals.ts'

/** A request whose session meets the requirements. */
export interface VerifiedRequest {
  readonly ok: true
  readonly session: SessionView
  readonly decision: Decision
  /**
   * They go with the answer, whatever it is. A rotated secret stays behind when the answer is late.
   * It also stays behind when a step-up, a login or a logout has replaced it meanwhile: it is dead,
   * and would take the place of the living one.
   */
  readonly headers: AnswerHeaders
}

/** A request that does not pass, and why. */
export type UnverifiedRequest = RefusalCause & { readonly ok: false }

/** Checks one request. The answer comes at once where the engine has it at once. */
export type VerifyRequest = (
  facts: HttpFacts,
  requirements: CheckedRequirements,
) => RequestVerdict | Promise<RequestVerdict>

export type RequestVerdict = VerifiedRequest | UnverifiedRequest

/** The order of the checks: the entry, the session, and for a form its form token. */
export function requestVerification(parts: GuardParts): VerifyRequest {
  const { sessions, options, checks, describe, superseded, startAnswer, personOf } = parts
  const { deliverable = true, onBehalf } = options

  /** The answer to a renderer leaves the cookies of the person alone. */
  function delivers({ deliverable: here, person }: HttpFacts, carrier: Carrier): boolean {
    return deliverable && here !== false && person === undefined && carrier.deliver !== undefined
  }

  const verify: VerifyRequest = (facts, requirements) => {
    const entry = checks.readToken(facts)
    if (!entry.ok) return entry
    const { carrier, token } = entry
    const received = { facts, carrier, inTime: startAnswer(), before: superseded.count() }
    const presented: Presented = {
      token,
      request: describe(facts, entry),
      deliverable: delivers(facts, carrier),
      ...(facts.waitedMs === undefined ? {} : { waitedMs: facts.waitedMs() }),
      ...requirements,
    }
    const verification = verifyNow(sessions, presented)
    if (verification !== undefined) return conclude(parts, received, verification)
    return attempt(() => sessions.verify(presented)).then((answer) =>
      conclude(parts, received, answer),
    )
  }

  if (onBehalf === undefined) return verify
  return (facts, requirements) => {
    const person = personOf(facts)
    return person === undefined
      ? verify(facts, requirements)
      : person.then((their) => verify(their, requirements))
  }
}

/** The engine's answer, where it needs no I/O for it; undefined where it does. */
export function verifyNow(
  sessions: Sessions,
  presented: Presented,
): Verification | Fault | undefined {
  const { now }: Sessions['verify'] & VerifiesNow = sessions.verify
  try {
    return now?.(presented)
  } catch (error) {
    return faultOf(error)
  }
}

interface ReceivedRequest {
  readonly facts: HttpFacts
  readonly carrier: Carrier
  readonly inTime: InTime
  /** How many tokens had been superseded when the request was received. */
  readonly before: number
}

/** What the engine's answer means for the request; a form has to bring its form token, too. */
function conclude(
  { superseded, now, warn }: GuardParts,
  { facts, carrier, inTime, before }: ReceivedRequest,
  verification: Verification | Fault,
): RequestVerdict | Promise<RequestVerdict> {
  if (!verification.ok) {
    if (verification.code === 'token_key_unknown') warn('keyUnknown')
    return { ...verification, carrier }
  }
  const { session, decision } = verification
  const delivery = deliveryHeaders(carrier, verification, now())
  const headers: AnswerHeaders = () =>
    inTime() && !superseded.since(session.id, before) ? delivery : NONE
  const verified: VerifiedRequest = {
    ok: true,
    session,
    decision,
    headers: delivery.length === 0 ? NO_HEADERS : headers,
  }
  if (!carrier.ambient || !isFormSubmission(facts.method, facts.header)) return verified
  return shownFormToken(facts).then((shown) => {
    if (shown !== undefined && sameText(shown, session.formToken)) return verified
    const missing = { detail: FORM_TOKEN_MISSING, unsigned: true } as const
    return {
      ok: false,
      code: 'form_token_invalid',
      ...(shown === undefined ? missing : {}),
      setCookie: setCookieIn(headers()),
    }
  })
}

const FORM_TOKEN_MISSING =
  "This form came without the session's form token. A form sends it in the field " +
  `\`${FORM_TOKEN_FIELD}\`, which has to be parsed before the guard runs; a script sends it in ` +
  `the header \`${FORM_TOKEN_HEADER}\`.`

const NONE: readonly HeaderPair[] = []
const NO_HEADERS: AnswerHeaders = () => NONE

/**
 * The token of a form, which only pages of its session hold (NIST SP 800-63B-4, section 5.1).
 * Without it, another site could have sent the form.
 */
export async function shownFormToken(facts: HttpFacts): Promise<string | undefined> {
  const shown = single(facts, FORM_TOKEN_HEADER) ?? (await facts.formToken?.())
  return typeof shown === 'string' ? shown : undefined
}
