import { setImmediate as turn } from 'node:timers/promises'
import { newKeyring, SessionError, type Store } from 'holdfast'
import { fakeHost } from 'holdfast/contracts'
import { eventLog, eventRecorder } from 'holdfast/maintenance'
import { memoryStore } from 'holdfast/memory'
import { expect, onTestFinished, test } from 'vitest'
import { forgetAudited, policyRecord, tellPolicy } from '../../src/main/policy-events.ts'
import { configOf } from '../support.ts'

/** A store, and processes that take policies up over it. */
function estate(weather: (store: Store) => Store = (store) => store) {
  const host = fakeHost()
  const keyring = newKeyring(host)
  const memory = memoryStore({ now: host.now })
  onTestFinished(() => memory.close())
  const store = weather(memory)
  const record = policyRecord({ store, keyring, host })
  const warned: unknown[] = []
  const ended = new AbortController()
  return {
    record,
    warned,
    ended,
    start: (env: Record<string, string> = {}, stop = ended.signal) =>
      tellPolicy({
        ...{ config: configOf(env), record, host, retryMs: 1, stop },
        recorder: eventRecorder({ store, keyring, host }),
        log: { warn: (line: unknown) => void warned.push(line) },
      }),
    advance: host.advance,
    /** Events about nobody are in no order but that of their time. */
    async told() {
      const { items } = await eventLog({ store: memory, keyring }).read(undefined, 100)
      return items.toSorted((one, other) => one.at - other.at)
    },
  }
}

/** Fails so many calls. */
function failing(most: number) {
  let calls = 0
  return async <T>(call: () => Promise<T>): Promise<T> => {
    if (++calls > most) return call()
    throw new SessionError('store_unavailable', 'The store is away.')
  }
}

const STRICT = { HOLDFAST_POLICY: 'strict' }

test('many processes of one policy tell it once, and one with another tells that', async () => {
  const { start, told, advance } = estate()

  await Promise.all([start(), start(), start(), start()])
  await start()
  advance(1_000)
  await Promise.all([start(STRICT), start(STRICT)])
  advance(1_000)
  await start()

  const events = await told()
  expect(events).toMatchObject([
    { type: 'policy-changed', actor: 'engine', reason: 'in_force', session: null, subject: null },
    { type: 'policy-changed', reason: 'taken_up' },
    { type: 'policy-changed', reason: 'taken_up' },
  ])
  const policies = events.map(({ policy }) => policy)
  expect(policies.map((one) => JSON.parse(one?.summary ?? '').policy)).toEqual([
    'balanced',
    'strict',
    'balanced',
  ])
  expect(policies[0]?.digest).toMatch(/^[0-9a-f]{64}$/)
  expect(policies[2]).toEqual(policies[0])
  expect(policies[1]?.digest).not.toBe(policies[0]?.digest)
})

test.each([
  { HOLDFAST_TENANT_POLICIES: '{ acme: strict }' },
  { HOLDFAST_SHADOW_POLICY: 'strict' },
  { HOLDFAST_IDLE_TIMEOUT: '1h' },
  { HOLDFAST_SESSION_LIMIT: '3' },
  { HOLDFAST_PREFIX_V4: '16' },
])('%o is another policy', async (env) => {
  const { start, told } = estate()
  await start()

  await start(env)

  expect(await told()).toHaveLength(2)
})

test('what decides nothing about sessions is no other policy', async () => {
  const { start, told } = estate()
  await start()

  await start({ HOLDFAST_LOG_LEVEL: 'warn', HOLDFAST_DRAIN: '1s' })

  expect(await told()).toHaveLength(1)
})

test('a new audit log has the policy in force, once', async () => {
  const { start, told, record } = estate()
  const audited = { HOLDFAST_AUDIT_DIRECTORY: '/var/lib/holdfast/audit' }
  await start()

  await Promise.all([start(audited), start(audited)])
  await start()
  await start(audited)
  expect(await told()).toMatchObject([{ reason: 'in_force' }, { reason: 'in_force' }])

  await forgetAudited(record)
  await start()
  expect(await told()).toHaveLength(2)
  await start(audited)
  expect(await told()).toHaveLength(3)
})

test('a store that is away is asked until it has the event, once', async () => {
  for (const work of ['read', 'write', 'written', 'append'] as const) {
    const down = failing(2)
    const { start, told, warned } = estate((store) => ({
      ...store,
      subjects: {
        ...store.subjects,
        read: (key) =>
          work === 'read' ? down(() => store.subjects.read(key)) : store.subjects.read(key),
        async write(key, history) {
          if (work === 'write') return down(() => store.subjects.write(key, history))
          const outcome = await store.subjects.write(key, history)
          // The answer is lost, and not what was written.
          return work === 'written' ? down(async () => outcome) : outcome
        },
      },
      feed: {
        ...store.feed,
        append: (key, events) =>
          work === 'append'
            ? down(() => store.feed.append(key, events))
            : store.feed.append(key, events),
      },
    }))

    await start()
    await start()

    expect(warned.length, work).toBe(2)
    expect(await told(), work).toMatchObject([{ reason: 'in_force' }])
  }
})

test('a policy whose process ended before its event was kept is told by the next one', async () => {
  let isFull = false
  const { start, told, warned, advance } = estate((store) => ({
    ...store,
    feed: {
      ...store.feed,
      async append(key, events) {
        if (isFull) throw new SessionError('store_unavailable', 'Too much waits.')
        await store.feed.append(key, events)
      },
    },
  }))
  await start()
  advance(1_000)
  isFull = true
  const killed = new AbortController()
  const telling = start(STRICT, killed.signal)
  await expect.poll(() => warned.length).toBeGreaterThan(0)
  killed.abort()
  await telling
  isFull = false

  advance(60_000)
  await start(STRICT)
  await start(STRICT)

  expect(await told()).toMatchObject([{ reason: 'in_force' }, { reason: 'taken_up' }])
})

test('a service that stops asks no more', async () => {
  const { start, ended, told } = estate((store) => ({
    ...store,
    subjects: {
      ...store.subjects,
      read: async () => {
        throw new SessionError('store_unavailable', 'The store is away.')
      },
    },
  }))
  const asking = start()
  await turn()

  ended.abort()
  await asking

  expect(await told()).toEqual([])
})
