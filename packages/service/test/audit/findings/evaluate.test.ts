import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EventFields } from '../../../src/audit/fields.ts'
import type { Finding } from '../../../src/audit/finding.ts'
import { type RuleSet, ruleSet } from '../../../src/audit/findings/evaluate.ts'
import type { Rule } from '../../../src/audit/findings/rule.ts'
import { firstSeenHere } from '../../../src/audit/findings/run-examples.ts'
import { fields, rulesFrom } from './fields.ts'

const MINUTE = 60_000
const START = Date.UTC(2026, 0, 5)

function setOf(...written: readonly object[]): RuleSet {
  return ruleSet(rulesFrom(...written), { firstSeen: firstSeenHere() })
}

/** The events of a fresh run, each by its time after the start. */
function run(set: RuleSet, events: readonly EventFields[]): readonly Finding[] {
  const state = set.newState()
  return events.flatMap((event) => set.observe(event, state).findings)
}

function at(ms: number, more: Partial<EventFields> = {}): EventFields {
  return fields({ at: START + ms, ...more })
}

describe('conditions', () => {
  test.each<[string, object, Partial<EventFields>, boolean]>([
    ['a value', { reason: 'x' }, { reason: 'x' }, true],
    ['another value', { reason: 'x' }, { reason: 'xy' }, false],
    ['one of a list', { reason: ['x', 'y'] }, { reason: 'y' }, true],
    ['none of a list', { reason: ['x', 'y'] }, { reason: 'z' }, false],
    ['null, which it is', { reason: null }, {}, true],
    ['null, which it is not', { reason: null }, { reason: 'x' }, false],
    ['not null', { reason: { not: null } }, { reason: 'x' }, true],
    ['not null, which it is', { reason: { not: null } }, {}, false],
    ['not one of a list', { reason: { not: ['x', null] } }, {}, false],
    ['a prefix', { reason: { prefix: 'net' } }, { reason: 'network' }, true],
    ['another prefix', { reason: { prefix: 'net' } }, { reason: 'internet' }, false],
    ['no prefix', { reason: { not: { prefix: 'net' } } }, {}, true],
    ['a number', { asn: 64_500 }, { asn: 64_500 }, true],
    ['at least', { score: { atLeast: 24 } }, { score: 24 }, true],
    ['less', { score: { atLeast: 24 } }, { score: 23 }, false],
    ['between', { score: { atLeast: 24, atMost: 50 } }, { score: 51 }, false],
    ['at most, of nothing', { score: { atMost: 50 } }, {}, false],
    ['all of several', { reason: 'x', asn: 1 }, { reason: 'x', asn: 2 }, false],
    ['one of several matches', [{ reason: 'x' }, { asn: 2 }] as object, { asn: 2 }, true],
    ['everything', {}, {}, true],
  ])('%s', (_, match, given, expected) => {
    const found = run(setOf({ match }), [fields(given)])

    expect(found.length > 0).toBe(expected)
  })
})

describe('counting', () => {
  const three = { threshold: 3, window: '1m', groupBy: ['subject'] }
  const ada = { subject: 'ada' }

  test('the window slides: its edge is that of the event, not of the clock', () => {
    const set = setOf(three)

    const within = run(set, [at(50_000, ada), at(80_000, ada), at(109_999, ada)])
    const beyond = run(set, [at(50_000, ada), at(80_000, ada), at(110_000, ada)])

    expect(within.map(({ count }) => count)).toEqual([3])
    expect(beyond).toEqual([])
  })

  test('each group is counted by itself, and an event without the field by nobody', () => {
    const set = setOf(three)

    expect(run(set, [at(0, ada), at(1, ada), at(2, { subject: 'bob' })])).toEqual([])
    expect(run(set, [at(0), at(1), at(2), at(3)])).toEqual([])
  })

  test('different values are counted where a rule says so, however often one of them comes', () => {
    const set = setOf({ distinct: { field: 'subject', atLeast: 3 }, groupBy: ['network'] })
    const network = '203.0.113.0/24'
    const guess = (ms: number, subject: string): EventFields => at(ms, { network, subject })
    const noise = Array.from({ length: 2_000 }, (_, n) => guess(10 + n, 'ada'))

    expect(run(set, [guess(0, 'ada'), guess(1, 'bob'), ...noise])).toEqual([])
    expect(run(set, [guess(0, 'bob'), guess(1, 'eve'), ...noise.slice(1)])).toHaveLength(1)
    expect(run(set, [guess(0, 'bob'), ...noise, guess(3_000, 'eve')])).toHaveLength(1)
  })

  test('the same event counts once, however often it is delivered', () => {
    const [first, second] = [at(0, ada), at(1, ada)]

    expect(run(setOf(three), [first, second, first, second, first])).toEqual([])
  })

  test('a group is told once in its quiet period, and again after it', () => {
    const set = setOf({ groupBy: ['subject'], once: '1h' })
    const events = [0, 1, 30, 59, 60, 61, 125].map((minute) => at(minute * MINUTE, ada))

    const found = run(set, events)

    expect(found.map((one) => one.at - START)).toEqual([0, 60 * MINUTE, 125 * MINUTE])
  })

  test('a surge is measured by what is usual, after a quiet past by the threshold alone', () => {
    const set = setOf({ threshold: 10, window: '10m', above: { times: 3, over: '100m' } })
    const everyMinute = Array.from({ length: 300 }, (_, minute) => at(minute * MINUTE))
    const burst = (count: number): readonly EventFields[] =>
      Array.from({ length: count }, (_, n) => at(300 * MINUTE + n * 1_000))

    expect(run(set, burst(9))).toEqual([])
    expect(run(set, burst(10))).toHaveLength(1)
    expect(run(set, [...everyMinute, ...burst(20)]).filter(isLate)).toEqual([])
    expect(run(set, [...everyMinute, ...burst(30)]).filter(isLate)).toHaveLength(1)
  })

  test('something is new only for who has had another, and stays new for the same event', () => {
    const set = setOf({ groupBy: ['subject', 'country'], firstSeen: SEEN })
    const [home, abroad, again] = ['NL', 'BR', 'BR'].map((country, n) =>
      at(n * MINUTE, { ...ada, country }),
    )
    if (home === undefined || abroad === undefined || again === undefined) throw new Error('three')

    expect(run(set, [home, home])).toEqual([])
    expect(run(set, [abroad])).toHaveLength(1)
    expect(run(set, [abroad])).toHaveLength(1)
    expect(run(set, [again])).toEqual([])
  })

  test('a clock that runs a year ahead hides nothing of what the others tell', () => {
    const rules = [
      three,
      { distinct: { field: 'network', atLeast: 3 }, groupBy: ['subject'] },
      { threshold: 3, window: '10m', above: { times: 2, over: '1h' } },
    ]
    const year = 365 * 24 * 60 * MINUTE
    const ahead = Array.from({ length: 2 }, (_, n) => at(year + n, { ...ada, network: `a${n}` }))
    const now = Array.from({ length: 3 }, (_, n) => at(n, { ...ada, network: `n${n}` }))

    const found = run(setOf(...rules), [...ahead, ...now])

    expect(found.map(({ rule }) => rule)).toEqual(['rule_0', 'rule_1', 'rule_2'])
  })

  function isLate(one: Finding): boolean {
    return one.at >= START + 200 * MINUTE
  }
})

const SEEN = { field: 'country', of: 'subject' }

describe('what is found', () => {
  test('of one event is about its subject, session and network', () => {
    const about = { subject: 'ada', session: 's1', network: '203.0.113.0/24' }

    const [found] = run(setOf({ groupBy: ['session'] }), [fields({ id: 'e1', ...about })])

    expect(found).toMatchObject({ ...about, group: { session: 's1' }, count: 1, events: ['e1'] })
  })

  test('of many events is about what they are grouped by, and names the last 20 of them', () => {
    const set = setOf({ threshold: 30, groupBy: ['network'] })
    const network = '203.0.113.0/24'
    const events = Array.from({ length: 30 }, (_, n) =>
      at(n, { id: `e${n}`, network, subject: `user${n}`, session: `s${n}` }),
    )

    const [found] = run(set, events)

    expect(found).toMatchObject({ network, subject: null, session: null, count: 30 })
    expect(found?.events).toEqual(events.slice(10).map(({ id }) => id))
  })

  test('of a rule in shadow is kept apart', () => {
    const set = setOf({ shadow: true }, {})

    const { findings, shadowed } = set.observe(fields({}), set.newState())

    expect([findings.map(({ rule }) => rule), shadowed.map(({ rule }) => rule)]).toEqual([
      ['rule_1'],
      ['rule_0'],
    ])
  })

  test.each([
    ['an escape sequence', '\u001b[2Jroot\u0007', '·[2Jroot·'],
    ['another direction', 'user\u202egpj.exe', 'user·gpj.exe'],
    ['a broken line', 'a\r\nb\u2028c', 'a··b·c'],
    ['half a surrogate pair', 'a\ud800b', 'a·b'],
    ['a placeholder', '{session} {constructor}', '{session} {constructor}'],
    ['a replacement pattern', "$& $' $1", "$& $' $1"],
    ['markup stays text for who escapes it', '<b>&"\'', '<b>&"\''],
    ['ten kilobytes', 'x'.repeat(10_240), `${'x'.repeat(120)}…`],
    ['a character that is cut in two', `${'x'.repeat(119)}😀`, `${'x'.repeat(119)}·…`],
  ])('shows %s of a name as inert text', (_, name, shown) => {
    const [found] = run(setOf({ title: 'Login of {name}' }), [fields({ name, session: 's1' })])

    expect(found?.title).toBe(`Login of ${shown}`)
  })

  test('keeps hostile values of a group short', () => {
    const set = setOf({ groupBy: ['correlation'], threshold: 2 })
    const long = 'x'.repeat(10_240)

    const found = run(
      set,
      [`${long}a`, `${long}a`, `${long}b`].map((correlation, n) => {
        return at(n, { correlation })
      }),
    )

    expect(found).toHaveLength(1)
    expect(JSON.stringify(found).length).toBeLessThan(1_000)
  })
})

describe('order and replay', () => {
  const RULES = rulesFrom(
    { groupBy: ['subject'], once: '7s' },
    { groupBy: ['subject'], threshold: 4, window: '20s', once: '5s' },
    { distinct: { field: 'network', atLeast: 3 }, groupBy: ['subject'], window: '15s' },
    { threshold: 5, window: '1m', above: { times: 2, over: '3m' }, once: '30s' },
  )
  const event = fc.record({
    at: fc.integer({ min: 0, max: 600_000 }),
    subject: fc.constantFrom('ada', 'bob'),
    network: fc.constantFrom('n1', 'n2', 'n3', 'n4'),
    late: fc.integer({ min: 0, max: 9_999 }),
  })
  const history = fc
    .array(event, { maxLength: 120 })
    .map((events) =>
      events
        .map(({ late, ...one }) => ({ late, event: at(one.at, one) }))
        .map(({ late, event: one }) => ({ late, event: { ...one, at: START + one.at } })),
    )
  const byTime = (a: EventFields, b: EventFields): number => a.at - b.at

  test('events that are late by less than ten seconds are found the same', () => {
    fc.assert(
      fc.property(history, (events) => {
        const inOrder = events.map((one) => one.event).sort(byTime)
        const asTheyCame = events
          .toSorted((a, b) => a.event.at + a.late - b.event.at - b.late)
          .map((one) => one.event)

        expect(idsOf(RULES, asTheyCame)).toEqual(idsOf(RULES, inOrder))
      }),
      { numRuns: 300 },
    )
  })

  test('who starts anew with the last window finds what one who never stopped finds', () => {
    fc.assert(
      fc.property(history, fc.nat(600_000), (events, stopped) => {
        const all = events.map((one) => one.event).sort(byTime)
        const set = ruleSet(RULES, { firstSeen: firstSeenHere() })
        const since = START + stopped - set.maxWindow
        const state = set.newState()
        for (const one of all) {
          if (one.at > since && one.at <= START + stopped) set.observe(one, state)
        }

        const after = all.filter((one) => one.at > START + stopped)
        const continued = after.flatMap((one) => idsIn(set.observe(one, state).findings))

        const whole = set.newState()
        const expected = all.flatMap((one) => {
          const { findings } = set.observe(one, whole)
          return one.at > START + stopped ? idsIn(findings) : []
        })
        expect(continued).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })

  test('the same events are found under the same ids, and under no id twice', () => {
    const events = Array.from({ length: 200 }, (_, n) => at(n * 900, { subject: 'ada' }))
    const ids = idsOf(RULES, events)

    expect(idsOf(RULES, events)).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.length).toBeGreaterThan(20)
  })

  function idsOf(rules: readonly Rule[], events: readonly EventFields[]): readonly string[] {
    return idsIn(run(ruleSet(rules, { firstSeen: firstSeenHere() }), events)).toSorted()
  }

  function idsIn(findings: readonly Finding[]): readonly string[] {
    return findings.map(({ id }) => id)
  }
})

describe('memory', () => {
  test('countless groups and a rule that matches everything keep what is bounded', () => {
    const set = setOf(
      {},
      { groupBy: ['subject'], distinct: { field: 'network', atLeast: 1_000 }, window: '7d' },
    )
    const state = set.newState()
    let found = 0

    for (let n = 0; n < 300_000; n++) {
      const { findings } = set.observe(
        { ...BLANK, id: `e${n}`, at: START + n, subject: `user${n}`, network: `n${n}` },
        state,
      )
      found += findings.length
    }

    expect(found).toBe(300_000 / MINUTE)
    for (const { size } of state.groups) {
      expect(size.groups).toBeLessThanOrEqual(10_000)
      expect(size.entries).toBeLessThanOrEqual(50_000)
    }
  })

  test('one group that everything falls into keeps no more than its rule needs', () => {
    const set = setOf(
      { threshold: 1_000, window: '7d', once: '7d' },
      { distinct: { field: 'subject', atLeast: 1_000 }, window: '7d', once: '7d' },
      { threshold: 5, window: '1d', above: { times: 2, over: '30d' } },
    )
    const state = set.newState()

    for (let n = 0; n < 20_000; n++) {
      set.observe({ ...BLANK, id: `e${n}`, at: START + n * 1_000, subject: `u${n}` }, state)
    }

    for (const { size } of state.groups) expect(size.entries).toBeLessThan(3_100)
  })

  test('a group that is used stays, where others come and go', () => {
    const set = setOf({ groupBy: ['subject'], threshold: 3, window: '1h' })
    const countWith = (every: number): number => {
      const state = set.newState()
      let found = 0
      for (let n = 0; n < 40_000; n++) {
        const subject = n % every === 0 ? 'ada' : `user${n}`
        found += set.observe({ ...BLANK, id: `e${n}`, at: START + n, subject }, state).findings
          .length
      }
      return found
    }

    expect([countWith(9_000), countWith(11_000)]).toEqual([1, 0])
  })
})

const BLANK = fields({})
