import type { SessionEvent } from 'holdfast/maintenance'
import { expect, onTestFinished, test } from 'vitest'
import type { LoggedEntry } from '../../../src/audit/entry.ts'
import type { PostgresAddress } from '../../../src/audit/search/shared/postgres.ts'
import {
  openSharedIndex,
  type SharedIndex,
  type Source,
} from '../../../src/audit/search/shared/shared-index.ts'
import { ask, sharedPostgres } from './postgres-server.ts'
import { entry, NOW } from './support.ts'

const NORTH: Source = { origin: 'north', epoch: 1, first: 0 }
const SOUTH: Source = { origin: 'south', epoch: 2, first: 0 }

interface Opened extends SharedIndex {
  readonly address: PostgresAddress
}

async function opened(given?: PostgresAddress): Promise<Opened> {
  const address = given ?? (await (await sharedPostgres()).database())
  const index = openSharedIndex({ address, now: () => NOW })
  onTestFinished(() => index.close())
  return { ...index, address }
}

async function prepared(): Promise<Opened> {
  const index = await opened()
  await index.prepare()
  return index
}

function named(id: string, index: number, event: Partial<SessionEvent> = {}): LoggedEntry {
  return entry(index, { id, ...event }, { subject: 'ada', address: '203.0.113.7' })
}

/** Lines of a log from one on, one event each. */
function lines(from: number, entries: readonly LoggedEntry[]) {
  return { from, to: from + entries.length, entries }
}

async function idsIn({ searches }: SharedIndex): Promise<readonly string[]> {
  return (await searches.events({})).items.map(({ event }) => event.id).toReversed()
}

test('two logs of one store are one index, and an event that both have is in it once', async () => {
  const index = await prepared()
  const of = { subject: 'key', session: 's' }
  await index.ingest(NORTH, lines(0, [named('a', 0, of), named('b', 1, of), named('c', 2, of)]))

  await index.ingest(SOUTH, lines(0, [named('b', 0, of), named('c', 1, of), named('d', 2, of)]))

  expect(await idsIn(index)).toEqual(['a', 'b', 'c', 'd'])
  expect((await index.searches.sessions({})).items).toMatchObject([{ session: 's', events: 4 }])
  expect(await Promise.all([index.indexedTo('north'), index.indexedTo('south')])).toEqual([3, 3])
})

test('lines count on over all logs, so that who watches hears of each event once', async () => {
  const index = await prepared()
  await index.ingest(NORTH, lines(0, [named('a', 0), named('b', 1)]))
  const { nextLine } = await index.searches.events({})

  await index.ingest(SOUTH, lines(0, [named('c', 0)]))
  await index.ingest(NORTH, lines(2, [named('d', 2)]))

  const { items } = await index.searches.events({ fromLine: nextLine })
  expect(items.map(({ line, event }) => [line, event.id])).toEqual([
    [3, 'd'],
    [2, 'c'],
  ])
})

test('a writer that was succeeded in its log adds nothing any more', async () => {
  const index = await prepared()
  await index.ingest(NORTH, lines(0, [named('a', 0)]))
  const successor = { ...NORTH, epoch: 7, first: 1 }
  expect(await index.cursor(successor)).toBe(1)

  const late = index.ingest(NORTH, lines(1, [named('stale', 1)]))

  await expect(late).rejects.toMatchObject({ code: 'store_contended' })
  await index.ingest(successor, lines(1, [named('b', 1)]))
  expect(await idsIn(index)).toEqual(['a', 'b'])
})

test('what a writer added after its successor began is read again, and is once there', async () => {
  const index = await prepared()
  const stale = [named('a', 0), named('b', 1), named('c', 2)]
  await index.ingest(NORTH, lines(0, stale))
  // Of those, the log of the successor has the first alone, and what it has read then itself.
  const successor = { ...NORTH, epoch: 2, first: 1 }

  const next = await index.cursor(successor)
  const counted = [named('other', 1), named('b', 2), named('c', 3), named('d', 4)]
  await index.ingest(successor, lines(next, counted))

  expect(next).toBe(1)
  expect(new Set(await idsIn(index))).toEqual(new Set(['a', 'b', 'c', 'other', 'd']))
  expect(await idsIn(index)).toHaveLength(5)
})

test('writers at once are in each other’s way, and nothing is lost or doubled', async () => {
  const one = await prepared()
  const other = await opened(one.address)
  const of = { subject: 'key', session: 's' }
  const all = Array.from({ length: 60 }, (_, at) => named(`event-${at}`, at, of))

  await Promise.all(
    [one, other].map(async (index) => {
      for (let next = 0; next < all.length; )
        next = await index.ingest(NORTH, lines(next, all.slice(next, next + 7)))
    }),
  )

  expect(await idsIn(one)).toEqual(all.map(({ event }) => event.id))
  expect((await one.searches.subjects({})).items).toMatchObject([{ events: 60, sessions: 1 }])
})

test('lines that come too early are not taken, and it says which it wants', async () => {
  const index = await prepared()

  expect(await index.ingest(NORTH, lines(5, [named('f', 5)]))).toBe(0)

  expect(await idsIn(index)).toEqual([])
})

test('of who was erased in one log nothing comes back from another', async () => {
  const index = await prepared()
  const of = { subject: 'key' }
  await index.ingest(NORTH, lines(0, [named('a', 0, of)]))

  await index.forget('key', NOW)
  await index.ingest(SOUTH, lines(0, [named('b', 0, of), named('c', 1, { ...of, at: NOW + 1 })]))

  const { items } = await index.searches.events({})
  expect(items.map(({ event, personal }) => [event.id, personal?.subject])).toEqual([
    ['c', 'ada'],
    ...[['b'], ['a']].map(([id]) => [id, undefined]),
  ])
})

test('an erasure that was interrupted goes on', async () => {
  const index = await prepared()
  await index.ingest(NORTH, lines(0, [named('a', 0, { subject: 'key' })]))
  const erased = { subject: 'key', at: NOW }
  await index.ingest(NORTH, { from: 1, to: 2, entries: [], erased })
  expect((await index.searches.subjects({})).items).toMatchObject([{ name: 'ada' }])

  await index.forgetRest()

  expect((await index.searches.subjects({})).items).toMatchObject([{ name: null }])
  expect((await index.searches.events({ subject: 'ada' })).items).toEqual([])
})

test('who searches before the index is made is told so', async () => {
  const index = await opened()

  await expect(index.searches.events({})).rejects.toMatchObject({
    code: 'store_unavailable',
    message: expect.stringContaining('is not made yet'),
  })
})

test('many may make it at once, and again', async () => {
  const first = await opened()
  const all = await Promise.all([first.address, first.address, first.address].map(opened))

  await Promise.all([...all, first].map((index) => index.prepare()))

  expect(await idsIn(first)).toEqual([])
})

test('an index that is made anew is filled from logs, and who was erased stays so', async () => {
  const index = await prepared()
  const of = { subject: 'key' }
  await index.ingest(NORTH, lines(0, [named('a', 0, of)]))
  await index.forget('key', NOW)

  await index.renew()

  expect(await idsIn(index)).toEqual([])
  expect(await index.ingest(NORTH, lines(1, [named('b', 1, of)]))).toBe(0)
  await index.ingest(NORTH, lines(0, [named('a', 0, of), named('b', 1, of)]))
  const { items } = await index.searches.events({})
  expect(items).toMatchObject([{ personal: null }, { personal: null }])
})

test.for([
  ['an index without its version', []],
  ['more than an index', ['search_version (steps BIGINT)', 'invoices (total INTEGER)']],
] as const)('tables of somebody else are left alone: %s', async ([, more]) => {
  const index = await opened()
  await ask(index.address, 'CREATE SCHEMA holdfast')
  for (const table of ['events (mine TEXT)', ...more])
    await ask(index.address, `CREATE TABLE holdfast.${table}`)

  for (const work of [index.prepare, index.renew]) {
    await expect(work()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('tables that are not of the index'),
    })
  }

  expect(await ask(index.address, 'SELECT mine FROM holdfast.events')).toEqual([])
})

test('tables of a later version are left alone', async () => {
  const index = await prepared()
  await ask(index.address, 'UPDATE holdfast.search_version SET steps = 99')
  const other = await opened(index.address)

  for (const work of [other.prepare, () => other.searches.events({})]) {
    await expect(work()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('later version'),
    })
  }
})

test.for([
  ['DROP TABLE holdfast.places', '42P01'],
  ['ALTER TABLE holdfast.events DROP COLUMN json', '42703'],
] as const)('after %s it says that the index is damaged, and how it is mended', async ([what]) => {
  const index = await prepared()
  await index.ingest(NORTH, lines(0, [named('a', 0, { subject: 'key' })]))
  await ask(index.address, what)

  for (const work of [
    async () => [await index.searches.events({}), await index.searches.subjects({})],
    () => index.ingest(NORTH, lines(1, [named('b', 1, { subject: 'key' })])),
  ]) {
    await expect(work()).rejects.toMatchObject({
      code: 'record_invalid',
      message: expect.stringContaining('holdfast audit reindex'),
    })
  }
  await index.renew()

  await index.ingest(NORTH, lines(0, [named('a', 0, { subject: 'key' })]))
  expect((await index.searches.subjects({})).items).toMatchObject([{ name: 'ada' }])
})

test('what a fault quotes of a row is in no message', async () => {
  const index = await prepared()
  const odd = named('a', 0, { at: 'ada' as unknown as number })

  const failed = index.ingest(NORTH, lines(0, [odd]))

  await expect(failed).rejects.toMatchObject({
    message: 'The PostgreSQL of the audit log refuses a statement (22P02)',
  })
})
