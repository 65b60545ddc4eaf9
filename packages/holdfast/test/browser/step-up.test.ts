import { expect, test } from 'vitest'
import { answerResponse } from '../../src/adapters/fetch-http.ts'
import { problemRefusal } from '../../src/adapters/guard/refusals.ts'
import { withStepUp } from '../../src/browser/index.ts'
import type { Code } from '../../src/core/errors.ts'
import { pageOf } from './page.ts'

/** A server that answers in turn; the last answer stays. */
function serverOf(...answers: readonly (() => Response)[]) {
  const asked: { readonly method: string; readonly url: string; readonly body: string }[] = []
  return {
    asked,
    async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
      const request = new Request(input, init)
      asked.push({ method: request.method, url: request.url, body: await request.text() })
      const answer = answers[Math.min(asked.length, answers.length) - 1]
      return answer?.() ?? Response.json({ ok: true })
    },
  }
}

function refused(code: Code, acr?: string): () => Response {
  const requirements = acr === undefined ? undefined : { acr }
  return () => answerResponse(problemRefusal({ code, requirements }))
}

const passed = (): Response => Response.json({ ok: true })

test('an answer that is no challenge comes back as it is', async () => {
  const server = serverOf(refused('session_expired'))
  const { page, written, visited } = pageOf()

  const answer = await withStepUp({ fetch: server.fetch, page })('/orders')

  expect(await answer.json()).toMatchObject({ code: 'session_expired' })
  expect(server.asked).toHaveLength(1)
  expect([...written, ...visited]).toEqual([])
})

test('a challenge first re-reads the facts and asks once more, with the same body', async () => {
  const server = serverOf(refused('step_up_required'), passed)
  const { page, written, visited } = pageOf()
  const send = withStepUp({ fetch: server.fetch, page })

  const answer = await send('/orders', { method: 'POST', body: 'two hats' })

  expect(await answer.json()).toEqual({ ok: true })
  expect(server.asked).toEqual([
    { method: 'POST', url: 'https://shop.example/orders', body: 'two hats' },
    { method: 'POST', url: 'https://shop.example/orders', body: 'two hats' },
  ])
  expect(written).toHaveLength(1)
  expect(visited).toEqual([])
})

test('a second challenge sends the person to the step-up page, and back after it', async () => {
  const server = serverOf(refused('step_up_required', 'aal2'))
  const { page, visited } = pageOf()

  const answer = await withStepUp({ fetch: server.fetch, page })('/orders')

  expect(answer.status).toBe(401)
  expect(await answer.json()).toMatchObject({ code: 'step_up_required' })
  expect(server.asked).toHaveLength(2)
  expect(visited).toEqual(['/step-up?return=%2Fcart%3Fcoupon%3D1&acr=aal2'])
})

test('the step-up page is told all that the route asked for', async () => {
  const requirements = { maxAgeMs: 300_000, sensitivity: 'sensitive' } as const
  const challenge = problemRefusal({ code: 'step_up_required', requirements })
  const server = serverOf(() => answerResponse(challenge))
  const { page, visited } = pageOf()

  await withStepUp({ fetch: server.fetch, page })('/orders')

  expect(visited).toEqual([
    '/step-up?return=%2Fcart%3Fcoupon%3D1&max_age=300&sensitivity=sensitive',
  ])
})

test('another origin is asked once and believed in nothing', async () => {
  const server = serverOf(refused('step_up_required'))
  const { page, written, visited } = pageOf()

  await withStepUp({ fetch: server.fetch, page })('https://evil.example/orders')

  expect(server.asked).toHaveLength(1)
  expect([...written, ...visited]).toEqual([])
})

test('a 401 whose body was cut off is no challenge', async () => {
  const headers = { 'content-type': 'application/problem+json' }
  const server = serverOf(() => new Response('{"code":"step_up_', { status: 401, headers }))
  const { page, visited } = pageOf()

  const answer = await withStepUp({ fetch: server.fetch, page })('/orders')

  expect(answer.status).toBe(401)
  expect(visited).toEqual([])
})
