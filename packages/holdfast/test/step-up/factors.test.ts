import { expect, test } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { memoryFactors } from '../../src/step-up/memory-factors.ts'
import { stepUp } from '../../src/step-up/step-up.ts'
import { totpCode } from '../../src/step-up/totp.ts'
import { authenticator, ORIGIN, RP_ID } from '../support/authenticator.ts'
import { MINUTE } from '../support/harness.ts'
import { abroad, atHome } from '../support/people.ts'
import { ADA, prover } from '../support/prover.ts'

const PARTY = { id: RP_ID, origins: [ORIGIN] }

test('a passkey proves what no phisher can, and the session says so', async () => {
  const p = await prover()
  const by = { token: await p.login(), request: abroad() }
  const begun = await p.begin(by.token, by.request)

  const value = p.key.get(await p.optionsFor(begun))
  const answer = await p.answer(begun, by, { factor: 'passkey', value })

  expect(answer).toMatchObject({
    ok: true,
    session: { acr: 'phr', amr: ['hwk', 'user', 'phr'] },
  })
})

test('a code of the app proves a second factor, a recovery code the least', async () => {
  const p = await prover()
  const by = { token: await p.login(), request: abroad() }
  const begun = await p.begin(by.token, by.request)
  const answer = await p.answer(begun, by, { factor: 'totp', value: await p.code() })
  const again = { token: (answer.ok && answer.token) || '', request: atHome() }
  const next = await p.begin(again.token, again.request)
  const typed = (p.codes[0] ?? '').toLowerCase().replaceAll('-', ' ')

  expect(answer).toMatchObject({ ok: true, session: { acr: 'mfa' } })
  expect(await p.answer(next, again, { factor: 'recovery', value: typed })).toMatchObject({
    ok: true,
    session: { acr: 'recovery' },
  })
  expect(await p.factors.show(ADA)).toMatchObject({ recovery: 9 })
})

test('offers the strongest first, and only what the route would take', async () => {
  const p = await prover()
  const begun = await p.begin(await p.login(), abroad())

  expect((await p.factors.offer(begun)).factors).toEqual(['passkey', 'totp', 'recovery'])
  expect((await p.factors.offer(begun, { acr: 'mfa' })).factors).toEqual(['passkey', 'totp'])
  expect((await p.factors.offer(begun, { acr: 'phr' })).factors).toEqual(['passkey'])
  expect(await p.factors.offer({ ...begun, subject: 'nobody' })).toMatchObject({ factors: [] })
})

test('a passkey that was removed while its owner was asked proves nothing', async () => {
  const p = await prover()
  const by = { token: await p.login(), request: abroad() }
  const begun = await p.begin(by.token, by.request)
  const value = p.key.get(await p.optionsFor(begun))
  const [kept] = (await p.factors.show(ADA)).passkeys

  expect(await p.factors.removePasskey(ADA, kept?.id ?? '')).toBe(true)

  expect(p.outcome(await p.answer(begun, by, { factor: 'passkey', value }))).toBe('wrong')
  expect((await p.factors.offer(begun)).factors).toEqual(['totp', 'recovery'])
  expect(await p.factors.removePasskey(ADA, kept?.id ?? '')).toBe(false)
})

test('an authenticator without a counter works again and again', async () => {
  const p = await prover()
  let token = await p.login()
  for (let i = 0; i < 2; i++) {
    const by = { token, request: atHome() }
    const begun = await p.begin(token, by.request)
    const value = p.key.get(await p.optionsFor(begun), { counter: 0 })
    const answer = await p.answer(begun, by, { factor: 'passkey', value })
    expect(p.outcome(answer)).toBe('ok')
    token = (answer.ok && answer.token) || ''
  }
})

test('a factor is added only in the session that began it, and within ten minutes', async () => {
  const host = fakeHost()
  const factors = stepUp({ store: memoryFactors(), name: 'Shop', relyingParty: PARTY, host })
  const mine = { ...ADA, id: 'mine' }
  const other = { ...ADA, id: 'other' }
  const value = authenticator().create(await factors.beginPasskey(mine, 'ada'))

  expect(await factors.finishPasskey(other, { value, name: '' })).toBe(false)
  expect(await factors.finishPasskey(mine, { value, name: 'key' })).toBe(true)
  expect(await factors.finishPasskey(mine, { value, name: 'again' })).toBe(false)
  const { secret } = await factors.beginTotp(mine, 'ada')
  host.advance(10 * MINUTE)
  expect(await factors.finishTotp(mine, await totpCode(secret, host.now()))).toBe(false)
  expect(await factors.show(ADA)).toMatchObject({ passkeys: [{ name: 'key' }], totp: false })
})

test('a passkey of another site or without user verification is refused', async () => {
  const factors = stepUp({ store: memoryFactors(), name: 'Shop', relyingParty: PARTY })
  const mine = { ...ADA, id: 'mine' }
  const wrongs = [
    { origin: 'https://shop.example.evil.test' },
    { rpId: 'evil.test' },
    { userVerified: false },
    { crossOrigin: true },
    { challenge: 'AAAA' },
  ]

  for (const wrong of wrongs) {
    const value = authenticator().create(await factors.beginPasskey(mine, 'ada'), wrong)
    expect(await factors.finishPasskey(mine, { value, name: '' })).toBe(false)
  }
  const huge = 'x'.repeat(20_000)
  expect(await factors.finishPasskey(mine, { value: huge, name: '' })).toBe(false)
})

test('sites that no browser would ask for passkeys are refused when the program starts', () => {
  const store = memoryFactors()
  for (const origins of [
    [],
    ['http://shop.example'],
    ['https://evil.test'],
    ['https://shop.example/'],
  ]) {
    const make = (): unknown =>
      stepUp({ store, name: 'Shop', relyingParty: { id: RP_ID, origins } })
    expect(make).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  }
})

test('a ticket brings back what was begun, in every process that has the key', async () => {
  const host = fakeHost()
  const key = host.random(32)
  const make = (own?: Uint8Array) =>
    stepUp({ store: memoryFactors(), name: 'Shop', host, ...(own && { key: own }) })
  const begun = { ...ADA, challenge: 'hc1.x', expiresAt: host.now() + MINUTE }
  const { ticket } = await make(key).offer(begun)

  expect(ticket).not.toContain('ada')
  expect(make(key).begun(ticket)).toEqual(begun)
  expect(make(host.random(32)).begun(ticket)).toBeUndefined()
  expect(make().begun(ticket)).toBeUndefined()
  for (const forged of ['', 'AAAA', ticket.slice(0, -4), `${ticket}AAAA`, 'x'.repeat(5_000)]) {
    expect(make(key).begun(forged)).toBeUndefined()
  }
  host.advance(MINUTE)
  expect(make(key).begun(ticket)).toBeUndefined()
  expect(() => make(host.random(16))).toThrow(expect.objectContaining({ code: 'config_invalid' }))
})

test('a repeated field, which parsers make a list of, is no answer and no fault', async () => {
  const p = await prover()
  const by = { token: await p.login(), request: abroad() }
  const begun = await p.begin(by.token, by.request)
  const list = [await p.code(), await p.code()] as unknown as string

  for (const factor of ['passkey', 'totp', 'recovery', list]) {
    expect(p.outcome(await p.answer(begun, by, { factor, value: list }))).toBe('wrong')
  }
  const mine = { ...ADA, id: 'mine' }
  await p.factors.beginPasskey(mine, 'ada')
  expect(await p.factors.finishPasskey(mine, { value: list, name: list })).toBe(false)
  await p.factors.beginTotp(mine, 'ada')
  expect(await p.factors.finishTotp(mine, list)).toBe(false)
})
