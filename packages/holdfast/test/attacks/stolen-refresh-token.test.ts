import { describe, expect, test } from 'vitest'
import { eventLog } from '../../src/maintenance/event-log.ts'
import { strict } from '../../src/policies/index.ts'
import { describeOnEveryStore } from '../support/every-store.ts'
import { codeOf, harness, held, heldRefresh, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { abroad, atHome, clone, onTheTrain } from '../support/people.ts'

describeOnEveryStore('a stolen refresh token', (open) => {
  test.each([
    ['at once', SECOND],
    ['before the owner comes again', MINUTE],
  ])(
    'used from elsewhere after the owner, %s: the session is dead on the second use, and an ' +
      'event says so',
    async (_, later) => {
      const h = await harness(open)
      const { token, refreshToken } = await h.loginForRefresh()
      h.host.advance(MINUTE)
      const owners = heldRefresh(refreshToken, await h.renew(refreshToken))
      await h.renew(owners)

      h.host.advance(20 * SECOND + later)
      const stolen = await h.renew(refreshToken, abroad())

      expect(stolen).toMatchObject({
        ok: false,
        code: 'session_revoked',
        decision: { outcome: 'revoke' },
      })
      const last = { type: 'session-revoked', reason: 'refresh_reused', actor: 'engine' }
      expect(h.events.at(-1)).toMatchObject(last)
      const reused = h.events.filter(({ type }) => type === 'token-reused')
      expect(reused).toMatchObject([{ reason: 'refresh_reused', network: { country: 'NL' } }])
      expect(codeOf(await h.renew(owners))).toBe('session_unknown')
      expect(codeOf(await h.show(token))).toBe('session_unknown')
    },
  )

  test('used from elsewhere after the owner has gone on: the session is dead', async () => {
    const h = await harness(open)
    const { refreshToken } = await h.loginForRefresh()
    let owners = refreshToken
    for (let i = 0; i < 3; i++) {
      h.host.advance(MINUTE)
      owners = heldRefresh(owners, await h.renew(owners))
    }

    expect(codeOf(await h.renew(refreshToken, abroad()))).toBe('session_revoked')
    expect(codeOf(await h.renew(owners))).toBe('session_unknown')
  })

  test('the thief first: is asked for a factor, and takes nothing from the owner', async () => {
    const h = await harness(open)
    const { refreshToken } = await h.loginForRefresh()
    h.host.advance(MINUTE)

    const thief = await h.renew(refreshToken, abroad())
    const owner = await h.renew(refreshToken)

    expect(thief).toMatchObject({ ok: false, code: 'step_up_required' })
    expect(owner).toMatchObject({ ok: true, status: 'rotated', refreshToken: expect.any(String) })
    expect(codeOf(await h.renew(refreshToken, abroad()))).toBe('step_up_required')
    await h.renew(heldRefresh('', owner))
    h.host.advance(21 * SECOND)
    expect(codeOf(await h.renew(refreshToken, abroad()))).toBe('session_revoked')
  })

  test('a thief whom nothing speaks against cannot ride along: both are asked', async () => {
    const h = await harness(open)
    const { token, refreshToken } = await h.loginForRefresh()
    const tokens = { owner: refreshToken, thief: refreshToken }
    let forked = false

    for (const who of ['thief', 'owner', 'thief', 'owner', 'thief', 'owner'] as const) {
      h.host.advance(61 * SECOND)
      const answer = await h.renew(tokens[who], who === 'owner' ? atHome() : clone())
      if (codeOf(answer) === 'step_up_required') forked = true
      else tokens[who] = heldRefresh(tokens[who], answer)
    }

    expect(forked).toBe(true)
    expect(h.events.filter(({ type }) => type === 'token-reused')).toHaveLength(1)
    expect(codeOf(await h.show(token))).toBe('step_up_required')
    const passed = await h.stepUp(token, atHome())
    const after = heldRefresh('', passed)
    expect(codeOf(await h.renew(after))).toBe('ok')
    expect(codeOf(await h.renew(tokens.thief, clone()))).toBe('token_superseded')
    expect(codeOf(await h.renew(tokens.owner))).toBe('token_superseded')
  })

  test.each([
    ['within ten seconds', 5 * SECOND],
    ['a minute later', MINUTE],
  ])(
    'an owner who lost the response and moved to a mobile network of the same country, %s, is ' +
      'not logged out',
    async (_, later) => {
      const h = await harness(open)
      const { token, refreshToken } = await h.loginForRefresh()
      h.host.advance(MINUTE)
      await h.renew(refreshToken)

      h.host.advance(later)
      const moved = await h.renew(refreshToken, onTheTrain())
      const next = heldRefresh(refreshToken, moved)
      h.host.advance(MINUTE)

      expect(next).not.toBe(refreshToken)
      expect(codeOf(await h.renew(next, onTheTrain()))).toBe('ok')
      expect(codeOf(await h.show(token, onTheTrain()))).toBe('ok')
      expect(h.events.filter(({ type }) => type === 'token-reused')).toEqual([])
    },
  )
})

describe('a fork of the refresh family from where it was used', () => {
  test('a restored backup: both are asked, and the session goes on for who passes', async () => {
    const h = await harness(inMemory)
    const { token, refreshToken } = await h.loginForRefresh()
    let current = refreshToken
    for (let i = 0; i < 4; i++) {
      h.host.advance(2 * MINUTE)
      current = heldRefresh(current, await h.renew(current))
    }

    const backup = await h.renew(refreshToken)

    expect(backup).toMatchObject({ ok: false, code: 'step_up_required' })
    expect(codeOf(await h.renew(current))).toBe('step_up_required')
    expect(codeOf(await h.renew(heldRefresh('', await h.stepUp(token, atHome()))))).toBe('ok')
  })

  test.each([
    ['under the strict policy', { policy: strict() }, {}],
    ['without a second factor', {}, { factors: [] }],
  ])('%s it ends the session', async (_, options, login) => {
    const h = await harness(inMemory, options)
    const { token, refreshToken } = await h.loginForRefresh(login)
    h.host.advance(2 * MINUTE)
    const second = heldRefresh(refreshToken, await h.renew(refreshToken))
    await h.renew(second)
    h.host.advance(2 * MINUTE)

    expect(codeOf(await h.renew(refreshToken))).toBe('session_revoked')
    expect(h.events.at(-1)).toMatchObject({ type: 'session-revoked', reason: 'secret_forked' })
    expect(codeOf(await h.show(token))).toBe('session_unknown')
  })

  test('a sibling from an unknown place, after the owner went on, ends the session', async () => {
    const h = await harness(inMemory)
    const { refreshToken } = await h.loginForRefresh()
    h.host.advance(MINUTE)
    const intercepted = heldRefresh(refreshToken, await h.renew(refreshToken))
    const owners = heldRefresh(refreshToken, await h.renew(refreshToken))
    await h.renew(owners)
    h.host.advance(41 * SECOND)
    await h.renew(owners)
    h.host.advance(SECOND)

    expect(codeOf(await h.renew(intercepted, abroad()))).toBe('session_revoked')
  })
})

test('a policy that lets contradictions pass lets no reused refresh token pass', async () => {
  const h = await harness(inMemory, {
    policy: (because) => ({ outcome: 'allow', score: 0, because }),
  })
  const { token, refreshToken } = await h.loginForRefresh()
  const second = heldRefresh(refreshToken, await h.renew(refreshToken))
  await h.renew(second)
  h.host.advance(MINUTE)

  expect(codeOf(await h.renew(refreshToken, abroad()))).toBe('session_revoked')
  expect(codeOf(await h.show(token))).toBe('session_unknown')
})

test('neither kind of token does the work of the other, and a try has no effect', async () => {
  const h = await harness(inMemory)
  const { token, refreshToken } = await h.loginForRefresh()
  const read = await h.store.entries.read(token.split('.')[1] ?? '')
  const { items: kept } = await eventLog(h).read(undefined, 100)
  h.events.length = 0

  expect(await h.show(refreshToken)).toEqual({ ok: false, code: 'wrong_token_use' })
  expect(await h.renew(token)).toEqual({ ok: false, code: 'wrong_token_use' })
  const begun = await h.sessions.beginStepUp({ token: refreshToken, request: atHome() })
  expect(begun).toEqual({ ok: false, code: 'wrong_token_use' })
  expect(await h.renew(token, abroad())).toEqual({ ok: false, code: 'wrong_token_use' })

  expect(await h.store.entries.read(read?.id ?? '')).toEqual(read)
  const told = { type: 'token-unknown', reason: 'wrong_token_use', session: read?.id }
  expect(h.events).toMatchObject([told, told, told, told])
  expect((await eventLog(h).read(undefined, 100)).items).toEqual(kept)
  expect(held(token, await h.show(token))).toBe(token)
})

test('a step-up cannot be completed with the refresh token of the same session', async () => {
  const h = await harness(inMemory)
  const { token, refreshToken } = await h.loginForRefresh()
  const begun = await h.sessions.beginStepUp({ token, request: atHome() })
  if (!begun.ok) throw new Error(begun.code)
  const { challenge, subject } = begun

  const proof = { challenge, token: refreshToken, request: atHome(), subject, amr: ['otp'] }
  expect(codeOf(await h.sessions.completeStepUp(proof))).toBe('challenge_invalid')
})
