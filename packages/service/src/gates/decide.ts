import { type Code, SessionError } from 'holdfast'
import {
  type GatewayGuard,
  type HeaderLookup,
  type HeaderPair,
  type HttpFacts,
  problemRefusal,
  type Refusal,
} from 'holdfast/gateway'
import type { Logger } from 'pino'
import { isFor, notFor } from '../api/callers.ts'
import { STANDARD_HEADERS } from '../api/exchange.ts'
import type { Gateway } from './callers.ts'
import { type ForwardedReading, factsOf, type UnreadableReason } from './forwarded.ts'
import type { Options } from './options.ts'

/** The answer to a gateway, before its dialect writes it. */
export type GateAnswer =
  | { readonly ok: true; readonly headers: readonly HeaderPair[] }
  | {
      readonly ok: false
      readonly code: Code
      readonly refusal: Refusal
      readonly reason?: Refused
    }

/** What a gateway's configuration, or a client that forges headers, got wrong. */
export type Refused = UnreadableReason | 'option_unknown' | 'caller_unknown' | 'audience_forbidden'

/** One decision for every dialect. Never rejects. */
export type Decide = (asked: {
  readonly gateway: Gateway
  readonly forwarded: ForwardedReading
  readonly header: HeaderLookup
  readonly options: Options
}) => Promise<GateAnswer>

export interface DecisionParts {
  readonly verify: GatewayGuard['verify']
  readonly log: Logger
  /** Hears of each refusal of a client. */
  readonly onRefused: (code: Code, facts: HttpFacts) => void
  /** Seconds that a client is to wait instead of being refused so; 0 where it may be refused. */
  readonly waitOf: (code: Code, facts: HttpFacts) => number
}

/** Decides about a reported request: options, audience, report, session, headers of the answer. */
export function decision({ verify, log, onRefused, waitOf }: DecisionParts): Decide {
  return async ({ gateway, forwarded, header, options }) => {
    if (!options.ok) return refused('invalid_input', options.detail, 'option_unknown')
    const { audience } = options.route
    if (audience !== undefined && !isFor(gateway, audience))
      return refused('caller_forbidden', notFor(audience), 'audience_forbidden')
    if (!forwarded.ok)
      return refused('invalid_input', DETAILS[forwarded.reason](forwarded.detail), forwarded.reason)
    try {
      const facts = factsOf(forwarded.request, header)
      const answer = await verify(facts, options.route)
      if (!answer.ok) {
        const waitS = waitOf(answer.code, facts)
        if (waitS === 0) onRefused(answer.code, facts)
        return waitS > 0 ? tooOften(waitS) : marked(answer)
      }
      const { accessToken, setCookie } = answer
      // Always set: where it is missing, a gateway may copy the client's own header instead.
      const bearer = accessToken === undefined ? '' : `Bearer ${accessToken}`
      const headers: HeaderPair[] = [
        ['authorization', bearer],
        ['cache-control', 'no-store'],
      ]
      if (setCookie !== undefined) headers.push(['set-cookie', setCookie])
      return { ok: true, headers }
    } catch (error) {
      const code = error instanceof SessionError ? error.code : 'internal_error'
      log.error({ err: error }, 'a gate could not decide')
      return refused(code)
    }
  }
}

const DETAILS: Readonly<Record<UnreadableReason, (what: string) => string>> = {
  header_missing: (what) => `The gateway does not report the ${what} of the request.`,
  header_malformed: (what) => `The ${what} of the request cannot be read, or comes twice.`,
  headers_conflict: (what) => `Two headers differ about the request: see ${what}.`,
}

const API_HEADERS: readonly HeaderPair[] = Object.entries(STANDARD_HEADERS).filter(
  ([name]) => name !== 'strict-transport-security',
)

/** A refusal of the gate itself. It takes no cookie away: nothing was decided about a session. */
export function refused(code: Code, detail?: string, reason?: Refused): GateAnswer & { ok: false } {
  const refusal = problemRefusal({ code, detail })
  return marked({ ok: false, code, refusal, ...(reason === undefined ? {} : { reason }) })
}

/** Instead of a refusal, where too many of them came from one place. No cookie is taken away. */
export function tooOften(waitS: number, reason?: Refused): GateAnswer & { ok: false } {
  const answer = refused('too_many_requests', 'Try again later.', reason)
  const headers = answer.refusal.headers.map(
    ([name, value]): HeaderPair => [name, name === 'retry-after' ? String(waitS) : value],
  )
  return { ...answer, refusal: { ...answer.refusal, headers } }
}

/**
 * Adds what every answer of the API has, and the code, by which a gateway's configuration tells its
 * own mistakes from its client's. The answer is one of the operator's site: whether that is reached
 * by HTTPS alone (HSTS) is theirs to say.
 */
function marked<Answer extends { readonly code: Code; readonly refusal: Refusal }>(
  answer: Answer,
): Answer {
  const { code, refusal } = answer
  return {
    ...answer,
    refusal: { ...refusal, headers: [...refusal.headers, ...API_HEADERS, ['holdfast-code', code]] },
  }
}
