import { expect, test } from 'vitest'
import { codeOf, harness, held, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { atHome, docked } from '../support/people.ts'

test('a secret that is used from a second place gets a successor once it is settled', async () => {
  const { host, login, show } = await harness(inMemory)
  let token = await login()
  host.advance(SECOND)

  const arrived = await show(token, docked())
  expect(arrived).toMatchObject({ ok: true, decision: { outcome: 'observe' } })
  expect(arrived.ok && arrived.token).toEqual(expect.any(String))
  token = held(token, arrived)
  host.advance(SECOND)
  const staying = await show(token, docked())
  expect(staying.ok && staying.token).toBe(undefined)

  const back = await show(token, atHome())
  expect(back.ok && back.token).toBe(undefined)
  host.advance(83 * SECOND)
  const later = await show(token, atHome())
  expect(later.ok && later.token).toEqual(expect.any(String))
})

test('nothing rotates early without evidence or without a cookie', async () => {
  const { host, login, show } = await harness(inMemory)
  const token = await login()
  host.advance(SECOND)

  const home = await show(token, atHome())
  const silent = await show(token, docked(), { deliverable: false })

  expect(home).toMatchObject({ ok: true })
  expect(home.ok && home.token).toBe(undefined)
  expect(silent.ok && silent.token).toBe(undefined)
})

test('a thief who passes as watched shows at the next request of the owner', async () => {
  const { host, login, show } = await harness(inMemory)
  const token = await login()
  host.advance(SECOND)
  const stolen = held(token, await show(token, docked()))
  host.advance(SECOND)
  await show(stolen, docked())
  host.advance(2 * MINUTE)

  const owner = await show(token, atHome())

  expect(codeOf(owner)).toBe('step_up_required')
  expect(owner.decision?.because.map(({ reason }) => reason)).toContain('secret_forked')
})
