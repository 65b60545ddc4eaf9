import { expect, test } from 'vitest'
import { type Database, openDatabase } from '../../../src/audit/database.ts'
import { openIndex } from '../../../src/audit/search/event-index.ts'
import type { Search } from '../../../src/audit/search/search.ts'
import { entry, NOW } from './support.ts'

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

test.for([
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
] as const)('a search for %s by %j reads %s, and no table whole', ([of, search, index]) => {
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
