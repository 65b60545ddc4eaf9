import { expect, test } from 'vitest'
import { MINUTE } from '../support/harness.ts'
import { abroad, atHome } from '../support/people.ts'
import { ADA, prover } from '../support/prover.ts'

test('an assertion counts once, also of an authenticator that does not count', async () => {
  const p = await prover()
  const by = { token: await p.login(), request: abroad() }
  const begun = await p.begin(by.token, by.request)
  const value = p.key.get(await p.optionsFor(begun), { counter: 0 })
  const answer = { factor: 'passkey', value }

  expect(p.outcome(await p.answer(begun, by, answer))).toBe('ok')
  expect(p.outcome(await p.answer(begun, by, answer))).toBe('over')
})

test('the same assertion sent many times at once counts once', async () => {
  const p = await prover()
  const by = { token: await p.login(), request: abroad() }
  const begun = await p.begin(by.token, by.request)
  const value = p.key.get(await p.optionsFor(begun), { counter: 0 })

  const answers = await Promise.all(
    Array.from({ length: 8 }, () => p.answer(begun, by, { factor: 'passkey', value })),
  )

  const outcomes = answers.map((answer) => p.outcome(answer)).sort()
  expect(outcomes).toEqual(['ok', ...Array(7).fill('over')])
})

test('an old assertion does not answer a new challenge', async () => {
  const p = await prover()
  const by = { token: await p.login(), request: atHome() }
  const first = await p.begin(by.token, by.request)
  const value = p.key.get(await p.optionsFor(first))
  const passed = await p.answer(first, by, { factor: 'passkey', value })
  const later = { token: (passed.ok && passed.token) || '', request: atHome() }
  const second = await p.begin(later.token, later.request)

  expect(p.outcome(await p.answer(second, later, { factor: 'passkey', value }))).toBe('wrong')
})

test('an answer that comes after the challenge has run out is too late', async () => {
  const p = await prover()
  const by = { token: await p.login(), request: abroad() }
  const begun = await p.begin(by.token, by.request)
  const value = p.key.get(await p.optionsFor(begun))
  p.host.advance(5 * MINUTE)

  expect(p.outcome(await p.answer(begun, by, { factor: 'passkey', value }))).toBe('over')
  expect(p.outcome(await p.answer(begun, by, { factor: 'totp', value: await p.code() }))).toBe(
    'over',
  )
})

test('a counter that goes back shows a copy, and neither is believed again', async () => {
  const p = await prover()
  const copy = p.key.copy()
  let token = await p.login()
  for (let i = 0; i < 2; i++) {
    const by = { token, request: atHome() }
    const begun = await p.begin(token, by.request)
    const value = p.key.get(await p.optionsFor(begun))
    const passed = await p.answer(begun, by, { factor: 'passkey', value })
    token = (passed.ok && passed.token) || ''
  }
  const thief = { token: await p.login(), request: abroad() }
  const begun = await p.begin(thief.token, thief.request)
  const options = await p.optionsFor(begun)

  const copied = await p.answer(begun, thief, { factor: 'passkey', value: copy.get(options) })
  const genuine = await p.answer(begun, thief, { factor: 'passkey', value: p.key.get(options) })

  expect([p.outcome(copied), p.outcome(genuine)]).toEqual(['wrong', 'wrong'])
  expect(await p.factors.show(ADA)).toMatchObject({ passkeys: [{ cloned: true }] })
  expect((await p.factors.offer(begun)).factors).toEqual(['totp', 'recovery'])
})
