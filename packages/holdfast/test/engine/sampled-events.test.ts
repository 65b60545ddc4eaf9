import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { newKeyring } from '../../src/codecs/keyring.ts'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { SessionError } from '../../src/core/errors.ts'
import {
  DEFAULT_SAMPLED_PER_SECOND,
  EVENT_TYPES,
  type SessionEvent,
} from '../../src/core/events.ts'
import type { Feed } from '../../src/core/feed.ts'
import type { Store } from '../../src/core/store.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import { eventLog } from '../../src/maintenance/event-log.ts'
import { eventRecorder } from '../../src/maintenance/event-recorder.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { CASES, correlation } from '../support/event-cases.ts'
import { type Harness, harness, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { atHome, onTheTrain } from '../support/people.ts'

const TOLD = EVENT_TYPES.flatMap((type) =>
  CASES[type].filter(({ told }) => told === true).map((one) => ({ type, ...one })),
)

async function kept(h: Pick<Harness, 'store' | 'keyring'>): Promise<readonly SessionEvent[]> {
  await turn()
  const { items } = await eventLog(h).read(undefined, 1_000)
  return items.map(({ cursor: _, ...event }) => event)
}

async function keptOf(h: Harness, type: SessionEvent['type']): Promise<readonly SessionEvent[]> {
  return (await kept(h)).filter((event) => event.type === type)
}

/** A store whose feed appends as is said here. */
function appending(now: () => number, append: (feed: Feed) => Feed['append']): Store {
  const store = memoryStore({ now })
  return { ...store, feed: { ...store.feed, append: append(store.feed) } }
}

test.each(TOLD)('at 1 the feed has $type ($event.reason), too', async (one) => {
  const { options, prepare, cause } = one
  const h = await harness(inMemory, { ...options, eventSampling: 1, personalFacts: 'full' })

  await cause(h, (await prepare?.(h)) ?? '', { personalFacts: 'full' })

  await turn()
  const [event, ...more] = (await eventLog(h).read(undefined, 1_000)).items.filter(
    ({ type, correlation: its }) => type === one.type && its === correlation,
  )
  expect(more).toEqual([])
  expect(event).toMatchObject(h.events.find(({ id }) => id === event?.id) ?? {})
  expect(event?.personal).toEqual(one.personal)
})

test('at 1 everything that is told is kept, in the order of its telling', async () => {
  const shadowPolicy = (): never => {
    throw new Error('It cannot decide.')
  }
  const h = await harness(inMemory, { eventSampling: 1, shadowPolicy })
  const token = await h.login()
  for (let minutes = 0; minutes < 30; minutes += 3) {
    h.host.advance(3 * MINUTE)
    await h.show(token, minutes % 2 === 0 ? atHome() : onTheTrain())
  }
  for (let times = 0; times < 20; times++) {
    await h.sessions.report({ kind: 'login_failed', subject: 'ada', request: atHome() })
  }
  await h.sessions.revokeSubject({ subject: 'ada' }, { reason: 'spring' })
  await h.show(token)

  const events = await kept(h)

  expect(h.events.length).toBeGreaterThan(30)
  expect(events.map(({ id }) => id)).toEqual(h.events.map(({ id }) => id))
})

test('unless asked, nothing of it is kept, and nobody need listen for what is', async () => {
  const { store, keyring, host } = await harness(inMemory)
  const request = atHome()
  const usual = createSessions({ store, keyring, host })
  const keeping = createSessions({ store, keyring, host, eventSampling: { 'token-unknown': 1 } })

  await usual.verify({ token: 'hf1.garbage', request })
  expect(await kept({ store, keyring })).toEqual([])
  await keeping.verify({ token: 'hf1.garbage', request })

  expect(await kept({ store, keyring })).toMatchObject([
    { type: 'token-unknown', reason: 'token_malformed' },
  ])
})

test('a share of one type is kept, and nothing of another', async () => {
  const h = await harness(inMemory, {
    eventSampling: { 'token-unknown': 0.25 },
    eventSamplingPerSecond: 10_000,
  })
  const token = await h.login()
  h.host.advance(3 * MINUTE)
  await h.show(token)
  for (let times = 0; times < 400; times++) await h.show('hf1.garbage')

  const events = await keptOf(h, 'token-unknown')

  expect(events.length).toBeGreaterThan(60)
  expect(events.length).toBeLessThan(140)
  for (const event of events) expect(event).not.toHaveProperty('more')
  expect(await keptOf(h, 'session-presented')).toEqual([])
})

test('so many of a type are kept a second, and the next one says how many more came', async () => {
  const h = await harness(inMemory, { eventSampling: 1 })
  const token = await h.login()
  h.host.advance(3 * MINUTE)
  for (let times = 0; times < DEFAULT_SAMPLED_PER_SECOND + 8; times++) await h.show('hf1.garbage')
  await h.show(token)
  h.host.advance(SECOND)
  await h.show('hf1.garbage')
  await h.show('hf1.garbage')

  const unknown = await keptOf(h, 'token-unknown')

  expect(unknown).toHaveLength(DEFAULT_SAMPLED_PER_SECOND + 2)
  expect(unknown.filter(({ more }) => more !== undefined)).toMatchObject([{ more: 8 }])
  expect(h.events.filter(({ more }) => more !== undefined)).toEqual([])
  // What strangers do takes no room from what others do.
  expect(await keptOf(h, 'session-presented')).toHaveLength(1)
})

test('a clock that is set back keeps nothing out', async () => {
  const host = fakeHost()
  let back = 0
  const h = await harness(inMemory, {
    host: { ...host, now: () => host.now() - back },
    ...{ eventSampling: 1, eventSamplingPerSecond: 1 },
  })
  await h.show('hf1.garbage')
  back = 10 * MINUTE
  await h.show('hf1.garbage')

  expect(await keptOf(h, 'token-unknown')).toHaveLength(2)
})

test('one append for the events of a partition in a turn', async () => {
  const calls: number[] = []
  const h = await harness(
    async (now) =>
      appending(now, (feed) => (key, events, options) => {
        if (options?.sampled) calls.push(events.length)
        return feed.append(key, events, options)
      }),
    { eventSampling: 1 },
  )
  const token = await h.login()
  await h.sessions.logout(token)

  await Promise.all(Array.from({ length: 20 }, () => h.show(token)))
  await turn()

  expect(calls).toEqual([20])
})

test('a store that hangs holds no answer up, and no more than a bounded number waits', async () => {
  let sampled = 0
  let release = (): void => {}
  const hung = new Promise<void>((resolve) => {
    release = resolve
  })
  const h = await harness(
    async (now) =>
      appending(now, (feed) => async (key, events, options) => {
        sampled += events.length
        await hung
        await feed.append(key, events, options)
      }),
    { eventSampling: 1, eventSamplingPerSecond: 10_000 },
  )
  for (let times = 0; times < 1_100; times++) {
    expect(await h.show('hf1.garbage')).toMatchObject({ ok: false, code: 'token_malformed' })
  }
  await turn()
  expect(sampled).toBe(1_024)

  release()
  await turn()
  await h.show('hf1.garbage')
  await turn()

  expect(sampled).toBe(1_025)
  const page = await eventLog(h).read(undefined, 1_000)
  const rest = await eventLog(h).read(page.cursor, 1_000)
  expect([...page.items, ...rest.items].filter(({ more }) => more !== undefined)).toMatchObject([
    { more: 76 },
  ])
})

test('a store that fails refuses nobody, and what it dropped is counted', async () => {
  let away = true
  const h = await harness(
    async (now) =>
      appending(now, (feed) => async (key, events, options) => {
        if (away) throw new SessionError('store_unavailable', 'The store is away.')
        await feed.append(key, events, options)
      }),
    { eventSampling: 1 },
  )
  for (let times = 0; times < 3; times++) {
    expect(await h.show('hf1.garbage')).toMatchObject({ code: 'token_malformed' })
    await turn()
  }
  away = false
  await h.show('hf1.garbage')

  expect(await kept(h)).toMatchObject([{ type: 'token-unknown', more: 3 }])
})

test("a stranger's tokens leave half of the backlog of the audit log to changes", async () => {
  const bounds = { feedLimit: 50, auditBacklogBytes: 1_000_000 }
  const h = await harness(async (now) => memoryStore({ now, ...bounds }), {
    eventSampling: 1,
    eventSamplingPerSecond: 10_000,
  })
  await h.store.feed.hold?.confirm(await h.store.feed.head())
  const token = await h.login()
  await h.sessions.logout(token)
  const room = async (): Promise<number> => (await keptOf(h, 'token-unknown')).length
  for (let times = 0; times < 500; times++) {
    await h.show(token)
    await turn()
  }
  const full = await room()
  await h.show(token)

  // The partition has a place for no further sample, and for many changes.
  expect(full).toBeGreaterThan(20)
  expect(await room()).toBe(full)
  for (let times = 0; times < 10; times++) await h.login()
})

test('what is told around the engine is kept likewise', async () => {
  const h = await harness(inMemory)
  const told: SessionEvent[] = []
  const { store, keyring, host } = h
  const recorder = eventRecorder({
    ...{ store, keyring, host, onEvent: (event: SessionEvent) => told.push(event) },
    eventSampling: { 'request-refused': 1 },
  })

  recorder.tell('request-refused', { actor: 'client', reason: 'cross_site_request' })
  recorder.tell('admin-acted', { actor: 'ops', reason: 'session_viewed' })

  expect(told.map(({ type }) => type)).toEqual(['request-refused', 'admin-acted'])
  expect(await kept(h)).toEqual([told[0]])
})

test('guesses of strangers fill no more than half of what waits for an audit log', async () => {
  const host = fakeHost()
  const limits = { feedLimit: 1, feedBytes: 1_000_000, auditBacklogBytes: 8_000_000 }
  const store = memoryStore({ now: host.now, ...limits })
  await store.feed.hold?.confirm(await store.feed.head())
  const recorder = eventRecorder({ store, keyring: newKeyring(host), host })
  const subject = { subject: 'ada' }

  const guesses = await Promise.allSettled(
    Array.from({ length: 1_000 }, () =>
      recorder.record('request-refused', { reason: 'token_guesses', subject }),
    ),
  )
  const changes = await Promise.allSettled(
    Array.from({ length: 50 }, () => recorder.record('admin-acted', { reason: 'looked', subject })),
  )
  await store.close()

  expect(guesses.map(({ status }) => status)).toContain('rejected')
  expect(changes.map(({ status }) => status)).not.toContain('rejected')
})
