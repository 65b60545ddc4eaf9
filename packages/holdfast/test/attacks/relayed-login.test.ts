import { describe, expect, test } from 'vitest'
import type { RequestFacts } from '../../src/core/request.ts'
import { codeOf, type Harness, HOUR, harness, held, inMemory } from '../support/harness.ts'
import { pastOf } from '../support/pasts.ts'
import { atHome, onTheTrain } from '../support/people.ts'

const DAY = 24 * HOUR
const bearer = { deliverable: false }
const sensitive = { ...bearer, sensitivity: 'sensitive' } as const

/** A site between the owner and the login, in a data centre abroad: her browser comes through. */
const between = (): RequestFacts => atHome({ ip: '203.0.113.66' })

async function withPast(): Promise<Harness> {
  const h = await harness(inMemory)
  await h.login()
  h.host.advance(DAY)
  return h
}

async function relayed(h: Harness, changes = {}): Promise<string> {
  return h.login({ request: between(), ...changes })
}

async function passed(h: Harness, token: string, amr: readonly string[]): Promise<string> {
  return held(token, await h.stepUp(token, between(), amr))
}

async function statesOf(h: Harness): Promise<readonly string[]> {
  return (await pastOf(h)).contexts.map(({ state }) => state)
}

describe('a login that a phishing site relays, password and one-time code', () => {
  test('gets in, and is told of with what speaks against it', async () => {
    const h = await withPast()

    const created = await h.sessions.create({
      subject: 'ada',
      factors: ['otp'],
      amr: ['pwd', 'otp'],
      request: between(),
    })

    expect(created).toMatchObject({ ok: true, decision: { outcome: 'observe' } })
    const reasons = created.ok ? created.decision.because.map(({ reason }) => reason) : []
    expect(reasons).toContain('hosting_foreign')
    expect(h.events.slice(-2)).toMatchObject([
      { type: 'session-established', decision: { outcome: 'observe' } },
      { type: 'anomaly-detected', reason: 'login', decision: { outcome: 'observe' } },
    ])
  })

  test('may use normal routes, and nothing sensitive without another proof', async () => {
    const h = await withPast()
    const token = await relayed(h)

    for (let n = 0; n < 5; n++) {
      h.host.advance(HOUR)
      expect(codeOf(await h.show(token, between(), bearer))).toBe('ok')
      expect(codeOf(await h.show(token, between(), sensitive))).toBe('step_up_required')
    }
  })

  test('does not confirm its place, however often and however long', async () => {
    const h = await withPast()
    for (let n = 0; n < 4; n++) {
      const token = await relayed(h)
      for (let visit = 0; visit < 4; visit++) {
        h.host.advance(1.5 * HOUR)
        expect(codeOf(await h.show(token, between(), bearer))).toBe('ok')
      }
      expect(codeOf(await h.show(token, between(), sensitive))).toBe('step_up_required')
    }

    expect(await statesOf(h)).toEqual(['familiar', 'confirmed'])
  })

  test('leaves the data centre closed to who steals a cookie of the owner later', async () => {
    const h = await withPast()
    await relayed(h)
    const stolen = await h.login()

    h.host.advance(HOUR)

    expect(codeOf(await h.show(stolen, between(), sensitive))).toBe('step_up_required')
  })

  test('opens sensitive routes by a second code for that session alone', async () => {
    const h = await withPast()
    const token = await passed(h, await relayed(h), ['otp'])

    expect(codeOf(await h.show(token, between(), sensitive))).toBe('ok')
    for (let visit = 0; visit < 4; visit++) {
      h.host.advance(1.5 * HOUR)
      expect(codeOf(await h.show(token, between(), bearer))).toBe('ok')
    }
    const next = await relayed(h)
    expect(codeOf(await h.show(next, between(), sensitive))).toBe('step_up_required')
    expect(await statesOf(h)).toEqual(['familiar', 'confirmed'])
  })

  test('opens nothing sensitive by a second code where the owner has a passkey', async () => {
    const h = await withPast()
    const token = await relayed(h, { factors: ['otp', 'passkey'] })
    const again = await passed(h, token, ['otp'])

    expect(codeOf(await h.show(again, between(), bearer))).toBe('ok')
    expect(codeOf(await h.show(again, between(), sensitive))).toBe('step_up_required')

    const proved = await passed(h, again, ['hwk', 'user'])
    expect(codeOf(await h.show(proved, between(), sensitive))).toBe('ok')
    expect(await statesOf(h)).toEqual(['confirmed', 'confirmed'])
  })

  test('is told to bring the passkey, and a code does not do in its place', async () => {
    const h = await withPast()
    const token = await relayed(h, { factors: ['otp', 'passkey'] })
    const request = between()

    const refused = await h.show(token, request, sensitive)
    expect(refused).toMatchObject({ ok: false, requirements: { acr: 'phr' } })

    const begun = await h.sessions.beginStepUp({ token, request, acr: 'phr' })
    if (!begun.ok) throw new Error(begun.code)
    const proof = { challenge: begun.challenge, token, request, subject: 'ada' }
    const byCode = await h.sessions.completeStepUp({ ...proof, acr: 'mfa', amr: ['otp'] })
    expect(byCode).toMatchObject({ ok: false, requirements: { acr: 'phr' } })
    const byKey = await h.sessions.completeStepUp({ ...proof, acr: 'gold', amr: ['hwk'] })
    expect(codeOf(await h.show(held(token, byKey), request, sensitive))).toBe('ok')
  })

  test('is not told so where codes are all that there is, or where nothing is wrong', async () => {
    const h = await withPast()
    const withCodes = await relayed(h)
    const atNewPlace = await h.login({ factors: ['otp', 'passkey'] })

    const there = await h.show(withCodes, between(), sensitive)
    const nearby = await h.show(atNewPlace, onTheTrain(), sensitive)

    for (const refused of [there, nearby]) {
      expect(codeOf(refused)).toBe('step_up_required')
      expect(refused).not.toHaveProperty('requirements.acr')
    }
  })
})

describe('a code that is passed in the session of the owner, from a data centre abroad', () => {
  test('ends the challenge, and does not confirm the place for later sessions', async () => {
    const h = await withPast()
    const token = await h.login()
    expect(codeOf(await h.show(token, between(), bearer))).toBe('step_up_required')

    const passing = await passed(h, token, ['otp'])

    expect(codeOf(await h.show(passing, between(), bearer))).toBe('ok')
    expect(codeOf(await h.show(passing, between(), sensitive))).toBe('ok')
    const later = await h.login()
    expect(codeOf(await h.show(later, between(), sensitive))).toBe('step_up_required')
  })

  test('is judged by what is confirmed, not by a stepping stone', async () => {
    const h = await withPast()
    const token = await passed(h, await relayed(h), ['otp'])
    const neighbour = { ...between(), ip: '203.0.113.200' }
    expect(codeOf(await h.show(token, neighbour, sensitive))).toBe('ok')

    const later = await h.login()
    expect(codeOf(await h.show(later, neighbour, sensitive))).toBe('step_up_required')
  })
})

describe('what confirms a place against strong evidence', () => {
  test.each([
    ['a key that cannot leave its device', { amr: ['hwk', 'user'] }],
    ['a synced passkey', { amr: ['swk', 'user', 'phr'] }],
    ['an authentication context that resists phishing', { amr: ['pwd'], acr: 'phr' }],
  ] as const)('%s', async (_title, proof) => {
    const h = await withPast()
    const token = await relayed(h, proof)

    expect(codeOf(await h.show(token, between(), sensitive))).toBe('ok')
    expect(await statesOf(h)).toEqual(['confirmed', 'confirmed'])
  })

  test.each([
    ['a one-time code', ['pwd', 'otp']],
    ['a message', ['pwd', 'sms']],
    ['an approval in an app', ['pwd', 'swk']],
    ['a recovery code', ['pwd', 'kba', 'mfa']],
  ] as const)('not %s', async (_title, amr) => {
    const h = await withPast()
    const token = await relayed(h, { amr })

    expect(codeOf(await h.show(token, between(), sensitive))).toBe('step_up_required')
    expect(await statesOf(h)).toEqual(['familiar', 'confirmed'])
  })
})

describe('an honest login with password and code', () => {
  test('is the first one of its subject: confirmed as ever', async () => {
    const h = await harness(inMemory)
    const token = await relayed(h)

    expect(codeOf(await h.show(token, between(), sensitive))).toBe('ok')
  })

  test('from a hotel abroad, with the clock along, is confirmed at once', async () => {
    const h = await withPast()
    const hotel = atHome({
      ip: '192.88.99.5',
      client: { screen: '2560x1440x1', timezone: 'Asia/Tokyo' },
    })
    const token = await h.login({ request: hotel })

    expect(codeOf(await h.show(token, hotel, sensitive))).toBe('ok')
  })

  test('from home is confirmed, whatever speaks against other places', async () => {
    const h = await withPast()
    await relayed(h)
    const token = await h.login()

    expect(codeOf(await h.show(token, atHome(), sensitive))).toBe('ok')
  })
})

describe('a subject without a second factor', () => {
  const alone = { factors: [], amr: ['pwd'] }

  test('gets in from anywhere for that session, and its past does not believe it', async () => {
    const h = await harness(inMemory)
    await h.login(alone)
    h.host.advance(DAY)
    const token = await relayed(h, alone)
    for (let visit = 0; visit < 4; visit++) {
      h.host.advance(1.5 * HOUR)
      expect(codeOf(await h.show(token, between(), sensitive))).toBe('ok')
    }

    const later = await h.login(alone)

    expect(codeOf(await h.show(later, between(), sensitive))).toBe('step_up_required')
    expect(await statesOf(h)).toEqual(['confirmed', 'familiar'])
  })
})
