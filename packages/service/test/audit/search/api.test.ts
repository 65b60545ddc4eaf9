import { expect, test } from 'vitest'
import { searchCalls } from '../../../src/api/calls/search.ts'
import { NO_ACTS } from '../../support.ts'
import { searchServer } from './search-server.ts'
import { emptyIndex, entry, NOW } from './support.ts'

const SESSION = `${'A'.repeat(42)}A`

async function server() {
  const index = await emptyIndex('SQLite')
  await index.ingest([
    entry(
      0,
      {
        subject: 'key',
        session: SESSION,
        network: { asn: 64_500, organisation: null, kind: 'tor', country: 'NO', city: 'Oslo' },
        device: { family: 'firefox', major: 1, os: 'linux' },
        decision: { outcome: 'challenge', score: 30, because: [] },
      },
      { subject: 'ada', tenant: 'default', address: '203.0.113.7', userAgent: 'Agent' },
    ),
    entry(1),
  ])
  return searchServer(index, () => NOW)
}

const PERSONAL = /ada|203\.0\.113|Agent|"default"/

test('all three searches say who people are, unless nobody wants to know', async () => {
  const { get } = await server()

  for (const of of ['events', 'sessions', 'subjects']) {
    const full = await get(`/v1/search/${of}?subject=ada&network=203.0.113.0%2F24&kind=tor`)
    const none = await get(`/v1/search/${of}?subject=ada&personal=none`)

    expect(full).toMatchObject({ status: 200, body: { nextLine: 2, items: [{}] } })
    expect(JSON.stringify(full.body)).toMatch(PERSONAL)
    expect(none).toMatchObject({ status: 200, body: { items: [{}] } })
    expect(JSON.stringify(none.body)).not.toMatch(PERSONAL)
  }
})

test('a cursor leads to the next page', async () => {
  const { get } = await server()

  const first = await get('/v1/search/events?limit=1')
  const { next, items } = first.body as { next: string; items: readonly { line: number }[] }
  const second = await get(`/v1/search/events?limit=1&after=${next}`)

  expect(items).toMatchObject([{ line: 1 }])
  expect(second.body).toMatchObject({ items: [{ line: 0 }] })
  expect(second.body).not.toHaveProperty('next')
})

test.for([
  ['events', 'network=203.0.113.7%2F24', 'network'],
  ['events', 'network=nowhere', 'network'],
  ['events', 'asn=AS64500', 'asn'],
  ['events', 'country=no', 'country'],
  ['events', 'kind=onion', 'kind'],
  ['events', 'browser=netscape', 'browser'],
  ['events', 'type=session-lost', 'type'],
  ['events', 'outcome=maybe', 'outcome'],
  ['events', 'since=2h', 'since'],
  [`events`, `since=${NOW}&until=5`, 'until'],
  ['events', 'limit=1001', 'limit'],
  ['events', 'limit=0', 'limit'],
  ['events', 'after=yesterday', 'after'],
  ['events', 'after=%00', 'after'],
  ['events', 'state=live', 'state'],
  ['events', 'session=short', 'session'],
  ['events', `subject=${'x'.repeat(257)}`, 'subject'],
  ['events', 'personal=some', 'personal'],
  ['events', 'colour=red', 'colour'],
  ['sessions', 'state=dead', 'state'],
  ['subjects', 'fromLine=-1', 'fromLine'],
] as const)('%s?%s is refused, and the field is named', async ([of, query, field]) => {
  const { get } = await server()

  const { status, body } = await get(`/v1/search/${of}?${query}`)

  expect(status).toBe(400)
  expect(body).toMatchObject({ code: 'invalid_input', field })
})

test('only those who audit may search', () => {
  const never = async () => {
    throw new Error('nobody asks')
  }
  const calls = searchCalls({
    acts: NO_ACTS,
    now: () => NOW,
    searches: { events: never, sessions: never, subjects: never },
  })

  expect(calls.map(({ roles }) => roles)).toEqual([['audit'], ['audit'], ['audit']])
})
