import { expect, test } from 'vitest'
import { codeOf, harness, held, inMemory, MINUTE } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

test('one mistyped code weighs once, and challenges nobody at home', async () => {
  const h = await harness(inMemory)
  let token = await h.login()
  const begun = await h.sessions.beginStepUp({ token, request: atHome() })
  if (!begun.ok) throw new Error(begun.code)
  const { challenge } = begun
  await h.sessions.report({ kind: 'step_up_failed', challenge, token, request: atHome() })
  const scores: (number | undefined)[] = []

  for (let i = 0; i < 6; i++) {
    h.host.advance(6 * MINUTE)
    const answer = await h.show(token)
    token = held(token, answer)
    scores.push(answer.decision?.score)
  }

  expect(scores).toEqual([15, 15, 15, 15, 15, 15])
})

test('a second failure counts at once, also where nothing else has changed', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  const begun = await h.sessions.beginStepUp({ token, request: atHome() })
  if (!begun.ok) throw new Error(begun.code)
  const { challenge } = begun
  for (let i = 0; i < 2; i++) {
    await h.sessions.report({ kind: 'step_up_failed', challenge, token, request: atHome() })
  }

  expect(codeOf(await h.show(token, atHome(), { deliverable: false }))).toBe('step_up_required')
})
