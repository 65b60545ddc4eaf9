import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { EVENTS } from '../../src/core/event-catalogue.ts'
import type { EventDescription } from '../../src/core/event-description.ts'
import { EVENT_TYPES, SAMPLED_EVENTS } from '../../src/core/events.ts'
import { CASES } from '../support/event-cases.ts'

const NAMED = new Set(EVENT_TYPES.flatMap((type) => Object.keys(EVENTS[type].reasons)))

const PACKAGES = new URL('../../../', import.meta.url)

/** Where events are made, and orders given that make some. */
const MAKERS = [
  'holdfast/src/engine',
  'service/src/api/calls',
  'service/src/cli',
  'service/src/main',
]

function sourcesOf(folder: string): readonly string[] {
  return readdirSync(new URL(`${folder}/`, PACKAGES), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`)
}

test('the catalogue names every reason that stands in the sources', () => {
  const reasons = MAKERS.flatMap(sourcesOf).flatMap((path) => {
    const code = readFileSync(new URL(path, PACKAGES), 'utf8')
    const found = code.matchAll(/\breason(?:'\))?(?::| =| \?\?|: [\w.]+ \?\?) '([a-z_]+)'/g)
    return [...found].map(([, reason = '']) => ({ path, reason }))
  })

  expect(reasons.map(({ reason }) => reason)).toEqual(
    expect.arrayContaining(['not_me', 'logout', 'token_revoked', 'administrator']),
  )
  expect(reasons.filter(({ reason }) => !NAMED.has(reason))).toEqual([])
})

test('the types of which a share is kept are those that may say how many were not', () => {
  const counted = EVENT_TYPES.filter((type) => EVENTS[type].has.more !== 'never')

  expect(counted.toSorted()).toEqual(SAMPLED_EVENTS.toSorted())
})

test.each(EVENT_TYPES)('what the catalogue says of %s is what its cases show', (type) => {
  const { has, kept, personal, reasons, otherReasons }: EventDescription = EVENTS[type]

  expect(Object.keys(reasons).length > 0 || otherReasons !== undefined).toBe(has.reason !== 'never')
  for (const { event, told, personal: facts } of CASES[type]) {
    const reason = reasons[event.reason ?? '']
    const isKept = reason?.kept ?? kept
    if (event.session !== null && type !== 'request-refused') expect(told !== true).toBe(isKept)
    const known = Object.entries(facts ?? {}).filter(([, value]) => value !== null)
    expect(personal).toEqual(expect.arrayContaining(known.map(([name]) => name)))
  }
})
