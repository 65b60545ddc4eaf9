import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LoggedEntry } from '../../../src/audit/entry.ts'
import { type EventFields, fieldsOf } from '../../../src/audit/fields.ts'
import type { Search } from '../../../src/audit/search/search.ts'
import { isAtPlace, isEvent, isWithin } from './by-hand.ts'
import {
  allPages,
  arbitraryEntries,
  arbitrarySearch,
  DATABASES,
  DAY,
  emptyIndex,
  entry,
  indexes,
  NOW,
  runsOf,
} from './support.ts'

/** Keys of the sessions or subjects that a search finds, said without an index. */
function wanted(
  by: 'session' | 'subject',
  search: Search,
  entries: readonly LoggedEntry[],
): readonly string[] {
  const { since = NOW - 30 * DAY, until = Infinity, fromLine = 0, network } = search
  const groups = new Map<string, LoggedEntry[]>()
  for (const one of entries) {
    const key = one.event[by]
    if (key !== null) groups.set(key, [...(groups.get(key) ?? []), one])
  }
  const isFound = (ofOne: readonly LoggedEntry[]): boolean => {
    const all = ofOne.map(({ event, personal }) => fieldsOf(event, personal))
    const [first] = all
    if (first === undefined || first.at >= until || latest(all) < since) return false
    if (search.subject !== undefined && first.name !== search.subject) return false
    if (search.subjectKey !== undefined && first.subject !== search.subjectKey) return false
    if (search.session !== undefined && !entriesName(search.session, entries, first)) return false
    if (by === 'session' && search.session !== undefined && first.session !== search.session)
      return false
    const happened = ofOne.some(({ index, event, personal }) => {
      const { at } = event
      const inTime = at >= since && at < until && index >= fromLine
      return inTime && isEvent(search, fieldsOf(event, personal))
    })
    const asksEvent =
      search.type ?? search.outcome ?? search.reason ?? search.actor ?? search.correlation
    if ((asksEvent !== undefined || search.fromLine !== undefined) && !happened) return false
    const asksPlace = network ?? search.asn ?? search.country ?? search.browser ?? search.os
    if (asksPlace === undefined) return true
    return placesOf(all).some((place) => {
      const [one] = place
      if (one === undefined || latest(place) < since) return false
      if (Math.min(...place.map(({ at }) => at)) >= until) return false
      return isAtPlace(search, one) && (network === undefined || isWithin(network, one.address))
    })
  }
  return [...groups]
    .filter(([, ofOne]) => isFound(ofOne))
    .sort(([, [a]], [, [b]]) => order(b) - order(a) || (b?.index ?? 0) - (a?.index ?? 0))
    .map(([key]) => key)
}

function order(one: LoggedEntry | undefined): number {
  return one?.event.at ?? 0
}

function latest(all: readonly EventFields[]): number {
  return Math.max(...all.map(({ at }) => at))
}

function entriesName(
  session: string,
  entries: readonly LoggedEntry[],
  { subject }: EventFields,
): boolean {
  return entries.some(({ event }) => event.session === session && event.subject === subject)
}

/** By session, address and network and device. */
function placesOf(all: readonly EventFields[]): readonly (readonly EventFields[])[] {
  const places = new Map<string, EventFields[]>()
  for (const one of all) {
    const { session, asn, country, browser, os } = one
    const address = one.address?.replace('::ffff:', '')
    const key = JSON.stringify([session, address, asn, country, browser, os])
    places.set(key, [...(places.get(key) ?? []), one])
  }
  return [...places.values()]
}

const BY = DATABASES.flatMap((database) =>
  (['session', 'subject'] as const).map((by) => [by, database] as const),
)

test.for(BY)(
  'all pages of a search by %s are one filter over the log, however it was fed and sliced: %s',
  async ([by, database]) => {
    const slices = fc.constantFrom(1, 3, 10, 1_000)
    const batches = fc.constantFrom(1, 7, 100)
    const empty = await indexes(database)
    await fc.assert(
      fc.asyncProperty(
        arbitraryEntries(60),
        arbitrarySearch,
        slices,
        batches,
        async (entries, search, slice, batch) => {
          const index = await empty(slice)
          for (let from = 0; from < entries.length; from += batch)
            await index.ingest(entries.slice(from, from + batch))

          const found =
            by === 'session'
              ? (await allPages(index.sessions, search)).map(({ session }) => session)
              : (await allPages(index.subjects, search)).map(({ subject }) => subject)

          expect(found).toEqual(wanted(by, search, entries))
        },
      ),
      { numRuns: runsOf(database, 600) },
    )
  },
)

test.for(DATABASES)(
  'a session is live until an event ends it, and the first end counts: %s',
  async (database) => {
    const index = await emptyIndex(database)
    const of = (session: string) => ({ session, subject: 'key' })
    await index.ingest([
      entry(0, { ...of('a'), type: 'session-established' }),
      entry(1, { ...of('b'), type: 'session-established' }),
      entry(2, { ...of('c'), type: 'session-established' }),
      entry(3, { ...of('a'), type: 'session-revoked', reason: 'logout', at: NOW }),
      entry(4, { ...of('b'), type: 'session-expired', actor: 'engine' }),
      entry(5, { ...of('a'), type: 'session-revoked', reason: 'administrator' }),
      entry(6, { ...of('d'), type: 'token-unknown', actor: 'client' }),
    ])

    const states = Object.fromEntries(
      (await index.sessions({})).items.map(({ session, state, ended }) => [
        session,
        [state, ended?.reason],
      ]),
    )

    expect(states).toEqual({
      a: ['ended', 'logout'],
      b: ['expired', null],
      c: ['live', undefined],
      d: ['ended', null],
    })
    expect((await index.sessions({ state: 'live' })).items.map(({ session }) => session)).toEqual([
      'c',
    ])
    expect((await index.subjects({})).items).toMatchObject([
      { subject: 'key', sessions: 4, liveSessions: 1 },
    ])
  },
)

test.for(DATABASES)(
  'the end of all sessions of a subject ends those before it, but the one that it names: %s',
  async (database) => {
    const index = await emptyIndex(database)
    await index.ingest([
      entry(0, { session: 'a', subject: 'key', type: 'session-established' }),
      entry(1, { session: 'b', subject: 'key', type: 'session-established' }),
      entry(2, { session: 'x', subject: 'other', type: 'session-established' }),
      entry(3, {
        session: 'b',
        subject: 'key',
        type: 'subject-revoked',
        reason: 'x',
        actor: 'ops',
      }),
      entry(4, { session: 'c', subject: 'key', type: 'session-established' }),
    ])

    const { items } = await index.sessions({})

    expect(items.map(({ session, state }) => `${session} ${state}`)).toEqual([
      ...['c live', 'x live', 'b live', 'a ended'],
    ])
    expect(items[3]?.ended).toMatchObject({ reason: 'x', actor: 'ops' })
  },
)

test.for(DATABASES)(
  'a session knows where it was, its highest score and its strictest outcome: %s',
  async (database) => {
    const index = await emptyIndex(database)
    const decision = { because: [] }
    const personal = { subject: 'ada', tenant: 'acme', address: '203.0.113.7' }
    const device = { family: 'firefox', major: 1, os: 'linux' } as const
    const of = { session: 'a', subject: 'key', device }
    await index.ingest([
      entry(0, { ...of, decision: { outcome: 'allow', score: -3, ...decision } }, personal),
      entry(1, { ...of, decision: { outcome: 'limit', score: 61, ...decision } }, personal),
      entry(2, of, { ...personal, address: '198.51.100.1' }),
    ])

    const [session] = (await index.sessions({})).items

    expect(session).toMatchObject({
      ...{ subject: 'key', name: 'ada', tenant: 'acme', events: 3, score: 61, worst: 'limit' },
      firstSeen: NOW - DAY,
      lastSeen: NOW - DAY + 2,
      placeCount: 2,
    })
    expect(session?.places).toMatchObject([
      { address: '198.51.100.1', browser: 'firefox', os: 'linux', events: 1 },
      { address: '203.0.113.7', firstSeen: NOW - DAY, lastSeen: NOW - DAY + 1, events: 2 },
    ])
  },
)

test.for(DATABASES)(
  'failed logins, which have no session, lead from a network to its subjects: %s',
  async (database) => {
    const index = await emptyIndex(database)
    const type = 'login-failed'
    await index.ingest([
      entry(0, { type, subject: 'k1' }, { subject: 'ada', address: '203.0.113.7' }),
      entry(1, { type, subject: 'k2' }, { subject: 'eve', address: '203.0.113.8' }),
      entry(2, { type, subject: 'k3' }, { subject: 'kim', address: '198.51.100.1' }),
    ])

    const { items } = await index.subjects({ network: '203.0.113.0/24' })

    expect(items.map(({ name }) => name)).toEqual(['eve', 'ada'])
  },
)
