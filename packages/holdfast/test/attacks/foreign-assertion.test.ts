import { expect, test } from 'vitest'
import { authenticator } from '../support/authenticator.ts'
import { abroad, atHome } from '../support/people.ts'
import { prover } from '../support/prover.ts'

test.each([
  ['another origin, as a phishing page relays it', { origin: 'https://shop-example.evil.test' }],
  ['a sibling host of the site', { origin: 'https://blog.shop.example' }],
  ['plain HTTP', { origin: 'http://shop.example' }],
  ['another relying party', { rpId: 'evil.test' }],
  ['a frame of another site', { crossOrigin: true }],
  ['an authenticator that did not verify its user', { userVerified: false }],
  ['another challenge', { challenge: 'c29tZXRoaW5nIGVsc2U' }],
  ['a passkey of somebody else', { userHandle: 'c29tZWJvZHkgZWxzZQ' }],
  ['a passkey that nobody knows', { id: 'dW5rbm93bg' }],
])('an assertion from %s proves nothing, and is reported', async (_from, wrong) => {
  const p = await prover()
  const by = { token: await p.login(), request: abroad() }
  const begun = await p.begin(by.token, by.request)

  const value = p.key.get(await p.optionsFor(begun), wrong)
  const answer = await p.answer(begun, by, { factor: 'passkey', value })

  expect(p.outcome(answer)).toBe('wrong')
  expect(p.events.at(-1)).toMatchObject({ type: 'step-up-failed' })
  expect(await p.show(by.token, by.request)).toMatchObject({ ok: false })
})

test('a key that was never registered cannot speak under the id of one that was', async () => {
  const p = await prover()
  const by = { token: await p.login(), request: abroad() }
  const begun = await p.begin(by.token, by.request)
  const options = await p.optionsFor(begun)
  const { id } = JSON.parse(p.key.get(options)) as { readonly id: string }

  const value = authenticator().get(options, { id, counter: 99 })

  expect(p.outcome(await p.answer(begun, by, { factor: 'passkey', value }))).toBe('wrong')
})

test('what the owner signed for one session opens no other', async () => {
  const p = await prover()
  const owner = { token: await p.login(), request: atHome() }
  const thief = { token: await p.login(), request: abroad() }
  const asked = await p.begin(owner.token, owner.request)
  const wanted = await p.begin(thief.token, thief.request)
  const value = p.key.get(await p.optionsFor(asked))

  const stolen = await p.answer(wanted, thief, { factor: 'passkey', value })
  const carried = await p.answer(asked, thief, { factor: 'passkey', value })

  expect([p.outcome(stolen), p.outcome(carried)]).toEqual(['wrong', 'challenge_invalid'])
  expect(await p.show(thief.token, thief.request)).toMatchObject({ ok: false })
})

test.each(['', '{', 'null', '[]', '{"id":1}', '{"id":"x","response":{"clientDataJSON":"e30"}}'])(
  'the bytes %j are no assertion',
  async (value) => {
    const p = await prover()
    const by = { token: await p.login(), request: abroad() }
    const begun = await p.begin(by.token, by.request)

    expect(p.outcome(await p.answer(begun, by, { factor: 'passkey', value }))).toBe('wrong')
  },
)
