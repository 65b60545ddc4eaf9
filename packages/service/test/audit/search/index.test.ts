import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../../src/audit/database.ts'
import { type ByClass, byClass } from '../../../src/audit/retention.ts'
import { openIndex } from '../../../src/audit/search/event-index.ts'
import { isDamage, type OpenedIndex, openIndexFile } from '../../../src/audit/search/index-file.ts'
import type { Search } from '../../../src/audit/search/search.ts'
import { folder } from '../../support.ts'
import { allPages, arbitraryEntries, DAY, entry, memoryIndex, NOW } from './support.ts'

function opened(path: string): OpenedIndex {
  const one = openIndexFile(path, { now: () => NOW })
  onTestFinished(() => one.database.close())
  return one
}

test('lines that the index has are left out, and it knows the line that it waits for', () => {
  const { index } = memoryIndex()

  index.ingest([entry(5, { subject: 'a' }), entry(6, { subject: 'a' })])
  index.ingest([entry(5, { subject: 'a' }), entry(6, { subject: 'a' }), entry(7)])

  expect(index.cursor()).toBe(8)
  expect(index.events({}).items.map(({ line }) => line)).toEqual([7, 6, 5])
  expect(index.subjects({}).items).toMatchObject([{ events: 2 }])
})

test('an index that was closed goes on where it was', () => {
  const path = join(folder(), 'index.db')
  const first = openIndexFile(path, { now: () => NOW })
  first.index.ingest([entry(0), entry(1)])
  first.database.close()

  const { index, putAside } = opened(path)

  expect(putAside).toBeNull()
  expect(index.cursor()).toBe(2)
})

test.for([
  ['no database', (path: string) => writeFileSync(path, 'something else'.repeat(1_000))],
  ['cut off', (path: string) => truncateSync(path, 20_000)],
  ['overwritten', (path: string) => overwrite(path, 4_096, 100_000)],
  ['gone', (path: string) => rmSync(path)],
] as const)('a file that is %s is begun anew, with the old one put aside', ([what, damage]) => {
  const path = join(folder(), 'index.db')
  const first = openIndexFile(path, { now: () => NOW })
  first.index.ingest(Array.from({ length: 500 }, (_, line) => entry(line, { subject: 'key' })))
  closeWhole(first)
  damage(path)

  const { index, putAside } = opened(path)

  expect(index.cursor()).toBe(0)
  expect(putAside !== null && existsSync(putAside)).toBe(what !== 'gone')
  index.ingest([entry(0)])
  expect(index.events({}).items).toHaveLength(1)
})

test('damage that shows later is known as such', () => {
  const path = join(folder(), 'index.db')
  const first = openIndexFile(path, { now: () => NOW })
  first.index.ingest(
    Array.from({ length: 5_000 }, (_, line) => entry(line, { subject: `key-${line}` })),
  )
  closeWhole(first)
  overwrite(path, 400_000, 400_000)
  let failure: unknown

  try {
    const { index: damaged } = opened(path)
    for (let line = 0; line < 5_000; line += 10) damaged.events({ subjectKey: `key-${line}` })
  } catch (error) {
    failure = error
  }

  expect(isDamage(failure)).toBe(true)
})

/** With nothing left in the write-ahead log, which would mend the file. */
function closeWhole({ database }: OpenedIndex): void {
  database.all('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
}

function overwrite(path: string, from: number, bytes: number): void {
  const content = readFileSync(path)
  content.fill(0xa5, from, Math.min(content.length, from + bytes))
  writeFileSync(path, content)
}

const HOSTILE = [
  ...["o'brien", '"; DROP TABLE events; --', '%', '_', '100%', '\\', '\\0', 'a\0b', 'a', '\0'],
  ...['\u202egnp.exe', '<b>x</b>', '\x1b[31m', '{"a":', 'x'.repeat(10_240), '💥', '?1', ':name'],
]

test('hostile names, actors, reasons and agents are found as they are, and nothing else is', () => {
  const { index } = memoryIndex()
  index.ingest(
    HOSTILE.map((text, line) =>
      entry(
        line,
        { subject: `key-${line}`, session: `s-${line}`, actor: text, reason: text },
        { subject: text, tenant: text, userAgent: text },
      ),
    ),
  )

  for (const [line, text] of HOSTILE.entries()) {
    const bySubject = index.events({ subject: text, tenant: text })
    const byActor = index.events({ actor: text, reason: text })
    const sessions = index.sessions({ subject: text, tenant: text })
    const subjects = index.subjects({ tenant: text, actor: text })
    const ofTenant = allPages(index.sessions, { tenant: text })

    expect([text, bySubject.items.map((one) => one.line)]).toEqual([text, [line]])
    expect(bySubject.items[0]?.personal).toEqual({
      ...{ subject: text, tenant: text, address: null, userAgent: text },
    })
    expect(byActor.items.map((one) => one.line)).toEqual([line])
    expect(sessions.items).toMatchObject([{ session: `s-${line}`, name: text, tenant: text }])
    expect(subjects.items).toMatchObject([{ subject: `key-${line}` }])
    expect(ofTenant).toMatchObject([{ session: `s-${line}` }])
  }
})

test.for([
  [{ after: '1.2' }, 'after'],
  [{ after: '1.2.99999999999999999999' }, 'after'],
  [{ network: '203.0.113.0/33' }, 'network'],
  [{ network: "' OR 1=1 --" }, 'network'],
  [{ network: '203.0.113.7/24' }, 'network'],
  [{ since: NOW, until: NOW }, 'until'],
] as const)('%j cannot be searched, and the field is named', ([search, field]) => {
  const { index } = memoryIndex()

  const ask = (): unknown => index.sessions(search as Search)

  expect(ask).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  expect(ask).toThrow(new RegExp(`^${field} `))
})

test('events of 30 days are searched unless it is said otherwise', () => {
  const { index } = memoryIndex()
  index.ingest([entry(0, { at: NOW - 31 * DAY }), entry(1, { at: NOW - 29 * DAY })])

  expect(index.events({}).items.map(({ line }) => line)).toEqual([1])
  expect(index.events({}).searchedTo).toBe(NOW - 30 * DAY)
  expect(index.events({ since: 0 }).items.map(({ line }) => line)).toEqual([1, 0])
})

test('what no index serves says how far back it has looked, and goes on from there', () => {
  const { index } = memoryIndex(10)
  const android = { family: 'chrome', major: 1, os: 'android' } as const
  index.ingest(
    Array.from({ length: 35 }, (_, line) => entry(line, { device: line === 2 ? android : null })),
  )

  const first = index.events({ os: 'android', limit: 10 })

  expect(first.items).toEqual([])
  expect(first.searchedTo).toBe(NOW - DAY + 25)
  expect(first.next).toBeDefined()
  const found = allPages(index.events, { os: 'android' })
  expect(found.map(({ line }) => line)).toEqual([2])
})

test('pruning removes what is older, in steps, and leaves the rest as it was', () => {
  fc.assert(
    fc.property(arbitraryEntries(60), fc.nat({ max: 40 }), (entries, ago) => {
      const database = openDatabase(':memory:')
      const index = openIndex(database, { now: () => NOW })
      index.ingest(entries)
      const all = allPages(index.events, { since: 0 })
      const sessions = allPages(index.sessions, { since: 0 })
      const before = NOW - ago * DAY

      while (!index.prune({ before: byClass(() => before) }));

      expect(allPages(index.events, { since: 0 })).toEqual(
        all.filter(({ event }) => event.at >= before),
      )
      expect(allPages(index.sessions, { since: 0 })).toEqual(
        sessions.filter(({ lastSeen }) => lastSeen >= before),
      )
      expect(index.cursor()).toBe(entries.length)
      database.close()
    }),
    { numRuns: 50 },
  )
})

test('each class of events goes with its own time', () => {
  const { index } = memoryIndex()
  const types = ['session-established', 'session-presented', 'token-reused', 'admin-acted'] as const
  index.ingest(types.map((type, line) => entry(line, { type, at: NOW - 5 * DAY })))
  const kept: Partial<ByClass> = { session: 3 * DAY, detection: 4 * DAY }

  while (!index.prune({ before: byClass((name) => NOW - (kept[name] ?? 6 * DAY)) }));

  expect(index.events({ since: 0 }).items.map(({ event }) => event.type)).toEqual([
    ...['admin-acted', 'session-established'],
  ])
})

test('places of failed logins go with their time, though their subject stays', () => {
  const { index } = memoryIndex()
  const type = 'login-failed'
  index.ingest([
    entry(0, { type, subject: 'key', at: NOW - 9 * DAY }, { address: '203.0.113.7' }),
    entry(1, { type, subject: 'key', at: NOW - DAY }, { address: '198.51.100.1' }),
  ])

  while (!index.prune({ before: byClass(() => NOW - 2 * DAY) }));

  expect(index.subjects({}).items).toMatchObject([{ places: [{ address: '198.51.100.1' }] }])
})
