import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import type { Verification } from '../../src/core/sessions.ts'
import { accessTokens, newSigningKeys } from '../../src/tokens/index.ts'
import { type Harness, harness, held, inMemory, MINUTE } from '../support/harness.ts'
import { abroad, atHome, onTheTrain } from '../support/people.ts'

function issuing(): Promise<Harness> {
  const tokens = accessTokens({
    keys: newSigningKeys(),
    issuer: 'https://auth.example',
    audiences: { orders: {}, billing: {} },
  })
  return harness(inMemory, { tokens })
}

function claimsOf(answer: Verification): Record<string, unknown> {
  if (!answer.ok || answer.accessToken === undefined) throw new Error('there is no access token')
  return decodeJwt(answer.accessToken)
}

test('who is let through gets an access token for the wanted audience', async () => {
  const { login, show, host } = await issuing()
  const token = await login({ acr: 'urn:mfa' })

  const first = await show(token, atHome(), { audience: 'orders' })
  const quiet = await show(token, atHome(), { audience: 'orders' })
  const other = await show(token, atHome(), { audience: 'billing' })

  expect(claimsOf(first)).toMatchObject({
    sub: 'ada',
    aud: 'orders',
    acr: 'urn:mfa',
    amr: ['pwd', 'otp'],
    auth_time: Math.floor(host.now() / 1_000),
    gen: 0,
  })
  expect(first.ok && claimsOf(first).sid).toBe(first.ok && first.session.id)
  expect(quiet).toMatchObject({ accessToken: first.ok && first.accessToken, expiresIn: 90 })
  expect(claimsOf(other).aud).toBe('billing')
})

test('nobody gets an access token unasked, or for an unknown audience', async () => {
  const { login, show } = await issuing()
  const token = await login()

  expect(await show(token)).not.toHaveProperty('accessToken')
  await expect(show(token, atHome(), { audience: 'stock' })).rejects.toMatchObject({
    code: 'invalid_input',
    message: expect.stringMatching(/^audience /),
  })
})

test('an unknown audience is refused before a secret is rotated', async () => {
  const { login, show, host, events } = await issuing()
  const token = await login()
  host.advance(6 * MINUTE)

  await expect(show(token, atHome(), { audience: 'stock' })).rejects.toThrow()

  expect(events.map(({ type }) => type)).not.toContain('secret-rotated')
})

test('without an issuer every audience is unknown', async () => {
  const { login, show } = await harness(inMemory)
  const token = await login()

  await expect(show(token, atHome(), { audience: 'orders' })).rejects.toMatchObject({
    code: 'invalid_input',
  })
})

test('a rotated secret and an access token come with one answer', async () => {
  const { login, show, host } = await issuing()
  const token = await login()
  host.advance(6 * MINUTE)

  const answer = await show(token, atHome(), { audience: 'orders' })

  expect(held(token, answer)).not.toBe(token)
  expect(claimsOf(answer).aud).toBe('orders')
})

test('whoever is challenged gets no access token', async () => {
  const { login, show } = await issuing()
  const token = await login()

  const answer = await show(token, abroad(), { audience: 'orders' })

  expect(answer).toMatchObject({ ok: false, code: 'step_up_required' })
  expect(answer).not.toHaveProperty('accessToken')
})

test('whoever may only read gets no access token', async () => {
  const tokens = accessTokens({
    keys: newSigningKeys(),
    issuer: 'https://auth.example',
    audiences: { orders: {} },
  })
  const limiting = () => ({ outcome: 'limit', score: 0, because: [] }) as const
  const { login, show } = await harness(inMemory, { tokens, policy: limiting })
  const token = await login()

  const answer = await show(token, atHome(), { audience: 'orders' })

  expect(answer).toMatchObject({ ok: true, decision: { outcome: 'limit' } })
  expect(answer).not.toHaveProperty('accessToken')
})

test('a proof counts where it was given: elsewhere an access token tells none', async () => {
  const { login, show } = await issuing()
  const token = await login({ acr: 'urn:mfa' })

  const elsewhere = await show(token, onTheTrain(), { audience: 'orders' })
  const home = await show(held(token, elsewhere), atHome(), { audience: 'orders' })

  expect(elsewhere).toMatchObject({ ok: true })
  for (const name of ['acr', 'amr', 'auth_time']) {
    expect(claimsOf(elsewhere)).not.toHaveProperty(name)
    expect(claimsOf(home)).toHaveProperty(name)
  }
})
