import {
  CODES,
  type Presented,
  type Sessions,
  type Traced,
  type Verification,
  type VerifiesNow,
} from 'holdfast'
import {
  checker,
  LINES_TYPE,
  type Line,
  list,
  MAX_BATCH,
  object,
  presented,
  type Wire,
} from 'holdfast/wire'
import { type GuessLimits, NO_GUESS_LIMITS } from '../main/guess-limits.ts'
import { type VerificationBody, verificationBody } from './answers.ts'
import { type Asker, asDescribed, isInputFault } from './call.ts'
import { checkAudience } from './callers.ts'
import type { ApiParts } from './parts.ts'
import { faultOf, problemDetailsOf, tooManyGuesses } from './problem.ts'

type JudgeParts = Pick<ApiParts, 'sessions' | 'cookies' | 'metrics' | 'guesses'>

/** Throws `too_many_requests` instead of a refusal, where too many of them came from one place. */
export function checkGuess(
  guesses: GuessLimits,
  refused: Parameters<GuessLimits['token']>[0],
): void {
  const waitS = guesses.token(refused)
  if (waitS > 0) throw tooManyGuesses(waitS)
}

/** A batch has one answer for all: the guesses of one in it must not concern the others. */
export function unlimited<Parts extends JudgeParts>(parts: Parts): Parts {
  return { ...parts, guesses: NO_GUESS_LIMITS }
}

/**
 * Judges one presentation: at once where the engine can. The presentation is completed in place, so
 * it has to be the judge's own, as what a body was parsed into is.
 */
export function presentationJudge({
  sessions,
  cookies,
  metrics,
  guesses,
}: JudgeParts): (one: Presented, asker: Asker) => VerificationBody | Promise<VerificationBody> {
  const { verify }: { verify: Sessions['verify'] & VerifiesNow } = sessions
  return (one, asker) => {
    checkAudience(asker.caller, one.audience)
    nameAs(one, asker.traced)
    const answer = (result: Verification): VerificationBody => {
      metrics.verified(result)
      if (!result.ok)
        checkGuess(guesses, { code: result.code, ip: one.request.ip, caller: asker.caller.name })
      return verificationBody(cookies, result, one.request)
    }
    // An access token takes time to sign.
    const known = one.audience === undefined ? verify.now?.(one) : undefined
    return known === undefined ? verify(one).then(answer) : answer(known)
  }
}

/** What a body says itself counts. A copy of it would cost as much as its parsing. */
function nameAs(
  one: { correlation?: string | undefined; trace?: string | undefined },
  { correlation, trace }: Traced,
): void {
  one.correlation ??= correlation
  if (trace !== undefined) one.trace ??= trace
}

/** The line of one presentation of a batch. */
export type VerificationLine = Line<VerificationBody>

/** Judges the presentations of a batch, each on its own. */
export interface LineJudge {
  /**
   * A fault in one, also in what it says, is a line of its own and keeps no other waiting. Throws
   * for what is no batch.
   */
  judge(body: unknown, asker: Asker): readonly (VerificationLine | Promise<VerificationLine>)[]
  /** The lines as they are sent. One that cannot be written is a fault of its own, too. */
  textOf(lines: readonly VerificationLine[], requestId: string): string
}

export function lineJudge(parts: JudgeParts & Pick<ApiParts, 'log'>): LineJudge {
  const judged = presentationJudge(parts)

  function failed(at: number, error: unknown, requestId: string): VerificationLine {
    const fault = isInputFault(error) ? error.fault : faultOf(error)
    parts.metrics.unjudged(fault.code)
    if (CODES[fault.code].status >= 500) {
      parts.log.error({ request_id: requestId, at, code: fault.code, err: error }, 'verification')
    }
    return { at, problem: problemDetailsOf(fault, requestId) }
  }

  return {
    judge: (body, asker) =>
      asDescribed(ENVELOPE, 'body', body).presented.map((one, at) => {
        try {
          const result = judged(asDescribed(ONE, 'body', one), asker)
          if (!(result instanceof Promise)) return { at, result }
          return result.then(
            (known) => ({ at, result: known }),
            (error) => failed(at, error, asker.requestId),
          )
        } catch (error) {
          return failed(at, error, asker.requestId)
        }
      }),

    textOf(lines, requestId) {
      let text = ''
      for (const line of lines) {
        try {
          text += `${JSON.stringify(line)}\n`
        } catch (error) {
          text += `${JSON.stringify(failed(line.at, error, requestId))}\n`
        }
      }
      return text
    },
  }
}

/** Whether a caller takes one line of JSON for each presentation. */
export function acceptsLines(accept: string | null | undefined): boolean {
  return (accept ?? '').split(',').some((type) => type.trim().startsWith(LINES_TYPE))
}

const anything: Wire<object> = { form: { kind: 'json-object' } }
const ENVELOPE = checker(
  object<{ readonly presented: readonly object[] }>('Batch', {
    presented: list(anything, { min: 1, max: MAX_BATCH }),
  }),
  'request',
)
const ONE = checker(presented, 'request')
