import {
  batchBody,
  LINES_TYPE,
  presented,
  verificationAnswer,
  verificationAnswers,
  verificationLine,
} from 'holdfast/wire'
import { type Call, call } from '../call.ts'
import { checkAudience } from '../callers.ts'
import { acceptsLines, lineJudge, presentationJudge, unlimited } from '../judges.ts'
import type { ApiParts } from '../parts.ts'

/** 64 presentations of an ordinary browser are a little over 100 KiB. */
export const MAX_BATCH_BYTES = 524_288

/** Who may ask. */
export const VERIFY_ROLES = ['app', 'gate'] as const

/** Is this still the rightful holder? One presentation, or up to 64 at once. */
export function verifyCalls(parts: ApiParts): readonly Call[] {
  const judged = presentationJudge(parts)
  const judgedTogether = presentationJudge(unlimited(parts))
  const lines = lineJudge(parts)

  return [
    call({
      id: 'verify',
      method: 'post',
      path: '/v1/verify',
      roles: VERIFY_ROLES,
      summary: 'Judge one presentation of a token',
      body: presented,
      answers: { 200: { about: 'The decision with its reasons', body: verificationAnswer } },
      async handle({ body, ...asker }) {
        return { status: 200, body: await judged(body, asker) }
      },
    }),

    call({
      id: 'verifyBatch',
      method: 'post',
      path: '/v1/verify/batch',
      roles: VERIFY_ROLES,
      summary:
        'Judge up to 64 presentations. A fault in one is a fault of all, but with ' +
        '`Accept: application/x-ndjson` it is a line of its own, and lines come as they are known',
      body: batchBody,
      bodyBytes: MAX_BATCH_BYTES,
      answers: {
        200: {
          about: 'One result each, in their order; or one line each, in any order',
          body: verificationAnswers,
          lines: verificationLine,
        },
      },
      async handle({ body, headers, ...asker }) {
        const { caller, requestId } = asker
        if (acceptsLines(headers.get('accept'))) {
          const judgedLines = await Promise.all(lines.judge(body, asker))
          const text = lines.textOf(judgedLines, requestId)
          return new Response(text, { headers: { 'content-type': LINES_TYPE } })
        }
        for (const { audience } of body.presented) checkAudience(caller, audience)
        const results = await Promise.all(
          body.presented.map(async (one) => judgedTogether(one, asker)),
        )
        return { status: 200, body: { results } }
      },
    }),
  ]
}
