import { revocationFeed, type Verifier, verifier } from 'holdfast/tokens'
import { expect, onTestFinished, test, vi } from 'vitest'
import { until } from '../../../holdfast/test/support/until.ts'
import { atHome, KEYS, LOGIN, type Running, running } from '../support.ts'

async function estate(): Promise<{ run: Running; access: Verifier; token: string; id: string }> {
  const run = await running({
    HOLDFAST_AUDIENCES: '{ orders: {} }',
    HOLDFAST_ISSUER: 'https://auth.example',
  })
  const authority = { url: run.service.url, key: KEYS.gate }
  const revocations = revocationFeed(authority)
  onTestFinished(() => revocations.close())
  const access = verifier({
    issuer: 'https://auth.example',
    audience: 'orders',
    authority,
    revocations,
    now: () => run.host.now(),
  })
  await revocations.ready()
  const created = await run.call('POST', '/v1/sessions', { body: { ...LOGIN, request: atHome() } })
  const { token: shown, session } = await created.json()
  const body = { token: shown, request: atHome(), audience: 'orders' }
  const { accessToken } = await (await run.call('POST', '/v1/verify', { body })).json()
  return { run, access, token: accessToken, id: session.id }
}

test('a service verifies what the authority issues with its address and a key', async () => {
  const { access, token, id } = await estate()

  for (const requirements of [{}, { strict: true, acr: 'urn:mfa', maxAge: 60_000 }]) {
    expect(await access.verify(token, requirements)).toMatchObject({
      ok: true,
      claims: { sub: 'ada', sid: id },
    })
  }
})

test('a revocation refuses the next strict verification, and closes what is open', async () => {
  const { run, access, token, id } = await estate()
  const verified = await access.verify(token, { whenBlind: 'refuse' })
  if (!verified.ok) throw new Error(verified.reason)
  const close = vi.fn()
  access.hold(verified.claims, close)

  await run.call('POST', `/v1/sessions/${id}/revoke`, { body: { reason: 'logout' } })

  expect(await access.verify(token, { strict: true })).toMatchObject({ code: 'session_revoked' })
  await until('it is closed', () => close.mock.calls.length === 1)
  expect(await access.verify(token)).toMatchObject({ ok: false, code: 'session_revoked' })
})

test('where the service is away, strict routes refuse and others go on', async () => {
  const { run, access, token } = await estate()
  expect(await access.verify(token)).toMatchObject({ ok: true })

  await run.service.close()

  expect(await access.verify(token)).toMatchObject({ ok: true })
  expect(await access.verify(token, { strict: true })).toMatchObject({
    ok: false,
    code: 'revocations_unavailable',
  })
})
