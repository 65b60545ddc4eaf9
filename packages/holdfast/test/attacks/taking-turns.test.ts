import { expect, test } from 'vitest'
import { codeOf, harness, held, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { atHome, onTheTrain } from '../support/people.ts'

/**
 * A full copy of the owner's browser on another household's line: nothing about it is wrong but the
 * company it keeps.
 */
const thief = () => onTheTrain()

test('a thief who takes turns with the owner is stuck, and the owner is never asked', async () => {
  const { sessions, host, login, show } = await harness(inMemory)
  const token = await login()
  const deliverable = false // nothing rotates, so rotation cannot tell the two apart
  const thefts: string[] = []

  for (let i = 0; i < 20; i++) {
    host.advance(20 * SECOND)
    const answer = await show(token, thief(), { deliverable })
    thefts.push(codeOf(answer))
    host.advance(20 * SECOND)
    expect(codeOf(await show(token, atHome(), { deliverable }))).toBe('ok')
  }

  expect(thefts).toEqual(['ok', ...Array(19).fill('step_up_required')])
  const [session] = (await sessions.list({ subject: 'ada' })).items
  expect(session?.contexts.map(({ state }) => state)).toEqual(['confirmed', 'challenged'])
})

test('an owner on the way home is not disturbed by having been there before', async () => {
  const { host, login, show } = await harness(inMemory)
  let token = await login()
  const outcomes: unknown[] = []
  for (const request of [onTheTrain(), onTheTrain(), atHome(), atHome()]) {
    host.advance(2 * MINUTE)
    const answer = await show(token, request)
    token = held(token, answer)
    outcomes.push(answer.decision?.outcome)
  }

  expect(outcomes).toEqual(['allow', 'allow', 'allow', 'allow'])
})
