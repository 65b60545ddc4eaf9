import { describe, expect, onTestFinished, test } from 'vitest'
import { type Database, openDatabase } from '../../../src/audit/database.ts'
import type { Finding } from '../../../src/audit/finding.ts'
import { type IncidentStore, incidentStore } from '../../../src/audit/findings/incidents.ts'

const HOUR = 3_600_000
const START = Date.UTC(2026, 0, 5)

let made = 0

function finding(given: Partial<Finding> = {}): Finding {
  made++
  return {
    id: `finding-${String(made).padStart(6, '0')}`,
    rule: 'two_holders',
    severity: 'medium',
    at: START,
    title: 'Two holders',
    text: 'Two holders of one secret',
    group: {},
    subject: null,
    session: null,
    network: null,
    count: 1,
    events: ['e1'],
    ...given,
  }
}

function database(): Database {
  const opened = openDatabase(':memory:')
  onTestFinished(() => opened.close())
  return opened
}

function store(options: { readonly most?: number } = {}): IncidentStore {
  return incidentStore({ database: database(), ...options })
}

describe('one theft is one incident', () => {
  const theft = { session: 's1', subject: 'ada' }

  test('whatever rules fire on the session', () => {
    const { add, list } = store()

    const changes = ['impossible_travel', 'two_holders', 'refresh_reused'].map(
      (rule) => add(finding({ rule, ...theft })).change,
    )

    expect(changes).toEqual(['opened', 'joined', 'joined'])
    expect(list({ limit: 10 }).items).toMatchObject([{ count: 3, ...theft }])
  })

  test.each([
    ['session, then both, then subject', [{ session: 's1' }, theft, { subject: 'ada' }]],
    ['both, then another session of the subject', [theft, { session: 's2', subject: 'ada' }]],
    ['subject, then session and subject', [{ subject: 'ada' }, theft]],
    ['subject, session, and what ties them', [{ subject: 'ada' }, { session: 's1' }, theft]],
    ['session, subject, and what ties them', [{ session: 's1' }, { subject: 'ada' }, theft]],
  ])('however its ids come: %s', (_, keys) => {
    const { add, list } = store()

    for (const [n, key] of keys.entries()) add(finding({ ...key, at: START + n }))

    const open = list({ state: 'open', limit: 10 }).items
    expect(open).toMatchObject([{ subject: 'ada', openedAt: START, count: keys.length }])
    expect(open[0]?.session).toMatch(/^s[12]$/)
  })

  test('and what became part of another incident says of which', () => {
    const { add, list, show } = store()
    add(finding({ subject: 'ada', severity: 'critical', title: 'Worse' }))
    const { incident } = add(finding({ session: 's1' }))

    const tied = add(finding(theft))

    const [merged] = list({ state: 'resolved', limit: 10 }).items
    expect(tied.incident).toMatchObject({ id: incident.id, severity: 'critical', title: 'Worse' })
    expect(tied.change).toBe('worsened')
    expect(tied.incident.findings).toHaveLength(3)
    expect(show(merged?.id ?? '')?.changes).toMatchObject([
      { by: 'holdfast', state: 'resolved', note: `Became part of ${incident.id}` },
    ])
    expect(add(finding({ subject: 'ada' })).incident.id).toBe(incident.id)
  })

  test('two subjects of one network have two, and an attack from there a third', () => {
    const { add } = store()
    const network = '203.0.113.0/24'

    const ids = [
      { ...theft, network },
      { session: 's2', subject: 'bob', network },
      { network, rule: 'login_storm_network' },
      { network, rule: 'credential_stuffing' },
    ].map((keys) => add(finding(keys)).incident.id)

    expect(new Set(ids).size).toBe(3)
    expect(ids[2]).toBe(ids[3])
  })

  test('what names nobody belongs to its rule and group', () => {
    const { add } = store()
    const blind = { rule: 'feed_blind', group: { actor: 'node-1' } }

    const changes = [blind, blind, { ...blind, group: { actor: 'node-2' } }].map(
      (keys) => add(finding(keys)).change,
    )

    expect(changes).toEqual(['opened', 'joined', 'opened'])
  })
})

describe('what is news', () => {
  test('a finding that comes again is known, also where its text is not kept any more', () => {
    const { add, show } = store()
    const first = finding({ session: 's1' })
    const { incident } = add(first)
    for (let n = 1; n <= 60; n++) add(finding({ session: 's1', at: START + n }))

    const again = add(first)

    expect(again).toMatchObject({ change: 'known', incident: { id: incident.id } })
    expect(show(incident.id)).toMatchObject({ count: 61 })
    expect(show(incident.id)?.findings.map(({ at }) => at - START)).toEqual(
      Array.from({ length: 50 }, (_, n) => n + 11),
    )
  })

  test('a worse finding raises the severity and gives the title, a lesser one neither', () => {
    const { add } = store()
    const session = 's1'

    const added = (['medium', 'critical', 'low'] as const).map((severity) =>
      add(finding({ session, severity, title: severity })),
    )

    expect(added.map(({ change }) => change)).toEqual(['opened', 'worsened', 'joined'])
    expect(added[2]?.incident).toMatchObject({ severity: 'critical', title: 'critical' })
  })

  test('silence of a day ends the joining: a new incident follows the old one', () => {
    const { add, show } = store()
    const first = add(finding({ session: 's1' }))
    const within = add(finding({ session: 's1', at: START + 24 * HOUR }))
    const beyond = add(finding({ session: 's1', at: START + 48 * HOUR + 1 }))

    expect([within.change, beyond.change]).toEqual(['joined', 'opened'])
    expect(show(beyond.incident.id)?.follows).toBe(first.incident.id)
  })

  test('the same findings have the same incidents, in a database that is made anew', () => {
    const findings = [finding({ session: 's1' }), finding({ network: '203.0.113.0/24' })]
    const [one, other] = [store(), store()]

    expect(findings.map((each) => one.add(each))).toEqual(findings.map((each) => other.add(each)))
  })
})

describe('judging', () => {
  const by = { by: 'ops', note: 'It was a test', at: START + HOUR }

  test('tells who, when and why; an acknowledged incident takes findings on', () => {
    const { add, judge } = store()
    const { id } = add(finding({ session: 's1' })).incident

    const judged = judge(id, { ...by, state: 'acknowledged' })

    expect(judged).toMatchObject({
      ok: true,
      incident: { state: 'acknowledged', changes: [{ ...by, state: 'acknowledged' }] },
    })
    expect(add(finding({ session: 's1' }))).toMatchObject({
      change: 'joined',
      incident: { id, state: 'acknowledged' },
    })
  })

  test.each(['resolved', 'false_alarm'] as const)(
    'after %s a new finding opens an incident that follows the old one',
    (state) => {
      const { add, judge, show } = store()
      const { id } = add(finding({ session: 's1', subject: 'ada' })).incident
      judge(id, { ...by, state })

      const next = add(finding({ session: 's1', subject: 'ada', at: START + HOUR }))

      expect(next.change).toBe('opened')
      expect(show(next.incident.id)?.follows).toBe(id)
      expect(show(id)?.state).toBe(state)
      expect(add(finding({ subject: 'ada' })).incident.id).toBe(next.incident.id)
    },
  )

  test('nobody acknowledges what is over, or what is not there', () => {
    const { add, judge } = store()
    const { id } = add(finding()).incident
    judge(id, { ...by, state: 'resolved' })

    expect(judge(id, { ...by, state: 'acknowledged' })).toEqual({ ok: false, code: 'ended' })
    expect(judge('none', { ...by, state: 'resolved' })).toEqual({ ok: false, code: 'unknown' })
    expect(judge(id, { ...by, state: 'false_alarm' })).toMatchObject({ ok: true })
  })

  test('keeps the last hundred changes', () => {
    const { add, judge, show } = store()
    const { id } = add(finding()).incident

    for (let n = 0; n < 130; n++) judge(id, { ...by, state: 'acknowledged', note: String(n) })

    const notes = show(id)?.changes.map(({ note }) => note)
    expect([notes?.length, notes?.[0], notes?.at(-1)]).toEqual([100, '30', '129'])
  })
})

describe('lists', () => {
  test('come newest first in pages, each incident once, also while others open', () => {
    const { add, list } = store()
    for (let n = 0; n < 25; n++) add(finding({ session: `s${n}`, at: START + Math.floor(n / 5) }))

    const seen: string[] = []
    let after: string | undefined
    do {
      const page = list({ limit: 10, ...(after === undefined ? {} : { after }) })
      seen.push(...page.items.map(({ session }) => session ?? ''))
      after = page.next
      add(finding({ session: `later-${made}`, at: START + HOUR }))
    } while (after !== undefined)

    expect(seen.map((session) => Math.floor(Number(session.slice(1)) / 5))).toEqual(
      [4, 3, 2, 1, 0].flatMap((n) => [n, n, n, n, n]),
    )
    expect(new Set(seen).size).toBe(25)
  })

  test('are of a state, a severity or worse, a subject, any session of an incident', () => {
    const { add, list } = store()
    add(finding({ session: 's1', subject: 'ada', severity: 'high' }))
    add(finding({ session: 's2', subject: 'ada', severity: 'low' }))
    add(finding({ session: 's3', subject: 'bob', severity: 'medium' }))
    const sessionsOf = (query: object): readonly (string | null)[] =>
      list({ limit: 10, ...query }).items.map(({ session }) => session)

    expect(sessionsOf({ severity: 'high' })).toEqual(['s1'])
    expect(sessionsOf({ subject: 'bob' })).toEqual(['s3'])
    expect(sessionsOf({ session: 's2' })).toEqual(['s1'])
    expect(sessionsOf({ session: 's2', severity: 'critical' })).toEqual([])
    expect(sessionsOf({ state: 'resolved' })).toEqual([])
  })

  test.each(['', 'x', "1.'; DROP TABLE incidents", '1.2.3', '-1.a'])(
    'take no cursor like %j',
    (after) => {
      expect(() => store().list({ limit: 1, after })).toThrow(RangeError)
    },
  )
})

describe('forgetting', () => {
  test('what was not touched since an instant goes, with all that belongs to it', () => {
    const opened = database()
    const { add, prune, list } = incidentStore({ database: opened })
    add(finding({ session: 's1' }))
    add(finding({ session: 's2', at: START + HOUR }))

    const counts = [prune(START + 1), prune(START + 1)]

    expect(counts).toEqual([1, 0])
    expect(list({ limit: 10 }).items.map(({ session }) => session)).toEqual(['s2'])
    for (const table of ['incident_keys', 'incident_findings']) {
      expect(opened.all(`SELECT count(*) AS n FROM ${table}`)).toEqual([{ n: 1 }])
    }
  })

  test('of too many, those that were touched last stay', () => {
    const { add, prune, list } = store({ most: 3 })
    for (let n = 0; n < 8; n++) add(finding({ session: `s${n}`, at: START + n }))

    expect(prune(0)).toBe(5)

    expect(list({ limit: 10 }).items.map(({ session }) => session)).toEqual(['s7', 's6', 's5'])
  })

  test('of an erased subject no name, address, network or note is left', () => {
    const opened = database()
    const { add, judge, erase, show } = incidentStore({ database: opened })
    const personal = {
      title: 'Ada Lovelace from 203.0.113.7',
      text: 'Ada Lovelace, 203.0.113.0/24',
      group: { session: 's1', name: 'Ada Lovelace', address: '203.0.113.7' },
      network: '203.0.113.0/24',
    }
    const { id } = add(finding({ ...personal, session: 's1', subject: 'key-of-ada' })).incident
    judge(id, { state: 'resolved', by: 'ops', note: 'Called Ada Lovelace', at: START })
    add(finding({ ...personal, session: 's2', subject: 'key-of-bob', title: 'Bob' }))

    erase('key-of-ada')

    const left = JSON.stringify(show(id))
    expect(left).not.toMatch(/Lovelace|203\.0\.113/)
    expect(left).toContain('key-of-ada')
    expect(show(id)?.findings[0]?.group).toEqual({ session: 's1' })
    expect(opened.all("SELECT title FROM incidents WHERE subject = 'key-of-bob'")).toEqual([
      { title: 'Bob' },
    ])
  })

  test('of an erased subject nothing is left in an incident that became part of another', () => {
    const opened = database()
    const { add, judge, erase } = incidentStore({ database: opened })
    const subject = 'key-of-ada'
    add(finding({ session: 's1' }))
    const { id } = add(
      finding({ subject, title: 'Ada Lovelace', network: '203.0.113.0/24' }),
    ).incident
    judge(id, { state: 'acknowledged', by: 'ops', note: 'Called Ada Lovelace', at: START })
    add(finding({ subject, session: 's1' }))

    erase(subject)

    const left = ['incidents', 'incident_findings', 'incident_changes', 'incident_keys'].map(
      (table) => opened.all(`SELECT * FROM ${table}`),
    )
    expect(JSON.stringify(left)).not.toMatch(/Lovelace|203\.0\.113/)
  })
})

test('hostile text is kept as it is, and is no SQL', () => {
  const { add, list } = store()
  const hostile = `'); DROP TABLE incidents; -- "\u202e<script>\u001b[2J`

  const { incident } = add(finding({ title: hostile, session: hostile, network: hostile }))

  expect(list({ limit: 10, session: hostile }).items).toMatchObject([
    { id: incident.id, title: hostile },
  ])
})
