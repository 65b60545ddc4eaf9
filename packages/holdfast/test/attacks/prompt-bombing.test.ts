import { expect, test } from 'vitest'
import { eventLog } from '../../src/maintenance/event-log.ts'
import { strict } from '../../src/policies/index.ts'
import { codeOf, harness, held, inMemory, MINUTE } from '../support/harness.ts'
import { atHome, clone, onTheTrain } from '../support/people.ts'

test('a place that raises no alarm may prompt the owner three times an hour', async () => {
  const { sessions, host, login, show } = await harness(inMemory)
  const token = await login()
  const request = onTheTrain()
  expect(codeOf(await show(token, request))).toBe('ok')

  const begun = []
  for (let i = 0; i < 5; i++) begun.push(await sessions.beginStepUp({ token, request }))

  expect(begun.map((one) => (one.ok ? 'ok' : one.code))).toEqual([
    'ok',
    'ok',
    'ok',
    'context_refused',
    'context_refused',
  ])
  expect(begun.at(-1)?.decision).toMatchObject({
    outcome: 'deny',
    because: expect.arrayContaining([expect.objectContaining({ reason: 'prompts_exhausted' })]),
  })
  expect(codeOf(await show(token, request))).toBe('ok')
  host.advance(61 * MINUTE)
  expect((await sessions.beginStepUp({ token, request })).ok).toBe(true)
})

test('prompts after a fork make neither the record nor the log grow without end', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  h.host.advance(6 * MINUTE)
  await h.show(held(token, await h.show(token)))
  h.host.advance(2 * MINUTE)
  await h.show(token, clone())

  for (let i = 0; i < 50; i++) {
    expect((await h.sessions.beginStepUp({ token, request: clone() })).ok).toBe(true)
  }

  const { items } = await eventLog(h).read(undefined, 1_000)
  expect(items.filter(({ reason }) => reason === 'step_up_begun')).toHaveLength(3)
})

test('a step-up that proves two holders ends the session where a fork does', async () => {
  const h = await harness(inMemory, { policy: strict() })
  const token = await h.login()
  h.host.advance(6 * MINUTE)
  const successor = held(token, await h.show(token))
  await h.show(successor)
  h.host.advance(2 * MINUTE)

  expect(await h.sessions.beginStepUp({ token, request: clone() })).toMatchObject({
    ok: false,
    code: 'session_revoked',
  })

  expect(codeOf(await h.show(successor))).toBe('session_unknown')
  expect(h.events.at(-2)).toMatchObject({ type: 'session-revoked', reason: 'secret_forked' })
})

test('prompts that a thief used up do not bind the owner after a step-up', async () => {
  const { sessions, login, stepUp } = await harness(inMemory)
  let token = await login()
  for (let i = 0; i < 3; i++) await sessions.beginStepUp({ token, request: onTheTrain() })
  expect((await sessions.beginStepUp({ token, request: onTheTrain() })).ok).toBe(false)

  token = held(token, await stepUp(token, atHome()))

  expect((await sessions.beginStepUp({ token, request: onTheTrain() })).ok).toBe(true)
})
