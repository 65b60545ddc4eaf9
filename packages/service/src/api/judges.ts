import { CODES, type Presented, type Sessions, type Verification, type VerifiesNow } from 'holdfast'
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
import { verificationBody } from './answers.ts'
import { asDescribed, isInputFault } from './call.ts'
import type { ApiParts } from './parts.ts'
import { faultOf, problemDetailsOf } from './problem.ts'

export type VerificationBody = Readonly<Record<string, unknown>>

/** Judges one presentation: at once where a local copy answers. */
export function presentationJudge({
  sessions,
  cookies,
  metrics,
}: Pick<ApiParts, 'sessions' | 'cookies' | 'metrics'>): (
  one: Presented,
  requestId: string,
) => VerificationBody | Promise<VerificationBody> {
  const { verify }: { verify: Sessions['verify'] & VerifiesNow } = sessions
  return (one, requestId) => {
    const asked = { correlation: requestId, ...one }
    const answer = (result: Verification): VerificationBody => {
      metrics.verified(result)
      return verificationBody(cookies, result, one.request)
    }
    const known = verify.now?.(asked)
    return known === undefined ? verify(asked).then(answer) : answer(known)
  }
}

/** The line of one presentation of a batch. */
export type VerificationLine = Line<VerificationBody>

/**
 * Judges the presentations of a batch, each on its own: a fault in one, also in what it says, is a
 * line of its own and keeps no other waiting. Throws for what is no batch.
 */
export function lineJudge(
  parts: Pick<ApiParts, 'sessions' | 'cookies' | 'metrics' | 'log'>,
): (body: unknown, requestId: string) => readonly (VerificationLine | Promise<VerificationLine>)[] {
  const judged = presentationJudge(parts)

  return (body, requestId) => {
    function failed(at: number, error: unknown): VerificationLine {
      const fault = isInputFault(error) ? error.fault : faultOf(error)
      parts.metrics.unjudged(fault.code)
      if (CODES[fault.code].status >= 500) {
        parts.log.error({ request_id: requestId, at, code: fault.code, err: error }, 'verification')
      }
      return { at, problem: problemDetailsOf(fault, requestId) }
    }

    return asDescribed(ENVELOPE, 'body', body).presented.map((one, at) => {
      try {
        const result = judged(asDescribed(ONE, 'body', one), requestId)
        if (!(result instanceof Promise)) return { at, result }
        return result.then(
          (known) => ({ at, result: known }),
          (error) => failed(at, error),
        )
      } catch (error) {
        return failed(at, error)
      }
    })
  }
}

/** Whether a caller takes one line of JSON for each presentation. */
export function acceptsLines(accept: string | null | undefined): boolean {
  return (accept ?? '').split(',').some((type) => type.trim().startsWith(LINES_TYPE))
}

/** The lines as they are sent. */
export function textOf(lines: readonly VerificationLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}

const anything: Wire<object> = { form: { kind: 'json-object' } }
const ENVELOPE = checker(
  object<{ readonly presented: readonly object[] }>('Batch', {
    presented: list(anything, { min: 1, max: MAX_BATCH }),
  }),
  'request',
)
const ONE = checker(presented, 'request')
