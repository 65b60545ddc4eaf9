import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { type ByClass, byClass } from '../../../src/audit/retention.ts'
import { isDamage, type OpenedIndex, openIndexFile } from '../../../src/audit/search/index-file.ts'
import type { Search } from '../../../src/audit/search/search.ts'
import { folder } from '../../support.ts'
import {
  allPages,
  arbitraryEntries,
  DATABASES,
  DAY,
  emptyIndex,
  entry,
  indexes,
  NOW,
  runsOf,
} from './support.ts'

function opened(path: string): OpenedIndex {
  const one = openIndexFile(path, { now: () => NOW })
  onTestFinished(() => one.database.close())
  return one
}

test.for(DATABASES)(
  'lines that the index has are left out, and it knows the line that it waits for: %s',
  async (database) => {
    const index = await emptyIndex(database)

    await index.ingest([entry(5, { subject: 'a' }), entry(6, { subject: 'a' })])
    await index.ingest([entry(5, { subject: 'a' }), entry(6, { subject: 'a' }), entry(7)])

    expect(await index.cursor()).toBe(8)
    expect((await index.events({})).items.map(({ line }) => line)).toEqual([7, 6, 5])
    expect((await index.subjects({})).items).toMatchObject([{ events: 2 }])
  },
)

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

const NOISE = createHash('shake256', { outputLength: 7_680 }).update('noise').digest('base64')

const HOSTILE = [
  ...["o'brien", '"; DROP TABLE events; --', '%', '_', '100%', '\\', '\\0', 'a\0b', 'a', '\0'],
  ...['\u202egnp.exe', '<b>x</b>', '\x1b[31m', '{"a":', 'x'.repeat(10_240), '💥', '?1', ':name'],
  // Halves of pairs, which no UTF-8 has, and 10 KB that no compression makes shorter.
  ...['\ud83d', '\ude00', '\\ud83d', '\ufffd', NOISE, `${NOISE}!`, `${NOISE.slice(0, 200)}\\#`],
]

test.for(DATABASES)(
  'hostile names, actors, reasons and agents are found as they are, and nothing else is: %s',
  async (database) => {
    const index = await emptyIndex(database)
    await index.ingest(
      HOSTILE.map((text, line) =>
        entry(
          line,
          { subject: `key-${line}`, session: `s-${line}`, actor: text, reason: text },
          { subject: text, tenant: text, userAgent: text },
        ),
      ),
    )

    for (const [line, text] of HOSTILE.entries()) {
      const bySubject = await index.events({ subject: text, tenant: text })
      const byActor = await index.events({ actor: text, reason: text })
      const sessions = await index.sessions({ subject: text, tenant: text })
      const subjects = await index.subjects({ tenant: text, actor: text })
      const ofTenant = await allPages(index.sessions, { tenant: text })

      expect([text, bySubject.items.map((one) => one.line)]).toEqual([text, [line]])
      expect(bySubject.items[0]?.personal).toEqual({
        ...{ subject: text, tenant: text, address: null, userAgent: text },
      })
      expect(byActor.items.map((one) => one.line)).toEqual([line])
      expect(sessions.items).toMatchObject([{ session: `s-${line}`, name: text, tenant: text }])
      expect(subjects.items).toMatchObject([{ subject: `key-${line}` }])
      expect(ofTenant).toMatchObject([{ session: `s-${line}` }])
    }
  },
)

test.for([
  [{ after: '1.2' }, 'after'],
  [{ after: '1.2.99999999999999999999' }, 'after'],
  [{ network: '203.0.113.0/33' }, 'network'],
  [{ network: "' OR 1=1 --" }, 'network'],
  [{ network: '203.0.113.7/24' }, 'network'],
  [{ since: NOW, until: NOW }, 'until'],
] as const)('%j cannot be searched, and the field is named', async ([search, field]) => {
  for (const database of DATABASES) {
    const index = await emptyIndex(database)

    const asked = index.sessions(search as Search)

    await expect(asked).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(new RegExp(`^${field} `)),
    })
  }
})

test.for(DATABASES)(
  'events of 30 days are searched unless it is said otherwise: %s',
  async (database) => {
    const index = await emptyIndex(database)
    await index.ingest([entry(0, { at: NOW - 31 * DAY }), entry(1, { at: NOW - 29 * DAY })])

    expect((await index.events({})).items.map(({ line }) => line)).toEqual([1])
    expect((await index.events({})).searchedTo).toBe(NOW - 30 * DAY)
    expect((await index.events({ since: 0 })).items.map(({ line }) => line)).toEqual([1, 0])
  },
)

test.for(DATABASES)(
  'what no index serves says how far back it has looked, and goes on from there: %s',
  async (database) => {
    const index = await emptyIndex(database, { slice: 10 })
    const android = { family: 'chrome', major: 1, os: 'android' } as const
    await index.ingest(
      Array.from({ length: 35 }, (_, line) => entry(line, { device: line === 2 ? android : null })),
    )

    const first = await index.events({ os: 'android', limit: 10 })

    expect(first.items).toEqual([])
    expect(first.searchedTo).toBe(NOW - DAY + 25)
    expect(first.next).toBeDefined()
    const found = await allPages(index.events, { os: 'android' })
    expect(found.map(({ line }) => line)).toEqual([2])
  },
)

test.for(DATABASES)(
  'pruning removes what is older, in steps, and leaves the rest as it was: %s',
  async (database) => {
    const empty = await indexes(database)
    await fc.assert(
      fc.asyncProperty(arbitraryEntries(60), fc.nat({ max: 40 }), async (entries, ago) => {
        const index = await empty(1_000)
        await index.ingest(entries)
        const all = await allPages(index.events, { since: 0 })
        const sessions = await allPages(index.sessions, { since: 0 })
        const before = NOW - ago * DAY

        await index.prune(byClass(() => before))

        expect(await allPages(index.events, { since: 0 })).toEqual(
          all.filter(({ event }) => event.at >= before),
        )
        expect(await allPages(index.sessions, { since: 0 })).toEqual(
          sessions.filter(({ lastSeen }) => lastSeen >= before),
        )
        expect(await index.cursor()).toBe(entries.length)
      }),
      { numRuns: runsOf(database, 50) },
    )
  },
)

test.for(DATABASES)('each class of events goes with its own time: %s', async (database) => {
  const index = await emptyIndex(database)
  const types = ['session-established', 'session-presented', 'token-reused', 'admin-acted'] as const
  await index.ingest(types.map((type, line) => entry(line, { type, at: NOW - 5 * DAY })))
  const kept: Partial<ByClass> = { session: 3 * DAY, detection: 4 * DAY }

  await index.prune(byClass((name) => NOW - (kept[name] ?? 6 * DAY)))

  expect((await index.events({ since: 0 })).items.map(({ event }) => event.type)).toEqual([
    ...['admin-acted', 'session-established'],
  ])
})

test.for(DATABASES)(
  'places of failed logins go with their time, though their subject stays: %s',
  async (database) => {
    const index = await emptyIndex(database)
    const type = 'login-failed'
    await index.ingest([
      entry(0, { type, subject: 'key', at: NOW - 9 * DAY }, { address: '203.0.113.7' }),
      entry(1, { type, subject: 'key', at: NOW - DAY }, { address: '198.51.100.1' }),
    ])

    await index.prune(byClass(() => NOW - 2 * DAY))

    expect((await index.subjects({})).items).toMatchObject([
      { places: [{ address: '198.51.100.1' }] },
    ])
  },
)
