import type { Presented } from 'holdfast'
import { verification, verifications } from '../answer-schemas.ts'
import { verificationBody } from '../answers.ts'
import { type Call, call } from '../call.ts'
import type { ApiParts } from '../parts.ts'
import { batch, presented } from '../request-schemas.ts'

/** 64 presentations of an ordinary browser are a little over 100 KiB. */
const MAX_BATCH_BYTES = 524_288

/** Is this still the rightful holder? One presentation, or up to 64 at once. */
export function verifyCalls({ sessions, cookies, metrics }: ApiParts): readonly Call[] {
  async function judged(
    one: Presented,
    requestId: string,
  ): Promise<Readonly<Record<string, unknown>>> {
    const result = await sessions.verify({ correlation: requestId, ...one })
    metrics.verified(result)
    return verificationBody(cookies, result, one.request)
  }

  return [
    call({
      id: 'verify',
      method: 'post',
      path: '/v1/verify',
      roles: ['app', 'gate'],
      summary: 'Judge one presentation of a token',
      body: presented,
      answers: { 200: { about: 'The decision with its reasons', schema: verification } },
      async handle({ body, requestId }) {
        return { status: 200, body: await judged(body, requestId) }
      },
    }),

    call({
      id: 'verifyBatch',
      method: 'post',
      path: '/v1/verify/batch',
      roles: ['app', 'gate'],
      summary: 'Judge up to 64 presentations; a fault in one is a fault of all',
      body: batch,
      bodyBytes: MAX_BATCH_BYTES,
      answers: { 200: { about: 'One result each, in their order', schema: verifications } },
      async handle({ body, requestId }) {
        const results = await Promise.all(body.presented.map((one) => judged(one, requestId)))
        return { status: 200, body: { results } }
      },
    }),
  ]
}
