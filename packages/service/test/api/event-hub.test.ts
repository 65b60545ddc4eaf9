import { EventSourceParserStream } from 'eventsource-parser/stream'
import { createSessions } from 'holdfast'
import { type EventLog, eventLog, newKeyring } from 'holdfast/maintenance'
import { memoryStore } from 'holdfast/memory'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../../holdfast/test/support/until.ts'
import { type EventHub, eventHub } from '../../src/api/event-hub.ts'
import { abroad } from '../support.ts'

/** A hub over the events of a store, and what it asks of their log. */
function hubbed() {
  const store = memoryStore()
  const keyring = newKeyring()
  const sessions = createSessions({ store, keyring, personalFacts: 'full' })
  const log = eventLog({ store, keyring })
  const asked = { watch: 0, read: 0, opened: 0 }
  const counted: EventLog = {
    ...log,
    read(after, limit) {
      asked.read++
      return log.read(after, limit)
    },
    async *watch(after, stop, everyMs) {
      asked.watch++
      for await (const one of log.watch(after, stop, everyMs)) {
        if (one.kind === 'event') asked.opened++
        yield one
      }
    },
  }
  const stopping = new AbortController()
  const readers = { count: 0 }
  const hub = eventHub({
    events: counted,
    stopping: stopping.signal,
    heartbeatMs: 20,
    log: pino({ level: 'silent' }),
    metrics: {
      eventReaders(count) {
        readers.count = count
      },
    },
  })
  onTestFinished(async () => {
    stopping.abort()
    await store.close()
  })
  return {
    hub,
    log,
    asked,
    readers,
    stopping,
    happen: (subject: string) =>
      sessions.report({ kind: 'login_failed', subject, request: abroad() }),
  }
}

interface Opened {
  readonly ids: string[]
  /** The names of subjects that came along. */
  readonly names: (string | undefined)[]
  readonly positions: string[]
  readonly cutOff: () => boolean
  cancel(): Promise<void>
}

/** A stream; `reads: false` takes nothing of it. */
async function opened(
  hub: EventHub,
  from: string,
  { reads = true, personal = false } = {},
): Promise<Opened> {
  const ids: string[] = []
  const names: (string | undefined)[] = []
  const positions: string[] = []
  let cut = false
  const response = await hub.open({
    from,
    name: personal ? 'all, personal' : 'all',
    wanted: () => true,
    personal,
    cut() {
      cut = true
    },
  })
  const body = response.body ?? new ReadableStream<Uint8Array<ArrayBuffer>>()
  if (!reads) return { ids, names, positions, cutOff: () => cut, cancel: () => body.cancel() }
  const stop = new AbortController()
  void body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
    .pipeTo(
      new WritableStream({
        write({ id, data }) {
          positions.push(id ?? '')
          if (data === '') return
          const { id: name, personal: facts } = JSON.parse(data)
          ids.push(name)
          names.push(facts?.subject)
        },
      }),
      { signal: stop.signal },
    )
    .catch(() => {})
  return { ids, names, positions, cutOff: () => cut, cancel: async () => stop.abort() }
}

async function allIds(log: EventLog): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  for (;;) {
    const page = await log.read(cursor, 500)
    ids.push(...page.items.map(({ id }) => id))
    if (page.cursor === cursor) return ids
    cursor = page.cursor
  }
}

test('many readers cost one follower and one opening of each event', async () => {
  const { hub, log, asked, readers, happen } = hubbed()
  const from = await log.head()
  const all = await Promise.all(Array.from({ length: 200 }, () => opened(hub, from)))

  for (let at = 0; at < 20; at++) await happen(`user-${at}`)
  const expected = await allIds(log)

  await until('all have all', () => all.every(({ ids }) => ids.length === expected.length))
  for (const { ids } of all) expect([...ids].sort()).toEqual([...expected].sort())
  expect(asked).toEqual({ watch: 1, read: 0, opened: expected.length })
  for (const one of all) await one.cancel()
  await until('all are forgotten', () => readers.count === 0)
})

test('personal facts come to those who ask for them, live and from before', async () => {
  const { hub, log, happen } = hubbed()
  const from = await log.head()
  const open = await opened(hub, from)
  const first = await opened(hub, from, { personal: true })
  for (const name of ['ada', 'eve']) await happen(name)
  await until('both have both', () => open.ids.length === 2 && first.ids.length === 2)

  const later = await opened(hub, from, { personal: true })
  await happen('joe')
  await until('all have all', () => [open, first, later].every(({ ids }) => ids.length === 3))

  expect(open.names).toEqual([undefined, undefined, undefined])
  expect([...first.names].sort()).toEqual(['ada', 'eve', 'joe'])
  expect([...later.names].sort()).toEqual(['ada', 'eve', 'joe'])
})

test('a reader who comes back gets each event once, from memory or from the store', async () => {
  const { hub, log, asked, happen } = hubbed()
  const from = await log.head()
  const steady = await opened(hub, from)
  for (let at = 0; at < 10; at++) await happen(`user-${at}`)
  await until('the first ten', () => steady.ids.length >= 10)
  const lately = steady.positions.at(-1) ?? ''

  for (let at = 0; at < 50; at++) await happen(`later-${at % 7}`)
  const back = await opened(hub, lately)
  const readsOfMemory = asked.read
  for (let at = 0; at < 400; at++) await happen(`again-${at % 11}`)
  const late = await opened(hub, from)
  for (let at = 0; at < 10; at++) await happen(`last-${at}`)
  const expected = await allIds(log)

  await until('all have all', () => late.ids.length >= expected.length)
  await until(
    'the other, too',
    () => steady.ids.length + back.ids.length >= 2 * expected.length - 10,
  )
  expect(readsOfMemory).toBe(0)
  for (const ids of [steady.ids, late.ids]) expect([...ids].sort()).toEqual([...expected].sort())
  expect(new Set(back.ids).size).toBe(back.ids.length)
  expect(back.ids).toHaveLength(expected.length - 10)
})

test('whoever resumes at any position that it was told misses nothing', async () => {
  const { hub, log, happen } = hubbed()
  const from = await log.head()
  const first = await opened(hub, from)
  for (let at = 0; at < 30; at++) await happen(`user-${at % 5}`)
  await until('all are told', () => first.ids.length === 30)
  const positions = [...new Set(first.positions)]

  for (const [at, position] of positions.entries()) {
    const { items } = await log.read(position, 500)
    const resumed = await opened(hub, position)
    await until(`the rest after ${at}`, () => resumed.ids.length >= items.length)
    expect([...resumed.ids].sort()).toEqual(items.map(({ id }) => id).sort())
    await resumed.cancel()
  }
})

test('the follower ends with its last reader, and begins anew with the next', async () => {
  const { hub, log, asked, readers, happen } = hubbed()
  const one = await opened(hub, await log.head())
  await one.cancel()
  await until('nobody reads', () => readers.count === 0)

  await happen('unseen')
  const unseen = asked.opened
  const other = await opened(hub, await log.head())
  await happen('seen')

  await until('the other hears of it', () => other.ids.length === 1)
  expect(unseen).toBe(0)
  expect(asked.watch).toBe(2)
})

test('a store that is lost ends the streams, and the next one tells it', async () => {
  const { hub, log, happen } = hubbed()
  const broken = eventHub({
    events: {
      ...log,
      async *watch() {
        yield await Promise.reject(new Error('lost'))
      },
    },
    stopping: new AbortController().signal,
    heartbeatMs: 20,
    log: pino({ level: 'silent' }),
    metrics: { eventReaders() {} },
  })
  await happen('somebody')

  const from = await log.head()
  await opened(broken, from)
  await opened(broken, from)

  await until('both are ended', () => broken.size() === 0)
  expect(hub.size()).toBe(0)
})

test('a reader that takes nothing is cut off, and the others have all', async () => {
  const { hub, log, happen } = hubbed()
  const from = await log.head()
  const idle = await Promise.all(
    Array.from({ length: 200 }, () => opened(hub, from, { reads: false })),
  )
  const good = await opened(hub, from)

  for (let at = 0; at < 2_000; at++) await happen(`user-${at}`)

  await until('the idle ones are gone', () => hub.size() === 1)
  expect(idle.every(({ cutOff }) => cutOff())).toBe(true)
  expect(good.cutOff()).toBe(false)
  const expected = await allIds(log)
  await until('the other has all', () => good.ids.length === expected.length)
})
