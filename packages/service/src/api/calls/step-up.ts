import { presented, proof, report, stepUpBegunAnswer, verificationAnswer } from 'holdfast/wire'
import { begunBody, verificationBody } from '../answers.ts'
import { type Call, call } from '../call.ts'
import { checkGuess } from '../judges.ts'
import type { ApiParts } from '../parts.ts'

/**
 * What an application tells and asks when the subject has to prove a factor, and what else it has
 * seen.
 */
export function stepUpCalls({ sessions, cookies, metrics, guesses }: ApiParts): readonly Call[] {
  return [
    call({
      id: 'beginStepUp',
      method: 'post',
      path: '/v1/step-up/begin',
      roles: ['app'],
      summary: 'Start a step-up for the presenting context',
      body: presented,
      answers: { 200: { about: 'The challenge, or why there is none', body: stepUpBegunAnswer } },
      async handle({ body, caller, traced }) {
        const begun = await sessions.beginStepUp({ ...traced, ...body })
        if (!begun.ok) {
          checkGuess(guesses, { code: begun.code, ip: body.request.ip, caller: caller.name })
        }
        return { status: 200, body: begunBody(cookies, begun, body.request) }
      },
    }),

    call({
      id: 'completeStepUp',
      method: 'post',
      path: '/v1/step-up/complete',
      roles: ['app'],
      summary: 'Finish a step-up after the subject proved a factor',
      body: proof,
      answers: { 200: { about: 'The session with a new token', body: verificationAnswer } },
      async handle({ body, traced }) {
        const result = await sessions.completeStepUp({ ...traced, ...body })
        metrics.verified(result)
        return { status: 200, body: verificationBody(cookies, result, body.request) }
      },
    }),

    call({
      id: 'report',
      method: 'post',
      path: '/v1/reports',
      roles: ['app'],
      summary: 'Tell what happened outside of sessions, or what a subject said',
      body: report,
      answers: { 204: { about: 'It is noted, and what follows from it is done' } },
      async handle({ body, traced }) {
        await sessions.report({ ...traced, ...body })
        return { status: 204 }
      },
    }),
  ]
}
