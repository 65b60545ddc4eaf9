import type { Presented, Sessions, Verification, VerifiesNow } from 'holdfast'
import { batchBody, presented, verificationAnswer, verificationAnswers } from 'holdfast/wire'
import { verificationBody } from '../answers.ts'
import { type Call, call } from '../call.ts'
import type { ApiParts } from '../parts.ts'

/** 64 presentations of an ordinary browser are a little over 100 KiB. */
export const MAX_BATCH_BYTES = 524_288

/** Who may ask. */
export const VERIFY_ROLES = ['app', 'gate'] as const

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

/** Is this still the rightful holder? One presentation, or up to 64 at once. */
export function verifyCalls(parts: ApiParts): readonly Call[] {
  const judged = presentationJudge(parts)

  return [
    call({
      id: 'verify',
      method: 'post',
      path: '/v1/verify',
      roles: VERIFY_ROLES,
      summary: 'Judge one presentation of a token',
      body: presented,
      answers: { 200: { about: 'The decision with its reasons', body: verificationAnswer } },
      async handle({ body, requestId }) {
        return { status: 200, body: await judged(body, requestId) }
      },
    }),

    call({
      id: 'verifyBatch',
      method: 'post',
      path: '/v1/verify/batch',
      roles: VERIFY_ROLES,
      summary: 'Judge up to 64 presentations; a fault in one is a fault of all',
      body: batchBody,
      bodyBytes: MAX_BATCH_BYTES,
      answers: { 200: { about: 'One result each, in their order', body: verificationAnswers } },
      async handle({ body, requestId }) {
        const results = await Promise.all(body.presented.map(async (one) => judged(one, requestId)))
        return { status: 200, body: { results } }
      },
    }),
  ]
}
