import { expect, test } from 'vitest'
import { MINUTE } from '../support/harness.ts'
import { abroad, atHome } from '../support/people.ts'
import { ADA, type Prover, prover } from '../support/prover.ts'

/**
 * A thief with the password begins as many sessions as he likes, and guesses in each. The ends of
 * his guesses.
 */
async function guesses(p: Prover, howMany: number, ip: string): Promise<readonly string[]> {
  const ends: string[] = []
  while (ends.length < howMany) {
    const by = { token: await p.login(), request: abroad({ ip }) }
    const begun = await p.begin(by.token, by.request)
    for (let i = 0; i < 5 && ends.length < howMany; i++) {
      const answer = { factor: 'totp', value: (await p.code()) === '000000' ? '000001' : '000000' }
      ends.push(p.outcome(await p.answer(begun, by, answer)))
    }
  }
  return ends
}

test('after ten wrong codes from one network in five minutes none is looked at', async () => {
  const p = await prover()

  const ends = await guesses(p, 12, '203.0.113.66')
  const next = { token: await p.login(), request: abroad({ ip: '203.0.113.200' }) }
  const begun = await p.begin(next.token, next.request)
  const right = await p.answer(begun, next, { factor: 'totp', value: await p.code() })
  const passkey = p.key.get(await p.optionsFor(begun))

  expect(ends).toEqual([...Array(10).fill('wrong'), 'too_many', 'too_many'])
  expect(p.outcome(right)).toBe('too_many')
  expect(p.outcome(await p.answer(begun, next, { factor: 'passkey', value: passkey }))).toBe('ok')
})

test('who guesses from everywhere stops at a hundred, and never locks the owner out', async () => {
  const p = await prover()
  const home = { token: await p.login(), request: atHome() }
  const first = await p.begin(home.token, home.request)
  const known = await p.answer(first, home, { factor: 'totp', value: await p.code() })
  const owner = { token: (known.ok && known.token) || '', request: atHome() }

  const ends: string[] = []
  for (let net = 0; net < 11; net++) {
    ends.push(...(await guesses(p, 10, `198.18.${net}.7`)))
    p.host.advance(MINUTE)
  }
  const asked = await p.begin(owner.token, owner.request)
  const atHer = await p.answer(asked, owner, { factor: 'totp', value: await p.code() })

  expect(p.outcome(known)).toBe('ok')
  expect(ends.filter((end) => end === 'wrong')).toHaveLength(100)
  expect(ends.slice(100)).toEqual(Array(10).fill('too_many'))
  expect(p.outcome(atHer)).toBe('ok')
})

test('on the road, while somebody guesses, a passkey and a recovery code still pass', async () => {
  const p = await prover()
  for (let net = 0; net < 10; net++) await guesses(p, 10, `198.18.${net}.7`)
  const trip = { token: await p.login(), request: abroad() }
  const begun = await p.begin(trip.token, trip.request)

  const code = await p.answer(begun, trip, { factor: 'totp', value: await p.code() })
  const recovery = await p.answer(begun, trip, { factor: 'recovery', value: p.codes[0] ?? '' })

  expect([p.outcome(code), p.outcome(recovery)]).toEqual(['too_many', 'ok'])
})

test('wrong codes sent at once are counted one by one', async () => {
  const p = await prover()
  const by = { token: await p.login(), request: abroad() }
  const begun = await p.begin(by.token, by.request)
  const value = (await p.code()) === '000000' ? '000001' : '000000'

  const ends = await Promise.all(
    Array.from({ length: 14 }, () => p.answer(begun, by, { factor: 'totp', value })),
  )

  const outcomes = ends.map((end) => p.outcome(end))
  expect(outcomes.filter((end) => end === 'wrong')).toHaveLength(10)
  expect(outcomes.filter((end) => end === 'too_many')).toHaveLength(4)
})

test('whatever is typed for a code counts as an attempt, and no text is a fault', async () => {
  const p = await prover()
  const by = { token: await p.login(), request: abroad() }
  const begun = await p.begin(by.token, by.request)
  const wide = (text: string): string =>
    text.replaceAll(/[!-~]/g, (one) => String.fromCharCode(one.charCodeAt(0) + 0xfee0))

  const wrong: string[] = []
  for (const value of ['12345é', '😀😀😀']) {
    wrong.push(p.outcome(await p.answer(begun, by, { factor: 'totp', value })))
    wrong.push(p.outcome(await p.answer(begun, by, { factor: 'recovery', value })))
  }
  const [session] = (await p.sessions.list(ADA)).items
  const failures = session?.contexts.map((context) => context.failures)
  const right = await p.answer(begun, by, { factor: 'totp', value: wide(await p.code()) })
  const home = { token: (right.ok && right.token) || '', request: atHome() }
  const next = await p.begin(home.token, home.request)
  const recovery = { factor: 'recovery', value: wide(p.codes[0] ?? '') }

  expect(wrong).toEqual(Array(4).fill('wrong'))
  expect(failures).toContain(4)
  expect(p.outcome(right)).toBe('ok')
  expect(p.outcome(await p.answer(next, home, recovery))).toBe('ok')
})
