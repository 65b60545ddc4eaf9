import { presented, problemDetails, refreshedAnswer, refusedRefreshAnswer } from 'holdfast/wire'
import { refreshedBody, refusedRefresh } from '../answers.ts'
import { type AnswerFacts, type Call, call } from '../call.ts'
import { checkAudience } from '../callers.ts'
import { checkGuess } from '../judges.ts'
import type { ApiParts } from '../parts.ts'

/** What refresh tokens are for, and the one place that takes them. */
export function refreshCalls({
  sessions,
  ownTokens,
  cookies,
  metrics,
  guesses,
}: ApiParts): readonly Call[] {
  return [
    call({
      id: 'refresh',
      method: 'post',
      path: '/v1/refresh',
      roles: ['app'],
      summary: 'Exchange a refresh token for its successor and an access token',
      body: presented,
      answers: {
        200: {
          about: 'The successor, the access token, and the refresh cookie',
          body: refreshedAnswer,
        },
        401: refusedFacts('Refused; the code says whether a step-up or a fresh login helps'),
        403: refusedFacts('Refused from this context'),
      },
      async handle({ body, caller, requestId, traced }) {
        checkAudience(caller, body.audience ?? ownTokens.defaultAudience)
        const result = await sessions.refresh({ ...traced, ...body })
        metrics.refreshed(result)
        if (result.ok) return { status: 200, body: refreshedBody(cookies, result) }
        checkGuess(guesses, { code: result.code, ip: body.request.ip, caller: caller.name })
        return refusedRefresh(cookies, result, { request: body.request, requestId })
      },
    }),
  ]
}

/** Refused as a client, or as a caller. */
function refusedFacts(about: string): AnswerFacts {
  return { about, refused: [refusedRefreshAnswer, problemDetails] }
}
