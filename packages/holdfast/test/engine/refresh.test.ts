import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { sealingCodec } from '../../src/codecs/codec.ts'
import { eventLog } from '../../src/maintenance/event-log.ts'
import { accessTokens, newSigningKeys } from '../../src/tokens/index.ts'
import {
  codeOf,
  HOUR,
  harness,
  held,
  heldRefresh,
  inMemory,
  MINUTE,
  type OpenStore,
  SECOND,
} from '../support/harness.ts'
import { abroad, atHome, onTheTrain } from '../support/people.ts'

/** A store that counts what it is asked. */
function counted(): { readonly open: OpenStore; readonly counts: Record<string, number> } {
  const counts: Record<string, number> = {}

  function counting<Given extends unknown[], Answer>(
    name: string,
    ask: (...given: Given) => Answer,
  ): (...given: Given) => Answer {
    return (...given) => {
      counts[name] = (counts[name] ?? 0) + 1
      return ask(...given)
    }
  }

  const open: OpenStore = async (now) => {
    const store = await inMemory(now)
    const { entries, subjects, feed } = store
    return {
      ...store,
      feed: { ...feed, append: counting('append', feed.append) },
      subjects: { ...subjects, read: counting('history', subjects.read) },
      entries: {
        ...entries,
        read: counting('read', entries.read),
        write: counting('write', entries.write),
        touch: counting('touch', entries.touch),
      },
    }
  }
  return { open, counts }
}

test('a refresh token comes with a login that asks for one, and with no other', async () => {
  const h = await harness(inMemory)

  const asked = await h.sessions.create({ subject: 'ada', request: atHome(), refresh: true })
  const other = await h.sessions.create({ subject: 'ada', request: atHome() })

  expect(asked).toMatchObject({ ok: true, refreshToken: expect.stringMatching(/^hf1\./) })
  expect(other).not.toHaveProperty('refreshToken')
  const wrong = { subject: 'ada', request: atHome(), refresh: 'yes' as unknown as boolean }
  await expect(h.sessions.create(wrong)).rejects.toMatchObject({
    code: 'invalid_input',
    message: expect.stringMatching(/^refresh /),
  })
})

test('where nothing is new a refresh takes one read and one write a generation', async () => {
  const { open, counts } = counted()
  const h = await harness(open)
  let { refreshToken } = await h.loginForRefresh()
  for (const name of Object.keys(counts)) delete counts[name]

  for (let i = 0; i < 100; i++) {
    h.host.advance(90 * SECOND)
    const answer = await h.renew(refreshToken)
    expect(answer).toMatchObject({ ok: true, status: 'rotated', decision: { outcome: 'allow' } })
    refreshToken = heldRefresh('', answer)
  }

  // The first secret had none before it to make way for, and nobody showed the last one.
  expect(counts).toEqual({ read: 100, write: 99 })
})

test('a refresh keeps an idle session alive, but not beyond its absolute deadline', async () => {
  const h = await harness(inMemory)
  let { refreshToken } = await h.loginForRefresh()
  const until = h.host.now() + 24 * HOUR

  while (h.host.now() + HOUR < until) {
    h.host.advance(HOUR)
    const answer = await h.renew(refreshToken)
    expect(answer.ok && answer.session.expiresAt).toBe(until)
    refreshToken = heldRefresh(refreshToken, answer)
  }
  h.host.advance(HOUR)

  expect(codeOf(await h.renew(refreshToken))).toBe('session_expired')
})

test('it ends with the session: by idleness, by revocation, by logout everywhere', async () => {
  const h = await harness(inMemory)
  const idle = await h.loginForRefresh()
  h.host.advance(2 * HOUR)
  expect(codeOf(await h.renew(idle.refreshToken))).toBe('session_expired')

  const revoked = await h.loginForRefresh()
  await h.sessions.revoke(revoked.token.split('.')[1] ?? '', { reason: 'admin' })
  expect(codeOf(await h.renew(revoked.refreshToken))).toBe('session_unknown')

  const everywhere = await h.loginForRefresh()
  await h.sessions.revokeSubject({ subject: 'ada' }, { reason: 'user' })
  expect(codeOf(await h.renew(everywhere.refreshToken))).toBe('session_unknown')
})

test('logging out by either token ends both; by one of a dead family, neither', async () => {
  const h = await harness(inMemory)
  const one = await h.loginForRefresh()
  await h.sessions.logout(one.token)
  expect(codeOf(await h.renew(one.refreshToken))).toBe('session_unknown')

  const two = await h.loginForRefresh()
  h.host.advance(MINUTE)
  await h.renew(two.refreshToken)
  await h.sessions.logout(two.refreshToken)
  expect(codeOf(await h.show(two.token))).toBe('session_unknown')

  const three = await h.loginForRefresh()
  const token = held(three.token, await h.stepUp(three.token, atHome()))
  await h.sessions.logout(three.refreshToken)
  expect(codeOf(await h.show(token))).toBe('ok')
})

describe('after a step-up', () => {
  test('there is a new refresh token, and the older ones are dead', async () => {
    const h = await harness(inMemory)
    const { token, refreshToken } = await h.loginForRefresh()
    h.host.advance(MINUTE)
    const second = heldRefresh(refreshToken, await h.renew(refreshToken))

    const renewed = heldRefresh('', await h.stepUp(token, atHome()))

    expect(codeOf(await h.renew(refreshToken))).toBe('token_superseded')
    expect(codeOf(await h.renew(second, abroad()))).toBe('token_superseded')
    expect(codeOf(await h.renew(renewed))).toBe('ok')
    expect(h.events.filter(({ reason }) => reason === 'token_superseded')).toHaveLength(1)
  })

  test('its answer, asked for again, has a refresh token of its own', async () => {
    const h = await harness(inMemory)
    const { token } = await h.loginForRefresh()
    const request = atHome()
    const begun = await h.sessions.beginStepUp({ token, request })
    if (!begun.ok) throw new Error(begun.code)
    const proof = { challenge: begun.challenge, token, request, subject: 'ada', amr: ['otp'] }

    const lost = await h.sessions.completeStepUp(proof)
    h.host.advance(59 * SECOND)
    const again = await h.sessions.completeStepUp(proof)

    expect(lost).toMatchObject({ ok: true, refreshToken: expect.any(String) })
    expect(again).toMatchObject({ ok: true, refreshToken: expect.any(String) })
    expect(heldRefresh('', again)).not.toBe(heldRefresh('', lost))
    expect(codeOf(await h.renew(heldRefresh('', again)))).toBe('ok')
    h.host.advance(2 * SECOND)
    expect(codeOf(await h.sessions.completeStepUp(proof))).toBe('challenge_invalid')
  })

  test('a session without refresh tokens gets none', async () => {
    const h = await harness(inMemory)
    const passed = await h.stepUp(await h.login(), atHome())

    expect(passed).toMatchObject({ ok: true })
    expect(passed).not.toHaveProperty('refreshToken')
  })
})

describe('the context at refresh', () => {
  test('who may only read may not refresh, and whoever is challenged gets nothing', async () => {
    const h = await harness(inMemory, {
      policy: (because) => ({ outcome: 'limit', score: 0, because }),
    })
    const { refreshToken } = await h.loginForRefresh()

    const answer = await h.sessions.refresh({ token: refreshToken, request: onTheTrain() })

    expect(answer).toMatchObject({ ok: false, code: 'session_limited' })
  })

  test('requirements count here too, and refusing them does not use the token up', async () => {
    const h = await harness(inMemory)
    const { refreshToken } = await h.loginForRefresh()

    const refused = await h.renew(refreshToken, atHome(), { acr: 'urn:mfa' })

    expect(refused).toMatchObject({
      ok: false,
      code: 'step_up_required',
      requirements: { acr: 'urn:mfa' },
    })
    expect(await h.renew(refreshToken)).toMatchObject({ ok: true, status: 'rotated' })
  })

  test('an owner who lost the response and moved keeps the session', async () => {
    const h = await harness(inMemory)
    const { refreshToken } = await h.loginForRefresh()
    h.host.advance(MINUTE)
    await h.renew(refreshToken)

    const asked = await h.renew(refreshToken, onTheTrain(), { acr: 'urn:mfa' })

    expect(codeOf(asked)).toBe('step_up_required')
    expect(codeOf(await h.renew(refreshToken, onTheTrain()))).toBe('ok')
  })

  test('what a refresh learns of a place, requests know: a ride is judged once', async () => {
    const h = await harness(inMemory)
    const { token, refreshToken } = await h.loginForRefresh()
    h.host.advance(MINUTE)

    const moved = await h.renew(refreshToken, onTheTrain())
    await h.show(token, onTheTrain())

    expect(codeOf(moved)).toBe('ok')
    expect(h.events.filter(({ type }) => type === 'context-changed')).toHaveLength(1)
  })
})

test('an access token comes with every refresh that passes', async () => {
  const tokens = accessTokens({
    keys: newSigningKeys(),
    issuer: 'https://auth.example',
    audiences: { orders: {}, billing: {} },
  })
  const h = await harness(inMemory, { tokens })
  const { refreshToken } = await h.loginForRefresh()
  const audienceOf = (answer: object): unknown =>
    'accessToken' in answer && decodeJwt(String(answer.accessToken)).aud

  const first = await h.renew(refreshToken)
  const second = await h.renew(heldRefresh('', first), atHome(), { audience: 'billing' })
  const inFlight = await h.renew(refreshToken)

  expect(audienceOf(first)).toBe('orders')
  expect(audienceOf(second)).toBe('billing')
  expect(inFlight).toMatchObject({ status: 'in_flight', accessToken: expect.any(String) })
  expect(inFlight).not.toHaveProperty('refreshToken')
  await expect(h.renew(refreshToken, atHome(), { audience: 'stock' })).rejects.toMatchObject({
    code: 'invalid_input',
  })
})

test('the listener hears samples of what is usual, and once of a token in flight', async () => {
  const h = await harness(inMemory)
  let { refreshToken } = await h.loginForRefresh()
  const told = (reason: string): number =>
    h.events.filter((event) => event.type === 'session-refreshed' && event.reason === reason).length

  for (let i = 0; i < 20; i++) {
    h.host.advance(30 * SECOND)
    refreshToken = heldRefresh(refreshToken, await h.renew(refreshToken))
  }
  for (let i = 0; i < 20; i++) await h.renew(refreshToken)
  h.host.advance(41 * SECOND)
  const successor = heldRefresh('', await h.renew(refreshToken))
  await h.renew(successor)
  for (let i = 0; i < 20; i++) await h.renew(refreshToken)

  expect(told('rotated') + told('kept')).toBeLessThanOrEqual(6)
  expect(told('in_flight')).toBe(1)
  const { items } = await eventLog(h).read(undefined, 1_000)
  expect(items.filter(({ type }) => type === 'session-refreshed')).toEqual([])
})

test('a refresh token is kept until its predecessor can no longer be in flight', async () => {
  const h = await harness(inMemory)
  const { refreshToken } = await h.loginForRefresh()
  h.host.advance(MINUTE)
  const successor = heldRefresh('', await h.renew(refreshToken))
  h.host.advance(SECOND)

  const first = await h.renew(successor)
  h.host.advance(40 * SECOND)
  const kept = await h.renew(successor)
  h.host.advance(1)
  const rotated = await h.renew(successor)

  expect(first).toMatchObject({ ok: true, status: 'kept' })
  expect(kept).toMatchObject({ ok: true, status: 'kept' })
  expect(kept).not.toHaveProperty('refreshToken')
  expect(rotated).toMatchObject({ ok: true, status: 'rotated', refreshToken: expect.any(String) })
})

test('an answer that says it can bring no refresh token brings none', async () => {
  const h = await harness(inMemory)
  const { refreshToken } = await h.loginForRefresh()

  const answer = await h.renew(refreshToken, atHome(), { deliverable: false })

  expect(answer).toMatchObject({ ok: true, status: 'kept' })
  expect(answer).not.toHaveProperty('refreshToken')
})

test('a refresh token of a family that its session does not have is dead', async () => {
  const h = await harness(inMemory)
  const without = await h.login()
  const session = without.split('.')[1] ?? ''
  const codec = sealingCodec(h.keyring, h.host)
  const { token } = codec.mint({
    session,
    kind: 'refresh',
    family: '0000000000000001',
    generation: 1,
    mintedAt: h.host.now(),
  })

  expect(codeOf(await h.renew(token))).toBe('token_superseded')
  expect(codeOf(await h.show(without))).toBe('ok')
})
