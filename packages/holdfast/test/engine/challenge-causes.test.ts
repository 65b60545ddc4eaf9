import { describe, expect, test } from 'vitest'
import type { SessionEvent } from '../../src/core/events.ts'
import type { Presented } from '../../src/core/sessions.ts'
import { eventLog } from '../../src/maintenance/event-log.ts'
import {
  codeOf,
  type Harness,
  harness,
  held,
  inMemory,
  MINUTE,
  SECOND,
} from '../support/harness.ts'
import { abroad, atHome, onTheTrain } from '../support/people.ts'

/** What the log says of challenges: the reasons of their events, and their outcomes. */
async function challenges(h: Harness): Promise<readonly (readonly [string | null, unknown])[]> {
  return (await logged(h))
    .filter(({ type }) => type === 'step-up-required')
    .map(({ reason, decision }) => [reason, decision?.outcome])
}

async function logged(h: Harness): Promise<readonly SessionEvent[]> {
  return (await eventLog(h).read(undefined, 1_000)).items
}

/** On the train, where the owner is provisional, after ten minutes. */
async function onTheWay(): Promise<Harness & { readonly token: string }> {
  const h = await harness(inMemory)
  let token = await h.login({ acr: 'aal1' })
  token = held(token, await h.show(token, onTheTrain()))
  h.host.advance(10 * MINUTE)
  token = held(token, await h.show(token, onTheTrain()))
  return { ...h, token }
}

const ROUTES: readonly (readonly [cause: string, asks: Partial<Presented>])[] = [
  ['network_unconfirmed', { sensitivity: 'sensitive' }],
  ['acr_missing', { acr: 'aal2' }],
  ['authentication_stale', { maxAgeMs: 5 * MINUTE }],
]

describe('a challenge', () => {
  test.each(ROUTES)('by the route leaves an event that says %s', async (cause, asks) => {
    const h = await onTheWay()

    expect(codeOf(await h.show(h.token, onTheTrain(), asks))).toBe('step_up_required')

    expect(await challenges(h)).toEqual([[cause, 'challenge']])
    expect(h.events.at(-1)).toMatchObject({ type: 'step-up-required', reason: cause })
  })

  test.each(ROUTES)('that is begun for the route names the same cause: %s', async (cause, asks) => {
    const h = await onTheWay()
    const request = onTheTrain()
    const refused = await h.show(h.token, request, asks)
    const { requirements } = refused.ok ? { requirements: undefined } : refused

    const begun = await h.sessions.beginStepUp({ token: h.token, request, ...requirements })

    const stated = begun.decision?.because.filter(({ weight }) => weight === 0)
    expect(stated?.map(({ reason }) => reason)).toEqual([cause])
    expect(h.events.at(-1)).toMatchObject({
      type: 'step-up-required',
      reason: 'step_up_begun',
      decision: begun.decision,
    })
    expect(begun.decision?.outcome).toBe('challenge')
  })

  test('by evidence says so, and says it once while the context stays challenged', async () => {
    const h = await harness(inMemory)
    const token = await h.login()

    for (let i = 0; i < 60; i++) {
      h.host.advance(SECOND)
      await h.show(token, abroad(), { sensitivity: 'sensitive' })
    }

    expect(await challenges(h)).toEqual([['evidence', 'challenge']])
    h.host.advance(2 * MINUTE)
    await h.show(token, abroad())
    expect(await challenges(h)).toEqual([
      ['evidence', 'challenge'],
      ['context_challenged', 'challenge'],
    ])
  })

  test('by a fork says so for both holders', async () => {
    const h = await harness(inMemory)
    const old = await h.login()
    h.host.advance(6 * MINUTE)
    const token = held(old, await h.show(old))
    await h.show(token)
    h.host.advance(3 * MINUTE)

    await h.show(old, abroad())
    await h.show(token)

    expect(await challenges(h)).toEqual([
      ['secret_forked', 'challenge'],
      ['secret_forked', 'challenge'],
    ])
  })

  test('that is repeated is told once per context, cause and touch interval', async () => {
    const h = await onTheWay()
    const ask = (asks: Partial<Presented>): Promise<unknown> => h.show(h.token, onTheTrain(), asks)

    for (let i = 0; i < 100; i++) {
      h.host.advance(SECOND)
      for (const [, asks] of ROUTES) await ask(asks)
    }
    expect((await challenges(h)).map(([reason]) => reason)).toEqual(ROUTES.map(([cause]) => cause))
    h.host.advance(2 * MINUTE)
    await ask({ sensitivity: 'sensitive' })

    expect((await challenges(h)).map(([reason]) => reason)).toEqual([
      ...ROUTES.map(([cause]) => cause),
      'network_unconfirmed',
    ])
  })
})

test('a prompt in a confirmed place leaves an event, and its repetitions a sample', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  h.events.length = 0

  for (let i = 0; i < 20; i++) {
    h.host.advance(SECOND)
    await h.sessions.beginStepUp({ token, request: atHome(), maxAgeMs: 1 })
  }

  const begun = h.events.filter(({ reason }) => reason === 'step_up_begun')
  expect(begun).toHaveLength(1)
  expect(begun[0]?.decision?.because.map(({ reason }) => reason)).toContain('authentication_stale')
})

test('a place that is asked no more leaves an event that says what is exhausted', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  const request = abroad()
  for (let i = 0; i < 3; i++) await h.sessions.beginStepUp({ token, request })

  for (let i = 0; i < 10; i++) {
    expect(await h.sessions.beginStepUp({ token, request })).toMatchObject({
      code: 'context_refused',
    })
    h.host.advance(SECOND)
    expect(codeOf(await h.show(token, request))).toBe('context_refused')
    h.host.advance(SECOND)
  }

  const denied = (await logged(h)).filter(({ decision }) => decision?.outcome === 'deny')
  expect(denied.map(({ type, reason }) => [type, reason])).toEqual([
    ['anomaly-detected', 'prompts_exhausted'],
  ])
})

test('a login that the limit refuses leaves an event', async () => {
  const h = await harness(inMemory, { sessionLimit: 1, sessionLimitBeyond: 'refuse' })
  const login = { subject: 'ada', request: onTheTrain(), amr: ['pwd'], correlation: 'r-1' }
  await h.login()

  expect(await h.sessions.create(login)).toEqual({ ok: false, code: 'session_limit_reached' })

  const [event, ...others] = (await logged(h)).filter(({ type }) => type === 'login-refused')
  expect(others).toEqual([])
  expect(event).toMatchObject({
    actor: 'engine',
    reason: 'session_limit_reached',
    session: null,
    network: { city: 'Bergen' },
    device: { family: 'chrome' },
    correlation: 'r-1',
  })
})

test('a login during which all sessions of its subject were ended leaves an event', async () => {
  const h = await harness(async (now) => {
    const store = await inMemory(now)
    return { ...store, entries: { ...store.entries, write: async () => 'gone' } }
  })

  const refused = await h.sessions.create({ subject: 'ada', request: atHome() })

  expect(refused).toEqual({ ok: false, code: 'login_superseded' })
  expect((await logged(h)).map(({ type, reason }) => [type, reason])).toEqual([
    ['login-refused', 'login_superseded'],
  ])
})
