import { describe, expect, test } from 'vitest'
import { describeOnEveryStore } from '../support/every-store.ts'
import { codeOf, HOUR, harness, held, inMemory, MINUTE } from '../support/harness.ts'
import { abroad, atHome, onTheTrain } from '../support/people.ts'

describeOnEveryStore('a stolen cookie', (open) => {
  test('shown abroad in another browser is challenged while the owner works on', async () => {
    const { host, login, show, events } = await harness(open)
    let token = await login()

    for (let i = 0; i < 5; i++) {
      host.advance(7 * MINUTE)
      const stolen = await show(token, abroad())
      expect(stolen).toMatchObject({ ok: false, code: 'step_up_required' })
      expect(stolen.decision?.because.map(({ group }) => group)).toEqual(
        expect.arrayContaining(['N', 'D']),
      )
      token = held(token, await show(token))
    }

    const asked = events.filter(({ type }) => type === 'step-up-required')
    expect(asked.map(({ reason }) => reason)).toEqual([
      'evidence',
      ...Array(4).fill('context_challenged'),
    ])
    expect(events.filter(({ type }) => type === 'session-revoked')).toEqual([])
  })
})

describe('a refused presentation', () => {
  test('changes nothing but evidence: no rotation, no activity, no attribute', async () => {
    const { sessions, host, login, show } = await harness(inMemory)
    const token = await login()
    host.advance(10 * MINUTE)

    await show(token, abroad())
    const [session] = (await sessions.list({ subject: 'ada' })).items

    expect(session?.lastActivity).toBe(session?.createdAt)
    expect(codeOf(await show(token))).toBe('ok')
  })

  test('does not keep a session alive', async () => {
    const { host, login, show } = await harness(inMemory)
    const token = await login()

    for (let i = 0; i < 3; i++) {
      host.advance(30 * MINUTE)
      expect(codeOf(await show(token, abroad()))).toBe('step_up_required')
    }
    host.advance(30 * MINUTE)
    expect(codeOf(await show(token))).toBe('session_expired')
  })

  test('cannot be waited out: a challenged place stays challenged', async () => {
    const { host, login, show } = await harness(inMemory)
    let token = await login()
    await show(token, abroad())

    for (let i = 0; i < 8; i++) {
      host.advance(HOUR)
      token = held(token, await show(token))
    }
    expect(codeOf(await show(token, abroad()))).toBe('step_up_required')
  })

  test('is not helped by changing clothes: a newcomer inherits its evidence', async () => {
    const { login, show } = await harness(inMemory)
    const token = await login()
    await show(token, abroad())

    const moved = await show(token, abroad({ ip: '198.51.100.200' }))

    expect(moved).toMatchObject({ ok: false, code: 'step_up_required' })
    expect(moved.decision?.because.map(({ reason }) => reason)).toContain('evidence_inherited')
  })

  test('leaves the owner nothing to inherit once a step-up has put it out', async () => {
    const { host, login, show, stepUp } = await harness(inMemory)
    const token = await login()
    await show(token, abroad())
    const travelling = atHome({ ip: '198.51.100.9' })
    host.advance(MINUTE)

    const renewed = await stepUp(token, travelling)
    if (!renewed.ok || renewed.token === undefined) throw new Error('the owner did not pass')
    host.advance(MINUTE)
    const moved = await show(renewed.token, atHome({ ip: '198.51.101.9' }))

    expect(codeOf(await show(token, abroad()))).toBe('token_superseded')
    expect(moved.decision?.because.map(({ reason }) => reason)).not.toContain('evidence_inherited')
  })

  test('hands on its evidence once: five disguises do not weigh five times as much', async () => {
    const { login, show } = await harness(inMemory)
    const token = await login()
    const scores: number[] = []

    for (const ip of [
      '203.0.113.66',
      '203.1.113.66',
      '203.2.113.66',
      '203.3.113.66',
      '203.4.113.66',
    ]) {
      scores.push((await show(token, abroad({ ip }))).decision?.score ?? 0)
    }

    expect(Math.max(...scores)).toBeLessThanOrEqual(2 * (scores[0] ?? 0))
  })

  test('cannot fill a session with places: it is turned away, the owner is not', async () => {
    const { sessions, login, show } = await harness(inMemory)
    const token = await login()

    for (let i = 0; i < 40; i++) await show(token, abroad({ ip: `203.${i}.113.66` }))

    const [session] = (await sessions.list({ subject: 'ada' })).items
    expect(session?.contexts.length).toBeLessThanOrEqual(16)
    expect(codeOf(await show(token, abroad({ ip: '203.99.113.66' })))).toBe('context_refused')
    expect(codeOf(await show(token))).toBe('ok')
  })
})

describe('prompts', () => {
  test('are limited to three an hour from unconfirmed places, and lock nobody out', async () => {
    const { sessions, host, login, show } = await harness(inMemory)
    const token = await login()

    const begun = []
    for (let i = 0; i < 4; i++) begun.push(await sessions.beginStepUp({ token, request: abroad() }))

    expect(begun.map((one) => (one.ok ? 'ok' : one.code))).toEqual([
      'ok',
      'ok',
      'ok',
      'context_refused',
    ])
    expect(codeOf(await show(token, abroad()))).toBe('context_refused')
    expect(codeOf(await show(token, atHome()))).toBe('ok')
    host.advance(61 * MINUTE)
    expect((await sessions.beginStepUp({ token, request: abroad() })).ok).toBe(true)
  })

  test.each([
    ['a key, the place is the owner’s in the next session, too', ['hwk', 'user'], 'ok'],
    ['a code, it is the owner’s in this session alone', ['otp'], 'step_up_required'],
  ] as const)('passed once with %s', async (_title, amr, later) => {
    const { login, show, stepUp } = await harness(inMemory)
    const token = await login({ amr: ['pwd'] })
    expect(codeOf(await show(token, abroad()))).toBe('step_up_required')

    const passed = held(token, await stepUp(token, abroad(), amr))
    expect(codeOf(await show(passed, abroad()))).toBe('ok')
    expect(codeOf(await show(passed, atHome()))).toBe('ok')

    const next = await login({ amr: ['pwd'], request: abroad() })
    expect(codeOf(await show(next, abroad(), { sensitivity: 'sensitive' }))).toBe(later)
  })
})

describe('the first sensitive action from a network that the subject has not confirmed', () => {
  test('asks once, although browsing there went on undisturbed', async () => {
    const { login, show, stepUp } = await harness(inMemory)
    const token = await login()

    expect(codeOf(await show(token, onTheTrain()))).toBe('ok')
    const refused = await show(token, onTheTrain(), { sensitivity: 'sensitive' })
    expect(refused).toMatchObject({ ok: false, code: 'step_up_required' })
    expect(refused.decision?.because.map(({ reason }) => reason)).toContain('network_unconfirmed')
    expect(codeOf(await show(token, onTheTrain()))).toBe('ok')

    const passed = held(token, await stepUp(token, onTheTrain()))
    expect(codeOf(await show(passed, onTheTrain(), { sensitivity: 'sensitive' }))).toBe('ok')
  })
})
