import { setImmediate as turn } from 'node:timers/promises'
import { createSessions, newKeyring, SessionError, type Sessions, systemHost } from 'holdfast'
import { eventLog, namedRecord } from 'holdfast/maintenance'
import { memoryStore } from 'holdfast/memory'
import { PARTITIONS, type Positions, type Store } from 'holdfast/store'
import { expect, test } from 'vitest'
import {
  type AuditEntry,
  type FeedPart,
  isReadable,
  type UnreadableEntry,
} from '../../../src/audit/entry.ts'
import { LEASE_MS, writerLease } from '../../../src/audit/writer/lease.ts'
import { type LogSink, runAuditWriter, type WriterState } from '../../../src/audit/writer/writer.ts'

const PATIENT = { timeout: 60_000 }

/** A log in memory that knows what it has by its id, as the log on disk does. */
interface Sink extends LogSink {
  readonly entries: AuditEntry[]
  readonly unreadable: UnreadableEntry[]
  restarts: number
  full: boolean
}

function sink(): Sink {
  const entries: AuditEntry[] = []
  const unreadable: UnreadableEntry[] = []
  let base: readonly number[] = Array.from({ length: PARTITIONS }, () => 0)

  function positions(): Positions {
    const found = [...base]
    for (const { partition, sequence } of [...entries, ...unreadable]) {
      found[partition] = Math.max(found[partition] ?? 0, sequence)
    }
    return found
  }

  const log = {
    ...{ entries, unreadable },
    restarts: 0,
    full: false,
    async begin(_epoch: number, taken: Positions) {
      base = base.map((sequence, at) => Math.max(sequence, taken[at] ?? 0))
      return positions()
    },
    async append(added: readonly FeedPart[]) {
      if (log.full) throw new SessionError('store_unavailable', 'the disk is full')
      const known = new Set(entries.map(({ event }) => event.id))
      entries.push(...added.filter(isReadable).filter(({ event }) => !known.has(event.id)))
      unreadable.push(...added.flatMap((part) => (isReadable(part) ? [] : part)))
      return positions()
    },
    async restart(from: Positions, _heads: Positions) {
      log.restarts++
      base = from
    },
  }
  return log
}

interface Estate {
  readonly store: Store
  readonly sessions: Sessions
  time: number
  start(log: LogSink, owner?: string): Writer
  /** Says that the store may have lost something. */
  rollBack(): void
}

interface Writer {
  readonly states: WriterState[]
  stop(): Promise<void>
}

function estate(store: Store = memoryStore(), feed: Store['feed'] = store.feed): Estate {
  const keyring = newKeyring()
  const listeners = new Set<(lost: readonly number[]) => void>()
  const world: Estate = {
    store,
    rollBack() {
      for (const heard of listeners) heard([])
    },
    sessions: createSessions({ store, keyring }),
    time: 1_000_000,
    start(log, owner = 'one') {
      const record = namedRecord({ store, keyring, host: systemHost(), name: 'audit writer' })
      const ended = new AbortController()
      const states: WriterState[] = []
      const running = runAuditWriter({
        lease: writerLease({ record, now: () => world.time, owner }),
        sink: log,
        events: eventLog({ store, keyring }),
        feed,
        onRollback(heard) {
          listeners.add(heard)
          return () => void listeners.delete(heard)
        },
        stop: ended.signal,
        onState: (state) => states.push(state),
        retryMs: 10,
      })
      return {
        states,
        async stop() {
          ended.abort()
          await running
        },
      }
    },
  }
  return world
}

const REQUEST = {
  ip: '203.0.113.7',
  method: 'POST',
  url: '/login',
  headers: { 'user-agent': 'Mozilla/5.0' },
}

async function login({ sessions }: Estate, subject: string): Promise<void> {
  const done = await sessions.create({ subject, request: REQUEST })
  expect(done.ok).toBe(true)
}

test('what happened before and while a writer runs is in the log, in order', async () => {
  const world = estate()
  const log = sink()
  await login(world, 'ada')

  const writer = world.start(log)
  await expect.poll(() => log.entries.length).toBe(1)
  for (let n = 0; n < 50; n++) await login(world, `user ${n}`)
  await expect.poll(() => log.entries.length, PATIENT).toBe(51)
  await writer.stop()

  expect(log.entries.map(({ event }) => event.type)).toEqual(Array(51).fill('session-established'))
  expect(log.restarts).toBe(1)
})

test('an event that does not open is brought to the log by its place', async () => {
  const world = estate()
  const log = sink()
  // The first of its partition, whatever partitions the two have by their key ring.
  const lost = { id: 'A'.repeat(22), at: 1_000_000, sealed: Buffer.from('not sealed by us') }
  await world.store.feed.append(lost.id, [lost])
  await login(world, 'ada')
  await login(world, 'bob')

  const writer = world.start(log)
  await expect.poll(() => log.entries.length).toBe(2)
  await expect.poll(() => log.unreadable.length).toBe(1)
  await writer.stop()

  expect(log.unreadable).toEqual([{ partition: 0, sequence: 1, unreadable: lost.id }])
  expect(writer.states.map(({ is }) => is)).toEqual(['writing'])
})

test('a successor goes on where the one before acknowledged, with a log of its own', async () => {
  const world = estate()
  const [first, second] = [sink(), sink()]
  await login(world, 'ada')
  const writer = world.start(first)
  await expect.poll(() => first.entries.length).toBe(1)
  await writer.stop()
  await login(world, 'bob')

  const successor = world.start(second, 'two')
  await expect.poll(() => second.entries.length).toBe(1)
  await successor.stop()

  const [one, other] = [first.entries[0]?.event, second.entries[0]?.event]
  expect(one?.subject).not.toBe(other?.subject)
  expect(second.restarts).toBe(0)
})

test('while one process writes, another stands by and says who does', async () => {
  const world = estate()
  const writer = world.start(sink())
  await expect.poll(() => writer.states).toEqual([{ is: 'writing', epoch: 1 }])

  const standby = world.start(sink(), 'two')

  await expect.poll(() => standby.states).toEqual([{ is: 'standby', holder: 'one' }])
  await standby.stop()
  await writer.stop()
})

test('a full disk is told once, loses nothing, and is gone on with', async () => {
  const world = estate()
  const log = sink()
  const writer = world.start(log)
  await expect.poll(() => writer.states).toHaveLength(1)
  log.full = true
  await login(world, 'ada')
  await expect.poll(() => writer.states.at(-1)?.is).toBe('failing')

  log.full = false

  await expect.poll(() => log.entries.length).toBe(1)
  expect(writer.states.map(({ is }) => is)).toEqual(['writing', 'failing', 'writing'])
  await writer.stop()
})

/** More logins than the feed of a store has room for. */
async function crowd(world: Estate): Promise<void> {
  for (let n = 0; n < 6_000; n++) await login(world, `user ${n % 40}`)
}

async function writtenOnce(world: Estate, log: ReturnType<typeof sink>): Promise<void> {
  await login(world, 'ada')
  const writer = world.start(log)
  await expect.poll(() => log.entries.length).toBe(1)
  await writer.stop()
}

test('while nobody writes, the store drops nothing that the log has not got', async () => {
  const world = estate(memoryStore({ feedBytes: 1_000_000 }))
  const log = sink()
  await writtenOnce(world, log)
  await crowd(world)

  const writer = world.start(log)

  await expect.poll(() => log.entries.length, PATIENT).toBe(6_001)
  expect(log.restarts).toBe(1)
  await writer.stop()
})

test('what a store that holds nothing has dropped is noticed, and the rest is read', async () => {
  const store = memoryStore({ feedBytes: 1_000_000 })
  const { hold: _, ...feed } = store.feed
  const world = estate(store, feed)
  const log = sink()
  await writtenOnce(world, log)
  await crowd(world)

  const writer = world.start(log)

  await expect.poll(() => log.restarts, PATIENT).toBe(2)
  const { items } = await store.feed.read(undefined, 1_000)
  const kept = items.filter(({ kind }) => kind === 'event').length
  await expect.poll(() => log.entries.length, PATIENT).toBeGreaterThan(kept)
  expect(log.entries.length).toBeLessThan(6_001)
  await writer.stop()
})

test('a writer that slept through its lease ends, and begins again behind the other', async () => {
  const world = estate()
  const [first, second] = [sink(), sink()]
  const sleeper = world.start(first)
  await expect.poll(() => sleeper.states).toHaveLength(1)
  world.time += LEASE_MS

  const successor = world.start(second, 'two')

  await expect.poll(() => successor.states.at(-1)?.is).toBe('writing')
  await expect
    .poll(() => sleeper.states.at(-1), { timeout: 10_000 })
    .toEqual({ is: 'standby', holder: 'two' })
  await successor.stop()
  await sleeper.stop()
})

test('after a loss of the store all is read again, once what is under way is written', async () => {
  const world = estate()
  const log = sink()
  const acts: string[] = []
  const gate: { open: () => void } = { open: () => {} }
  const slow: LogSink = {
    begin: (epoch, taken) => log.begin(epoch, taken),
    async append(entries, through) {
      if (entries.length === 0) return log.append([], through)
      acts.push('append begins')
      await new Promise<void>((resolve) => {
        gate.open = resolve
      })
      const positions = await log.append(entries, through)
      acts.push('append ends')
      return positions
    },
    async restart(oldest, heads) {
      acts.push(`restart up to ${heads.reduce((sum, head) => sum + head, 0)}`)
      await log.restart(oldest, heads)
    },
  }
  const writer = world.start(slow)
  await expect.poll(() => writer.states, PATIENT).toHaveLength(1)
  acts.length = 0
  await login(world, 'ada')
  await expect.poll(() => acts, PATIENT).toEqual(['append begins'])

  world.rollBack()
  await login(world, 'bob')
  for (let turns = 0; turns < 50; turns++) await turn()
  gate.open()
  await expect.poll(() => acts.length, PATIENT).toBe(4)
  gate.open()

  await expect.poll(() => log.entries.length, PATIENT).toBe(2)
  await writer.stop()
  expect(acts).toEqual([
    'append begins',
    'append ends',
    expect.stringMatching(/^restart up to \d+$/),
    'append begins',
    'append ends',
  ])
})
