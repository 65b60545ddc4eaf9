import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { LoggedEntry } from '../../../src/audit/entry.ts'
import { ecs } from '../../../src/audit/formats/ecs.ts'
import { type FormatOptions, PERSONAL } from '../../../src/audit/formats/facts.ts'
import { ocsf } from '../../../src/audit/formats/ocsf.ts'
import { bodyKind } from '../../../src/audit/outputs/https-bodies.ts'
import { ALL_TYPES, entryOf } from '../entries.ts'
import { comparison, holds, selected } from './siem-matcher.ts'

const SIEM = fileURLToPath(new URL('../../../../../deploy/siem/', import.meta.url))

const OUTCOMES = ['allow', 'observe', 'challenge', 'limit', 'deny', 'revoke'] as const
const VARIANTS = [
  { kind: 'fixed', reason: 'logout' },
  { kind: 'vpn', reason: 'not_me' },
  { kind: 'tor', reason: null },
] as const

/** Every type with every outcome, from several kinds of network, for several reasons. */
const ENTRIES = ALL_TYPES.flatMap((type) =>
  OUTCOMES.flatMap((outcome) =>
    VARIANTS.map(({ kind, reason }) => {
      const { event } = entryOf(type)
      return entryOf(type, {
        event: {
          reason,
          decision: { outcome, score: 40, because: [] },
          network: event.network && { ...event.network, kind },
        },
      })
    }),
  ),
)

const severe = new Set(['limit', 'revoke'])

/** Which events each rule is for. */
const WANTED: Readonly<Record<string, (event: LoggedEntry['event'], type: string) => boolean>> = {
  'two-holders': (_, type) => type === 'token-reused',
  'suspected-theft': ({ decision }, type) =>
    type === 'token-reused' ||
    type === 'session-limited' ||
    (['anomaly-detected', 'finding'].includes(type) && severe.has(decision?.outcome ?? '')),
  'step-up-failed': (_, type) => type === 'step-up-failed',
  'failed-logins': (_, type) => type === 'login-failed' || type === 'login-refused',
  'unknown-tokens': (_, type) => type === 'token-unknown',
  'revoked-for-cause': ({ decision, reason }, type) =>
    type === 'session-revoked' && (severe.has(decision?.outcome ?? '') || reason === 'not_me'),
  'login-through-anonymiser': ({ network }, type) =>
    type === 'session-established' && network?.kind !== 'fixed',
  'administrator-acted': (_, type) => type === 'admin-acted',
  'configuration-changed': (_, type) => type === 'key-rotated' || type === 'policy-changed',
}

function read(kind: string, ending: string, name: string): string {
  return readFileSync(`${SIEM}${kind}/${name}.${ending}`, 'utf8')
}

type Matches = (entry: LoggedEntry, options: FormatOptions) => boolean

function sigma(name: string): Matches {
  const [rule] = rulesOf(name)
  const { condition, ...selections } = rule.detection
  return (entry, options) => {
    const event = ocsf(entry, options)
    return holds(condition, (selection) => selected(event, selections[selection]))
  }
}

function rulesOf(name: string) {
  return parseAllDocuments(read('sigma', 'yml', name)).map((one) => one.toJS())
}

function splunk(name: string): Matches {
  const [search = ''] = read('splunk', 'spl', name).split('\n|')
  const { encode } = bodyKind('splunk', '1')
  return (entry, options) => {
    const { source, event } = JSON.parse(encode(entry, ocsf(entry, options)))
    return holds(search, comparison({ source, ...event }))
  }
}

function elastic(name: string): Matches {
  const query = read('elastic', 'kql', name)
  return (entry, options) => holds(query, comparison(ecs(entry, options)))
}

test.each([
  ['sigma', 'yml'],
  ['splunk', 'spl'],
  ['elastic', 'kql'],
])('%s has each rule, and no other', (kind, ending) => {
  expect(readdirSync(`${SIEM}${kind}`).sort()).toEqual(
    Object.keys(WANTED)
      .map((name) => `${name}.${ending}`)
      .sort(),
  )
})

describe.each(Object.entries(WANTED))('%s', (name, wanted) => {
  test.each([
    ['Sigma', sigma],
    ['Splunk', splunk],
    ['Elastic', elastic],
  ] as const)('finds what it is for, and nothing else, in %s', (_, matcherOf) => {
    const matches = matcherOf(name)
    for (const personal of PERSONAL) {
      const found = ENTRIES.filter((entry) => matches(entry, { personal }))

      expect(found.length).toBeGreaterThan(0)
      expect(found).toEqual(ENTRIES.filter(({ event }) => wanted(event, event.type)))
    }
  })

  test('has a correlation, if any, over itself', () => {
    const [rule, correlation] = rulesOf(name)

    expect(rule).toMatchObject({ name, level: expect.any(String), logsource: { service: 'audit' } })
    if (correlation !== undefined) expect(correlation.correlation.rules).toEqual([name])
  })
})

test.each([
  ['a', true],
  ['b', false],
  ['a b', false],
  ['a or b and b', true],
  ['(a or b) and b', false],
  ['a (a or b)', true],
  ['not b AND NOT (b OR b)', true],
])('the matcher reads %s as %s', (condition, value) => {
  expect(holds(condition, (term) => term === 'a')).toBe(value)
})

test.each(['', 'a or', '(a', 'a)', 'or a'])('the matcher refuses "%s"', (condition) => {
  expect(() => holds(condition, () => true)).toThrow(SyntaxError)
})
