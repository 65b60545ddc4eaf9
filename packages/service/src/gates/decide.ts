import { type Code, SessionError } from 'holdfast'
import {
  type GatewayJudge,
  type HeaderLookup,
  type HeaderPair,
  type Refusal,
  refusalOf,
} from 'holdfast/gateway'
import type { Logger } from 'pino'
import type { Options } from './options.ts'
import { factsOf, type Read, type Unreadable } from './said.ts'

/** The answer to a gateway, before its dialect words it. */
export type GateAnswer =
  | { readonly ok: true; readonly headers: readonly HeaderPair[] }
  | {
      readonly ok: false
      readonly code: Code
      readonly refusal: Refusal
      readonly reason?: Refused
    }

/** What a gateway's configuration, or somebody who plays with it, got wrong. */
export type Refused = Unreadable | 'option_unknown' | 'caller_unknown'

/** One decision for every dialect. Never rejects. */
export type Decide = (asked: {
  readonly read: Read
  readonly header: HeaderLookup
  readonly options: Options
}) => Promise<GateAnswer>

/** No gateway knows which of its clients' requests belong together; those behind several hops say so themselves. */
const CORRELATION = /^[A-Za-z0-9._-]{8,64}$/

/** Everything between what a gateway says and what it is answered. */
export function decision(judge: GatewayJudge['judge'], log: Logger): Decide {
  return async ({ read, header, options }) => {
    if (!options.ok) return refused('invalid_input', options.detail, 'option_unknown')
    if (!read.ok) return refused('invalid_input', DETAILS[read.reason](read.detail), read.reason)
    const id = header('x-request-id')
    const correlation = typeof id === 'string' && CORRELATION.test(id) ? id : undefined
    try {
      const answer = await judge(factsOf(read.said, header), options.route, correlation)
      if (!answer.ok) return marked(answer)
      const { accessToken, setCookie } = answer
      // Always there: a gateway that copies a header that is missing may copy the client's own instead.
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

const DETAILS: Readonly<Record<Unreadable, (what: string) => string>> = {
  header_missing: (what) => `The gateway does not say the ${what} of the request.`,
  header_malformed: (what) => `The ${what} of the request cannot be read, or comes twice.`,
  headers_conflict: (what) => `Two headers differ about the request: see ${what}.`,
}

/** A refusal of the gate itself. It takes no cookie away: nothing was decided about a session. */
export function refused(code: Code, detail?: string, reason?: Refused): GateAnswer & { ok: false } {
  const refusal = refusalOf({ code, detail })
  return marked({ ok: false, code, refusal, ...(reason === undefined ? {} : { reason }) })
}

/** By its code a gateway's configuration tells its own mistakes from its client's. */
function marked<Answer extends { readonly code: Code; readonly refusal: Refusal }>(
  answer: Answer,
): Answer {
  const { code, refusal } = answer
  return {
    ...answer,
    refusal: { ...refusal, headers: [...refusal.headers, ['holdfast-code', code]] },
  }
}
