import fc from 'fast-check'
import type { PersonalFacts, SessionEvent } from 'holdfast/maintenance'
import { onTestFinished } from 'vitest'
import { type Database, openDatabase } from '../../../src/audit/database.ts'
import type { LoggedEntry } from '../../../src/audit/entry.ts'
import type { ByClass } from '../../../src/audit/retention.ts'
import { openIndex } from '../../../src/audit/search/event-index.ts'
import type {
  Found,
  FoundEvent,
  FoundSession,
  FoundSubject,
  Search,
} from '../../../src/audit/search/search.ts'
import {
  openSharedIndex,
  type SharedIndex,
  type Source,
} from '../../../src/audit/search/shared/shared-index.ts'
import { ask, sharedPostgres } from './postgres-server.ts'

export const DAY = 86_400_000
export const NOW = Date.UTC(2026, 10, 29, 12)

/** An entry with nothing in it but what is said. */
export function entry(
  index: number,
  event: Partial<SessionEvent> = {},
  personal: Partial<PersonalFacts> | null = null,
): LoggedEntry {
  return {
    index,
    partition: 0,
    sequence: index,
    event: {
      id: `event-${index}`,
      type: 'session-presented',
      at: NOW - DAY + index,
      actor: 'client',
      subject: null,
      session: null,
      network: null,
      device: null,
      decision: null,
      situation: null,
      reason: null,
      correlation: null,
      ...event,
    },
    personal:
      personal === null
        ? null
        : { subject: null, tenant: null, address: null, userAgent: null, ...personal },
  }
}

/** An index of either database, as tests use it. */
export interface TestIndex {
  cursor(): Promise<number>
  ingest(entries: readonly LoggedEntry[]): Promise<void>
  events(search: Search): Promise<Found<FoundEvent>>
  sessions(search: Search): Promise<Found<FoundSession>>
  subjects(search: Search): Promise<Found<FoundSubject>>
  forget(subject: string): Promise<void>
  prune(before: ByClass): Promise<void>
}

export const DATABASES = ['SQLite', 'PostgreSQL'] as const

export type DatabaseName = (typeof DATABASES)[number]

/** Of a property: a database that is another process takes its time. */
export function runsOf(database: DatabaseName, runs: number): number {
  return database === 'SQLite' ? runs : Math.ceil(runs / 8)
}

/** Makes empty indexes of so many rows a slice. The one before is gone then. */
type Indexes = (slice: number) => Promise<TestIndex>

export async function indexes(database: DatabaseName, now = NOW): Promise<Indexes> {
  return database === 'SQLite' ? embeddedIndexes(now) : sharedIndexes(now)
}

/** An empty index, of a few rows a slice. */
export async function emptyIndex(
  database: DatabaseName,
  { slice = 7, now = NOW }: { readonly slice?: number; readonly now?: number } = {},
): Promise<TestIndex> {
  const empty = await indexes(database, now)
  return empty(slice)
}

function embeddedIndexes(now: number): Indexes {
  const opened: Database[] = []
  onTestFinished(() => void opened.at(-1)?.close())
  return async (slice) => {
    opened.pop()?.close()
    const database = openDatabase(':memory:')
    opened.push(database)
    const index = openIndex(database, { now: () => now, slice })
    return {
      cursor: async () => index.cursor(),
      ingest: async (entries) => index.ingest(entries),
      events: async (search) => index.events(search),
      sessions: async (search) => index.sessions(search),
      subjects: async (search) => index.subjects(search),
      async forget(subject) {
        while (!index.forget(subject));
      },
      async prune(before) {
        while (!index.prune({ before }));
      },
    }
  }
}

/** How tests that say no more name the log. */
const SOURCE: Source = { origin: 'log', epoch: 1, first: 0 }

async function sharedIndexes(now: number): Promise<Indexes> {
  const server = await sharedPostgres()
  const address = await server.database()
  const opened = new Map<number, SharedIndex>()
  onTestFinished(async () => {
    await Promise.all([...opened.values()].map((one) => one.close()))
  })
  return async (slice) => {
    const index = opened.get(slice) ?? openSharedIndex({ address, now: () => now, slice })
    if (opened.size === 0) await index.prepare()
    opened.set(slice, index)
    await ask(
      address,
      `TRUNCATE ${['events', 'sessions', 'subjects', 'places', 'search_origins', 'search_erased']
        .map((table) => `holdfast.${table}`)
        .join(', ')}; UPDATE holdfast.search_state SET value = 0`,
    )
    return asTested(index)
  }
}

export function asTested(index: SharedIndex, source = SOURCE): TestIndex {
  const cursor = (): Promise<number> => index.cursor(source)
  return {
    cursor,
    async ingest(entries) {
      const to = (entries.at(-1)?.index ?? -1) + 1
      await index.ingest(source, { from: await cursor(), to, entries })
    },
    ...index.searches,
    forget: (subject) => index.forget(subject, NOW),
    prune: index.prune,
  }
}

/** Every page of a search, together. `between` runs before each page but the first. */
export async function allPages<T>(
  look: (search: Search) => Found<T> | Promise<Found<T>>,
  search: Search,
  between: () => Promise<void> = async () => {},
): Promise<readonly T[]> {
  const items: T[] = []
  let after: string | undefined
  for (;;) {
    const found = await look({ ...search, ...(after === undefined ? {} : { after }) })
    items.push(...found.items)
    if (found.next === undefined) return items
    if (found.next === after) throw new Error('the search does not move')
    after = found.next
    await between()
  }
}

const NAMES = ['ada', 'eve', "o'brien", '100%', 'a\\b', 'ada\0']
const ADDRESSES = [
  ...['203.0.113.7', '203.0.113.200', '203.0.112.9', '198.51.100.1'],
  ...['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1', '::ffff:203.0.113.7'],
]
const SUBJECTS = ['s0', 's1', 's2', 's3']

const COUNTRIES = ['NO', 'SE']
const TYPES = ['session-presented', 'session-revoked', 'login-failed'] as const
const OUTCOMES = ['allow', 'challenge', 'revoke'] as const
const NETWORKS = [
  ...['203.0.113.7', '203.0.113.0/24', '203.0.112.0/23', '203.0.113.128/25', '0.0.0.0/0'],
  ...['2001:db8::/64', '2001:db8::/48', '2001:db8::1', '2001:db8::/127', '::/0'],
]

/** Few values of each kind, so that searches find something. */
export function arbitraryEntries(most: number): fc.Arbitrary<readonly LoggedEntry[]> {
  const one = fc.record({
    ago: fc.integer({ min: 0, max: 40 }),
    type: fc.constantFrom(...TYPES),
    actor: fc.constantFrom('client', 'ops'),
    subject: fc.option(fc.nat({ max: SUBJECTS.length - 1 })),
    session: fc.option(fc.nat({ max: 9 })),
    address: fc.option(fc.constantFrom(...ADDRESSES)),
    asn: fc.option(fc.constantFrom(64_500, 64_501)),
    country: fc.option(fc.constantFrom(...COUNTRIES)),
    browser: fc.constantFrom('firefox', 'chrome'),
    outcome: fc.option(fc.constantFrom(...OUTCOMES)),
    reason: fc.option(fc.constantFrom('logout', 'secret_forked')),
    correlation: fc.option(fc.constantFrom('c1', 'c2')),
  })
  return fc.array(one, { maxLength: most }).map((drawn) =>
    drawn.map((facts, index) => {
      const { subject, session, asn, country } = facts
      return entry(
        index,
        {
          type: facts.type,
          // Out of order, and several at once.
          at: NOW - facts.ago * DAY,
          actor: facts.actor,
          subject: subject === null ? null : (SUBJECTS[subject] ?? null),
          session: subject === null || session === null ? null : `session-${subject}-${session}`,
          network:
            asn === null && country === null
              ? null
              : { asn, organisation: null, kind: 'fixed', country, city: null },
          device: { family: facts.browser as 'firefox' | 'chrome', major: 1, os: 'linux' },
          decision:
            facts.outcome === null ? null : { outcome: facts.outcome, score: 12, because: [] },
          reason: facts.reason,
          correlation: facts.correlation,
        },
        {
          subject: subject === null ? null : (NAMES[subject] ?? null),
          tenant: subject === null ? null : 'default',
          address: facts.address,
          userAgent: facts.browser,
        },
      )
    }),
  )
}

const FIELDS = {
  since: fc.integer({ min: 0, max: 40 }).map((days) => NOW - days * DAY),
  until: fc.constantFrom(NOW + 1, NOW - 3.5 * DAY),
  subject: fc.constantFrom('ada', 'eve', "o'brien", '100%', 'nobody'),
  subjectKey: fc.constantFrom('s0', 's1', 's9'),
  session: fc.constantFrom('session-0-0', 'session-1-1'),
  network: fc.constantFrom(...NETWORKS),
  asn: fc.constantFrom(64_500, 64_501),
  country: fc.constantFrom(...COUNTRIES),
  browser: fc.constantFrom('firefox', 'chrome'),
  os: fc.constantFrom('linux', 'windows'),
  type: fc.constantFrom(...TYPES),
  outcome: fc.constantFrom(...OUTCOMES),
  reason: fc.constantFrom('logout', 'secret_forked'),
  actor: fc.constantFrom('client', 'ops'),
  correlation: fc.constantFrom('c1', 'c2'),
  fromLine: fc.nat({ max: 20 }),
}

/** Few fields each, so that most find something. */
export const arbitrarySearch: fc.Arbitrary<Search> = fc
  .subarray(Object.keys(FIELDS) as (keyof typeof FIELDS)[], { maxLength: 4 })
  .chain((names) =>
    fc.record({
      limit: fc.integer({ min: 1, max: 9 }),
      ...Object.fromEntries(names.map((name) => [name, FIELDS[name]])),
    }),
  )
  .map((search): Search => search)
  .filter(({ since = 0, until = Infinity }) => since < until)
