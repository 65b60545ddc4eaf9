import { expect, test } from 'vitest'
import { MINUTE } from '../support/harness.ts'
import { abroad, atHome } from '../support/people.ts'
import { prover } from '../support/prover.ts'

test('a code that the owner has used opens nothing for who looked over her shoulder', async () => {
  const p = await prover()
  const owner = { token: await p.login(), request: atHome() }
  const thief = { token: await p.login(), request: abroad() }
  const answer = { factor: 'totp', value: await p.code() }
  const asked = await p.begin(owner.token, owner.request)
  const wanted = await p.begin(thief.token, thief.request)

  expect(p.outcome(await p.answer(asked, owner, answer))).toBe('ok')
  expect(p.outcome(await p.answer(wanted, thief, answer))).toBe('wrong')
})

test('a right code that an outage kept from counting is not reported when it recurs', async () => {
  const p = await prover()
  const token = await p.login()
  const owner = { token, request: atHome() }
  const answer = { factor: 'totp', value: await p.code() }
  const failed: string[] = []
  const prove = async (complete: () => Promise<never>) =>
    p.factors.prove(await p.begin(token, owner.request), answer, {
      request: owner.request,
      async failed(challenge) {
        failed.push(challenge)
      },
      complete,
    })

  await expect(prove(() => Promise.reject(new Error('the store is away')))).rejects.toThrow()
  const again = await prove(() => Promise.reject(new Error('not to be asked')))

  expect(again).toEqual({ ok: false, unproved: 'wrong' })
  expect(failed).toEqual([])
})

test('a used code that comes from elsewhere is reported as wrong', async () => {
  const p = await prover()
  const owner = { token: await p.login(), request: atHome() }
  const thief = { token: await p.login(), request: abroad() }
  const answer = { factor: 'totp', value: await p.code() }
  await p.answer(await p.begin(owner.token, owner.request), owner, answer)
  const failed: string[] = []

  const outcome = await p.factors.prove(await p.begin(thief.token, thief.request), answer, {
    request: thief.request,
    async failed(challenge) {
      failed.push(challenge)
    },
    complete: () => Promise.reject(new Error('not to be asked')),
  })

  expect(outcome).toEqual({ ok: false, unproved: 'wrong' })
  expect(failed).toHaveLength(1)
})

test('one code shown twice at once counts once', async () => {
  const p = await prover()
  const one = { token: await p.login(), request: atHome() }
  const two = { token: await p.login(), request: abroad() }
  const answer = { factor: 'totp', value: await p.code() }
  const begun = [
    [await p.begin(one.token, one.request), one] as const,
    [await p.begin(two.token, two.request), two] as const,
  ]

  const answers = await Promise.all(begun.map(([to, by]) => p.answer(to, by, answer)))

  expect(answers.map((given) => p.outcome(given)).sort()).toEqual(['ok', 'wrong'])
})

test('the code before one that was accepted is as used as that one', async () => {
  const p = await prover()
  const earlier = await p.code()
  p.host.advance(30_000)
  const owner = { token: await p.login(), request: atHome() }
  const asked = await p.begin(owner.token, owner.request)
  const passed = await p.answer(asked, owner, { factor: 'totp', value: await p.code() })
  const thief = { token: await p.login(), request: abroad() }
  const wanted = await p.begin(thief.token, thief.request)

  expect(p.outcome(passed)).toBe('ok')
  expect(p.outcome(await p.answer(wanted, thief, { factor: 'totp', value: earlier }))).toBe('wrong')
})

test('a recovery code works once, even in two places, and not after new ones', async () => {
  const p = await prover()
  const one = { token: await p.login(), request: atHome() }
  const two = { token: await p.login(), request: abroad() }
  const answer = { factor: 'recovery', value: p.codes[0] ?? '' }
  const begun = [
    [await p.begin(one.token, one.request), one] as const,
    [await p.begin(two.token, two.request), two] as const,
  ]

  const answers = await Promise.all(begun.map(([to, by]) => p.answer(to, by, answer)))
  p.host.advance(MINUTE)
  await p.factors.newRecoveryCodes({ subject: 'ada', tenant: 'default' })
  const three = { token: await p.login(), request: atHome() }
  const asked = await p.begin(three.token, three.request)
  const old = await p.answer(asked, three, { factor: 'recovery', value: p.codes[1] ?? '' })

  expect(answers.map((given) => p.outcome(given)).sort()).toEqual(['ok', 'wrong'])
  expect(p.outcome(old)).toBe('wrong')
})

test('a recovery code of one subject is none of another', async () => {
  const p = await prover()
  const mallory = { subject: 'mallory', tenant: 'default' }
  await p.factors.newRecoveryCodes(mallory)
  const by = { token: await p.login({ subject: 'mallory' }), request: atHome() }
  const begun = await p.begin(by.token, by.request)

  const answer = await p.answer(begun, by, { factor: 'recovery', value: p.codes[0] ?? '' })

  expect(p.outcome(answer)).toBe('wrong')
})
