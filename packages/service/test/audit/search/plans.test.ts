import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../../src/audit/database.ts'
import { openIndex } from '../../../src/audit/search/event-index.ts'
import type { Search } from '../../../src/audit/search/search.ts'
import { openSharedIndex, type SharedIndex } from '../../../src/audit/search/shared/shared-index.ts'
import { ask, type PostgresServer, startPostgres } from './postgres-server.ts'
import { asTested, DAY, entry, NOW } from './support.ts'

/** How the database reads each table for a search. */
function plansOf(of: 'events' | 'sessions' | 'subjects', search: Search): readonly string[] {
  const database = openDatabase(':memory:')
  const plans: string[] = []
  const explained: Database = {
    ...database,
    all(sql, parameters) {
      const steps = database.all(`EXPLAIN QUERY PLAN ${sql}`, parameters)
      plans.push(...steps.map(({ detail }) => String(detail)))
      return database.all(sql, parameters)
    },
  }
  const index = openIndex(explained, { now: () => NOW, slice: 2 })
  index.ingest(
    Array.from({ length: 20 }, (_, line) =>
      entry(
        line,
        {
          subject: `key-${line % 4}`,
          session: `s-${line}`,
          type: 'session-revoked',
          reason: 'logout',
          correlation: 'c',
          network: { asn: 1, organisation: null, kind: 'vpn', country: 'NO', city: null },
          decision: { outcome: 'limit', score: 1, because: [] },
          device: { family: 'firefox', major: 1, os: 'linux' },
        },
        { subject: 'ada', address: '203.0.113.7' },
      ),
    ),
  )
  plans.length = 0
  index[of](search)
  database.close()
  return plans
}

/** Of what, by what, which index serves it. */
const SEARCHES = [
  ['events', {}, 'events_at'],
  ['events', { session: 's-1' }, 'events_session'],
  ['events', { subjectKey: 'key-1' }, 'events_subject'],
  ['events', { subjectKey: 'key-1', type: 'session-revoked', asn: 1 }, 'events_subject'],
  ['events', { network: '203.0.113.7' }, 'events_prefix'],
  ['events', { network: '203.0.113.0/24' }, 'events_prefix'],
  ['events', { network: '203.0.112.0/23' }, 'events_prefix'],
  ['events', { asn: 1 }, 'events_asn'],
  ['events', { asn: 1, country: 'NO' }, 'events_asn_country'],
  ['events', { country: 'NO' }, 'events_country'],
  ['events', { type: 'session-revoked' }, 'events_type'],
  ['events', { reason: 'logout' }, 'events_reason'],
  ['events', { outcome: 'limit' }, 'events_outcome'],
  ['events', { actor: 'client' }, 'events_actor'],
  ['events', { correlation: 'c' }, 'events_correlation'],
  ['events', { fromLine: 19 }, 'INTEGER PRIMARY KEY'],
  ['events', { browser: 'firefox' }, 'events_at'],
  ['sessions', {}, 'sessions_at'],
  ['sessions', { subjectKey: 'key-1' }, 'sessions_subject'],
  ['sessions', { network: '203.0.113.0/24' }, 'places_prefix'],
  ['sessions', { kind: 'vpn' }, 'places_kind'],
  ['sessions', { browser: 'firefox', os: 'linux' }, 'places_device'],
  ['sessions', { reason: 'logout' }, 'events_reason'],
  ['sessions', { reason: 'logout', kind: 'vpn' }, 'places_line'],
  ['subjects', { network: '203.0.113.0/24' }, 'places_prefix'],
  ['subjects', { type: 'session-revoked', kind: 'vpn' }, 'events_subject'],
] as const

test.for(SEARCHES)('a search for %s by %j reads %s, and no table whole', ([of, search, index]) => {
  const plans = plansOf(of, search)

  expect(plans.join('\n')).toContain(index)
  expect(plans.filter((plan) => /^SCAN (events|sessions|subjects|places)\b/.test(plan))).toEqual([])
})

test('what is asked beside the index that is taken leads to no other index', () => {
  const plans = plansOf('events', { type: 'session-revoked', browser: 'firefox' })

  const indexes = plans.flatMap(
    (plan) => /USING (?:COVERING )?INDEX (events_\w+)/.exec(plan)?.[1] ?? [],
  )
  expect(new Set(indexes)).toEqual(new Set(['events_type']))
  // Of the page alone.
  expect(plans.filter((plan) => plan.includes('TEMP B-TREE FOR ORDER BY'))).toHaveLength(1)
})

const EVENTS = 20_000
const SLICE = 2_000

const SHARED_SEARCHES = [
  ['events', {}, 'events_at'],
  ['events', { session: 's-key-1-1' }, 'events_session'],
  ['events', { subjectKey: 'key-1' }, 'events_subject'],
  ['events', { subjectKey: 'key-1', type: 'session-revoked', asn: 1 }, 'events_subject'],
  ['events', { network: '203.0.1.7' }, 'events_prefix'],
  ['events', { network: '203.0.1.0/24' }, 'events_prefix'],
  ['events', { network: '203.0.2.0/23' }, 'events_prefix'],
  ['events', { asn: 1 }, 'events_asn'],
  ['events', { asn: 8, country: 'NO' }, 'events_asn_country'],
  ['events', { country: 'NO' }, 'events_country'],
  ['events', { type: 'session-revoked' }, 'events_type'],
  ['events', { reason: 'logout' }, 'events_reason'],
  ['events', { outcome: 'limit' }, 'events_outcome'],
  ['events', { actor: 'ops' }, 'events_actor'],
  ['events', { correlation: 'c-9' }, 'events_correlation'],
  ['events', { fromLine: EVENTS - 9 }, 'events_pkey'],
  ['events', { browser: 'firefox' }, 'events_at'],
  ['sessions', {}, 'sessions_at'],
  ['sessions', { subjectKey: 'key-1' }, 'sessions_subject'],
  ['sessions', { network: '203.0.1.0/24' }, 'places_prefix'],
  ['sessions', { kind: 'vpn' }, 'places_kind'],
  ['sessions', { browser: 'firefox', os: 'linux' }, 'places_device'],
  ['sessions', { reason: 'logout' }, 'events_reason'],
  ['sessions', { reason: 'logout', kind: 'vpn' }, 'places_line'],
  ['subjects', { subject: 'name of key-1' }, 'subjects_name'],
  ['subjects', { network: '203.0.1.0/24' }, 'places_prefix'],
  ['subjects', { type: 'session-revoked', kind: 'vpn' }, 'events_type'],
] as const

/** Explains every statement that it is given, in its log. */
const EXPLAINING = [
  ...['session_preload_libraries=auto_explain', 'auto_explain.log_min_duration=0'],
  // Of tables as small as these it would read some whole, where of larger ones it takes an index.
  ...['autovacuum=off', 'random_page_cost=1.1', 'enable_seqscan=off'],
]

let server: PostgresServer
let shared: SharedIndex

beforeAll(async () => {
  server = await startPostgres(EXPLAINING)
  const address = await server.database()
  shared = openSharedIndex({ address, now: () => NOW, slice: SLICE })
  await shared.prepare()
  await asTested(shared).ingest(Array.from({ length: EVENTS }, (_, line) => ordinary(line)))
  await ask(address, 'ANALYZE')
})

afterAll(async () => {
  await shared.close()
  await server.close()
})

/** As a service has them: some of what is asked for is rare, and some is most of all. */
function ordinary(line: number): ReturnType<typeof entry> {
  const subject = `key-${line % 9_973}`
  const isRare = line % 500 === 0
  return entry(
    line,
    {
      at: NOW - 20 * DAY + line * 60_000,
      subject,
      session: `s-${subject}-${line % 3}`,
      actor: isRare ? 'ops' : 'client',
      type: isRare ? 'session-revoked' : 'session-presented',
      reason: isRare ? 'logout' : null,
      correlation: `c-${line % 1_999}`,
      network: {
        asn: 1 + (line % 50),
        organisation: null,
        kind: isRare ? 'vpn' : 'fixed',
        country: line % 50 === 7 ? 'NO' : 'NL',
        city: null,
      },
      decision: { outcome: isRare ? 'limit' : 'allow', score: 1, because: [] },
      device: { family: isRare ? 'firefox' : 'chrome', major: 1, os: 'linux' },
    },
    { subject: `name of ${subject}`, address: `203.0.${line % 200}.${line % 199}` },
  )
}

async function sharedPlansOf(
  of: 'events' | 'sessions' | 'subjects',
  search: Search,
): Promise<readonly string[]> {
  const before = server.log().length
  await shared.searches[of](search)
  const told = server.log().slice(before)
  return [...new Set(told.match(/\w+ Scan (?:Backward )?(?:using \w+ )?on (?!search_)\w+/g))]
}

test.for(SHARED_SEARCHES)(
  'PostgreSQL serves a search for %s by %j with %s, and reads no table whole',
  async ([of, search, index]) => {
    const plans = await sharedPlansOf(of, search)

    expect(plans.join('\n')).toMatch(new RegExp(`(?:using|on) ${index}\\b`))
    expect(plans.filter((plan) => plan.startsWith('Seq Scan'))).toEqual([])
  },
)
