import { expect, test } from 'vitest'
import { codeOf, HOUR, harness, held, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { abroad, atHome, lookup, onTheTrain } from '../support/people.ts'

const ONE_PROVIDER = lookup('192.0.2.10')
const travelling = {
  lookup: (address: string) => (address.startsWith('198.') ? ONE_PROVIDER : lookup(address)),
}
const hotel = (night: number): ReturnType<typeof atHome> => atHome({ ip: `198.18.${night}.7` })

test('a thief’s many disguises neither drive out the owner nor keep her from moving', async () => {
  const { host, login, show } = await harness(inMemory)
  const token = await login()
  expect(codeOf(await show(token, onTheTrain()))).toBe('ok')

  for (let i = 0; i < 40; i++) await show(token, abroad({ ip: `203.${i}.113.66` }))

  expect(codeOf(await show(token, onTheTrain()))).toBe('ok')
  host.advance(110 * MINUTE)
  expect(codeOf(await show(token, atHome({ ip: '198.51.101.7' })))).toBe('ok')
})

test('a traveller who proved each of twenty places is not turned away from the next', async () => {
  const { sessions, host, login, show, stepUp } = await harness(inMemory, travelling)
  let token = await login({ class: 'remember' })
  for (let night = 0; night < 20; night++) {
    host.advance(24 * HOUR)
    token = held(token, await show(token, hotel(night)))
    token = held(token, await stepUp(token, hotel(night)))
  }

  expect(codeOf(await show(token, hotel(20)))).toBe('ok')
  const [session] = (await sessions.list({ subject: 'ada' })).items
  expect(session?.contexts).toHaveLength(16)
})

test('a step-up from a place that others drove out does not make the record grow', async () => {
  const { sessions, host, login, show } = await harness(inMemory, travelling)
  let token = await login()
  const request = onTheTrain()
  const begun = await sessions.beginStepUp({ token, request })
  if (!begun.ok) throw new Error(begun.code)
  for (let i = 0; i < 20; i++) {
    host.advance(SECOND)
    await show(token, hotel(i))
  }

  const { challenge } = begun
  token = held(token, await sessions.completeStepUp({ challenge, token, request, subject: 'ada' }))

  const [session] = (await sessions.list({ subject: 'ada' })).items
  expect(session?.contexts).toHaveLength(16)
  expect(codeOf(await show(token, request))).toBe('ok')
})
