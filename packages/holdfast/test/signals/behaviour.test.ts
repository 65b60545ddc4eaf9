import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { totalOf } from '../../src/core/evidence.ts'
import { NO_HISTORY, type SubjectHistory, withHour } from '../../src/core/history.ts'
import type { Network, Presentation } from '../../src/core/request.ts'
import { settle } from '../../src/engine/judging/contexts.ts'
import { weigh } from '../../src/engine/judging/weigh.ts'
import { balanced } from '../../src/policies/index.ts'
import { behaviour } from '../../src/signals/behaviour.ts'
import {
  laptop,
  lyse,
  MINUTE,
  NOON,
  oslo,
  past,
  presented,
  sessionOf,
  used,
  weights,
} from './scene.ts'

const look = behaviour()
const home = used(oslo, laptop)
const elsewhere: Network = { ...oslo, address: '84.208.77.1', prefix: '84.208.77.0/24' }

const line = (asn: number, changes: Partial<Network> = {}): Network => ({
  ...lyse,
  asn,
  address: `10.0.${asn}.1`,
  prefix: `10.0.${asn}.0/24`,
  block: `10.${asn}.0.0/16`,
  ...changes,
})
const lately = (network: Network, minutes = 5) =>
  used(network, laptop, { state: 'provisional', at: NOON + minutes * MINUTE })

describe('failed logins of the subject', () => {
  const failing = (count: number, minutesAgo = 10): SubjectHistory => ({
    ...NO_HISTORY,
    failedLogins: Array(count).fill(NOON + (30 - minutesAgo) * MINUTE),
  })

  test.each([
    ['two of them', failing(2), {}],
    ['three', failing(3), { logins_failed: 3 }],
    ['ten', failing(10), { logins_failed: 6 }],
    ['ten, an hour ago', failing(10, 61), {}],
  ])('%s, on a new place', (_title, history, expected) => {
    expect(weights(look(sessionOf(home), presented(lyse), history))).toEqual(expected)
  })

  test('do not count where the owner is known to be, nor where the place is old', () => {
    const known = { ...past(used(lyse, laptop)), failedLogins: failing(16).failedLogins }

    expect(look(sessionOf(home), presented(oslo), failing(16))).toEqual([])
    expect(look(sessionOf(home, lately(lyse)), presented(lyse), failing(16))).toEqual([])
    expect(look(sessionOf(home), presented(lyse), known)).toEqual([])
  })
})

describe('hopping from network to network', () => {
  const hop = (third: Network, ...before: readonly Network[]) =>
    weights(
      look(sessionOf(home, ...before.map((each) => lately(each))), presented(third), NO_HISTORY),
    )

  test.each([
    ['three consumer lines of three providers', [line(1), line(2), line(3)], 16],
    [
      'lines in three countries',
      [line(1), line(2, { country: 'SE' }), line(3, { country: 'DK' })],
      16,
    ],
    ['two of them', [line(1), line(2)], undefined],
    [
      'three lines of one provider',
      [line(1), line(1, { prefix: 'a' }), line(1, { prefix: 'b' })],
      undefined,
    ],
    [
      'mobile, a café, and back to another mobile',
      [line(1, { kind: 'mobile' }), line(2), line(3, { kind: 'mobile' })],
      undefined,
    ],
    [
      'relays',
      [line(1, { kind: 'relay' }), line(2, { kind: 'relay' }), line(3, { kind: 'relay' })],
      undefined,
    ],
    [
      'networks whose providers are not known',
      [line(1), line(2), line(3, { asn: null })],
      undefined,
    ],
    ['the owner’s own provider last', [line(1), line(2), elsewhere], undefined],
  ] as const)('%s', (_title, networks, expected) => {
    const [third, ...before] = [...networks].reverse()

    expect(hop(third ?? oslo, ...before).network_hopping).toBe(expected)
  })

  test('takes half an hour at most, one browser, and networks that were not refused', () => {
    const session = (...contexts: readonly ReturnType<typeof used>[]) =>
      look(sessionOf(home, ...contexts), presented(line(3)), NO_HISTORY)
    const phone = { ...laptop, os: 'android' as const }

    expect(session(lately(line(1), -1), lately(line(2)))).toEqual([])
    expect(session(used(line(1), phone, { state: 'provisional' }), lately(line(2)))).toEqual([])
    expect(session(used(line(1), laptop, { state: 'challenged' }), lately(line(2)))).toEqual([])
    expect(session(lately(line(1)), lately(line(2)))).not.toEqual([])
  })

  test('takes networks that the subject came to for the first time', () => {
    const session = sessionOf(home, lately(line(1)), lately(line(2)))
    const known = (firstSeen: number) =>
      past({ ...used(line(1), laptop, { state: 'provisional' }), firstSeen })

    expect(look(session, presented(line(3)), known(NOON - 60 * MINUTE))).toEqual([])
    expect(look(session, presented(line(3)), known(NOON))).not.toEqual([])
  })

  test('a rider from home by mobile to a café and an office is not one who hops', () => {
    const login = used(line(1), laptop, { state: 'provisional' })
    const mobile = lately(line(2, { kind: 'mobile' }))

    expect(look(sessionOf(login, mobile), presented(line(3)), NO_HISTORY)).toEqual([])
    expect(look(sessionOf(home, mobile, lately(line(3))), presented(line(4)), NO_HISTORY)).toEqual(
      [],
    )
  })
})

describe('the hour', () => {
  /** Thirty visits in the afternoon. */
  const afternoons: SubjectHistory = {
    ...NO_HISTORY,
    hours: Array.from({ length: 24 }, (_, hour) => (hour >= 13 && hour < 18 ? 6 : 0)),
  }
  const at = (hour: number): Presentation =>
    presented(lyse, laptop, { at: Date.UTC(2026, 9, 2, hour, 30) })

  test.each([
    [3, { hour_unusual: 3 }],
    [11, { hour_unusual: 3 }],
    [12, {}],
    [14, {}],
    [18, {}],
    [19, { hour_unusual: 3 }],
  ])('of %d UTC, after visits from 13 to 18', (hour, expected) => {
    expect(weights(look(sessionOf(home), at(hour), afternoons))).toEqual(expected)
  })

  test('says nothing of whom few visits are known, nor where the owner is known to be', () => {
    const few = { ...NO_HISTORY, hours: withHour(withHour([], NOON), NOON) }

    expect(look(sessionOf(home), at(3), few)).toEqual([])
    expect(look(sessionOf(home), { ...at(3), network: oslo }, afternoons)).toEqual([])
  })

  test('one visit in a hundred is enough to be usual', () => {
    const hours = afternoons.hours.map((count, hour) => (hour === 4 ? 1 : count * 2))

    expect(look(sessionOf(home), at(3), { ...NO_HISTORY, hours })).toEqual([])
  })

  test('counts stay small, and keep their proportions', () => {
    let hours: readonly number[] = []
    for (let i = 0; i < 3_000; i++) hours = withHour(hours, NOON + (i % 3 === 0 ? 60 * MINUTE : 0))

    expect(Math.max(...hours)).toBeLessThanOrEqual(255)
    expect((hours[12] ?? 0) / (hours[13] ?? 1)).toBeCloseTo(2, 0)
    expect(hours).toHaveLength(24)
  })
})

describe('sensitive actions', () => {
  const act = (network: Network): Presentation => ({
    ...presented(network),
    sensitivity: 'sensitive',
  })
  const scales = { signals: [look], policy: balanced(), acrOrder: [] }

  test('over the owner’s provider from an unconfirmed place: eight each, sixteen at most', () => {
    let state = sessionOf(home)
    const scores: number[] = []
    for (let i = 0; i < 5; i++) {
      const weighing = weigh(scales, state, act(elsewhere), NO_HISTORY)
      state = settle(state, act(elsewhere), NO_HISTORY, weighing).next
      scores.push(weighing.decision.score)
    }

    expect(scores).toEqual([8, 16, 16, 16, 16])
  })

  test('from a confirmed place, or where the route asks for a step-up anyway: none', () => {
    expect(look(sessionOf(home), act(oslo), NO_HISTORY)).toEqual([])
    expect(look(sessionOf(home), act(lyse), NO_HISTORY)).toEqual([])
  })
})

test('all behaviour together weighs sixteen at most, whatever is on the account already', () => {
  const amount = fc.integer({ min: 0, max: 60 })
  fc.assert(
    fc.property(amount, amount, fc.integer({ min: 0, max: 16 }), (onB, onN, failures) => {
      const context = {
        ...lately(elsewhere, 29),
        evidence: onB + onN,
        evidenceAt: NOON + 30 * MINUTE,
        because: [
          { group: 'B' as const, reason: 'sensitive_unconfirmed', weight: onB },
          { group: 'N' as const, reason: 'network_new_far', weight: onN },
        ],
      }
      const history = { ...NO_HISTORY, failedLogins: Array(failures).fill(NOON) }
      const act = { ...presented(elsewhere), sensitivity: 'sensitive' as const }
      const hopping = sessionOf(home, lately(line(1)), lately(line(2)))

      const more = totalOf(look(sessionOf(home, context), act, history))
      expect(more).toBe(Math.min(8, Math.max(0, 16 - onB)))
      expect(totalOf(look(hopping, { ...act, network: line(3) }, history))).toBe(16)
    }),
  )
})
