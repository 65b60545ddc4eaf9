import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Context } from '../../src/core/context.ts'
import { NO_HISTORY } from '../../src/core/history.ts'
import type { Device, Network, Presentation } from '../../src/core/request.ts'
import type { SessionState } from '../../src/core/session.ts'
import { settle } from '../../src/engine/judging/contexts.ts'
import { weigh } from '../../src/engine/judging/weigh.ts'
import { balanced } from '../../src/policies/index.ts'
import { interleaving } from '../../src/signals/interleaving.ts'
import {
  laptop,
  lyse,
  MINUTE,
  NOON,
  newYork,
  oslo,
  presented,
  sessionOf,
  tokyo,
  used,
} from './scene.ts'

const SECOND = 1_000
const scales = { signals: [interleaving()], policy: balanced(), acrOrder: [] }
const telia4g: Network = {
  ...lyse,
  asn: 2118,
  kind: 'mobile',
  address: '46.1.1.1',
  prefix: '46.1.1.0/24',
}
const stockholm: Network = { ...newYork, country: 'SE', latitude: 59.33, longitude: 18.07 }
const relay: Network = { ...lyse, asn: 36183, kind: 'relay' }
const vpn: Network = { ...lyse, asn: 9009, kind: 'vpn' }
const v6: Network = { ...oslo, address: '2a01:799:1:2::3', prefix: '2a01:799:1:2::/64' }
const cgnat: Network = { ...oslo, address: '84.208.200.1', prefix: '84.208.200.0/24' }
const phone: Device = { ...laptop, family: 'firefox', os: 'android' }

/** Plays turns, one every `step`. Answers the weight and outcome of each, and counts the writes. */
function play(
  session: SessionState,
  turns: readonly (readonly [Network, Device])[],
  { step = 20 * SECOND }: { readonly step?: number } = {},
) {
  let state = session
  let writes = 0
  const weights: number[] = []
  const outcomes: string[] = []
  for (const [index, [network, device]] of turns.entries()) {
    const presentation = presented(network, device, { at: NOON + (index + 1) * step })
    const { next, weight, outcome } = show(state, presentation)
    if (next !== state) writes++
    state = next
    weights.push(weight)
    outcomes.push(outcome)
  }
  return { state, writes, weights, outcomes }
}

function show(state: SessionState, presentation: Presentation) {
  const weighing = weigh(scales, state, presentation, NO_HISTORY)
  const found = weighing.decision.because.filter(({ reason }) => reason !== 'evidence_carried')
  const judged = settle(state, presentation, NO_HISTORY, weighing)
  return {
    next: judged.next,
    weight: found.reduce((sum, { weight }) => sum + weight, 0),
    outcome: judged.decision.outcome,
  }
}

const home = used(oslo, laptop)
const turns = (a: Network, b: Network, device: Device = laptop) =>
  Array.from({ length: 6 }, (_, i) =>
    i % 2 === 0 ? ([b, device] as const) : ([a, laptop] as const),
  )

describe('two clients that take turns, the first confirmed and the second not', () => {
  test.each([
    ['unrelated consumer lines', { ...newYork, country: 'NO' }, laptop, 30],
    ['a data centre that nobody confirmed', { ...lyse, kind: 'hosting' as const }, laptop, 30],
    ['a fixed line abroad', stockholm, laptop, 30],
    ['a telephone between Wi-Fi and mobile', telia4g, laptop, 14],
    ['a line whose kind is not known', { ...lyse, kind: 'unknown' as const }, laptop, 14],
    ['a relay', relay, laptop, 3],
    ['another browser at the same provider', oslo, phone, 8],
    ['the same provider by IPv6', v6, laptop, 0],
    ['the same provider, another exit', cgnat, laptop, 0],
    ['a line whose provider is not known', { ...lyse, asn: null }, laptop, 0],
    ['another browser where the provider is not known', { ...oslo, asn: null }, phone, 0],
  ] as const)('%s: all on the newcomer', (_title, other, device, again) => {
    const { weights } = play(sessionOf(home), turns(oslo, other, device))

    expect(weights).toEqual([0, 0, again, 0, weights[4], 0])
    // the third turn of the newcomer counts no more, unless it is under challenge by then
    expect(weights[4]).toBe(again >= 24 ? again : 0)
  })

  test('the owner is not asked, however long it goes on', () => {
    const long = Array.from({ length: 20 }, () => turns(oslo, { ...newYork, country: 'NO' })).flat()

    const { outcomes, state } = play(sessionOf(home), long)

    expect(outcomes.filter((_, i) => i % 2 === 1)).toEqual(Array(60).fill('allow'))
    expect(outcomes.slice(2).filter((_, i) => i % 2 === 0)).toEqual(Array(59).fill('challenge'))
    expect(state.contexts.map(({ state }) => state)).toEqual(['confirmed', 'challenged'])
  })
})

describe('two cards in one hand: a telephone abroad between its carrier and the Wi-Fi', () => {
  const since = (context: Context, days: number) => ({
    ...context,
    firstSeen: NOON - days * 24 * 60 * MINUTE,
  })
  const inZone = (timezone: string | null): Device => ({ ...laptop, timezone })
  // Without coordinates nobody judges the journey.
  const unplaced = { latitude: null, longitude: null }
  const hotel: Network = { ...tokyo, ...unplaced }
  const carrier: Network = { ...lyse, asn: 2118, kind: 'unknown' }
  const thirdCountry: Network = { ...carrier, asn: 64_999, country: 'NL' }
  const known = since(home, 40)

  /** Turns of a traveller between hotel and card, each with the clock of that side. */
  function weightsOf(
    card: Network,
    clocks: { readonly card: string | null; readonly wifi: string | null },
    wifi: Network = hotel,
  ): readonly number[] {
    const there = used(card, inZone(clocks.card), { state: 'provisional' })
    return play(
      sessionOf(known, there),
      Array.from({ length: 4 }, (_, i) =>
        i % 2 === 0
          ? ([wifi, inZone(clocks.wifi)] as const)
          : ([card, inZone(clocks.card)] as const),
      ),
    ).weights
  }

  const local = { card: 'Asia/Tokyo', wifi: 'Asia/Tokyo' }

  test.each([
    ['a carrier at home', carrier],
    ['a travel card that comes out in a third country', thirdCountry],
  ])('%s, of unknown kind, is a handover', (_title, card) => {
    expect(weightsOf(card, local)).toEqual([0, 0, 14, 0])
  })

  test.each([
    ['a fixed line at home, whose clock is there', { ...carrier, kind: 'fixed' }, local],
    ['a clock that keeps the time of home', carrier, { card: 'Europe/Oslo', wifi: 'Asia/Tokyo' }],
    ['a clock that says nothing', carrier, { card: null, wifi: 'Asia/Tokyo' }],
    ['a clock of no country', carrier, { card: 'UTC', wifi: 'UTC' }],
  ] as const)('not with %s', (_title, card, clocks) => {
    expect(weightsOf(card, clocks)).toEqual([0, 0, 30, 0])
  })

  test('a copy abroad with the clock of home is none, whatever its network calls itself', () => {
    const abroad: Network = { ...newYork, ...unplaced, kind: 'unknown' }
    const turn = [
      [abroad, laptop],
      [oslo, laptop],
      [abroad, laptop],
    ] as const

    expect(play(sessionOf(known), turn).weights).toEqual([0, 0, 30])
  })

  test('another browser is none', () => {
    const there = used(carrier, inZone('Asia/Tokyo'), { state: 'provisional' })
    const other: Device = { ...phone, timezone: 'Asia/Tokyo' }
    const turn = [
      [hotel, other],
      [carrier, inZone('Asia/Tokyo')],
      [hotel, other],
    ] as const

    expect(play(sessionOf(known, there), turn).weights).toEqual([0, 0, 30])
  })
})

test('a walk to the other end of the house and back is told of, and no more', () => {
  const newcomer = used(lyse, laptop, { state: 'provisional', at: NOON - MINUTE })
  const session = sessionOf(newcomer, home)

  const { weights, outcomes } = play(session, [[lyse, laptop]])

  expect(weights).toEqual([18])
  expect(outcomes).toEqual(['observe'])
})

test('two confirmed places weigh little, be it a tunnel or the edge of the Wi-Fi', () => {
  for (const other of [vpn, telia4g, { ...newYork, country: 'NO' }]) {
    const { weights, outcomes } = play(sessionOf(used(other, laptop), home), turns(oslo, other))

    expect(weights).toEqual([3, 8, 5, 0, 0, 0])
    expect(new Set(outcomes)).toEqual(new Set(['allow']))
  }
})

test('of two that nobody has confirmed the newcomer is accused', () => {
  const first = used(oslo, laptop, { state: 'provisional' })
  const other: Network = { ...newYork, country: 'NO' }

  expect(play(sessionOf(first), turns(oslo, other)).weights).toEqual([0, 0, 30, 0, 30, 0])
})

test('of two that came at the same instant neither is the older one that is spared', () => {
  const other: Network = { ...newYork, country: 'NO' }
  const first = used(oslo, laptop, { state: 'provisional' })
  const second = used(other, laptop, { state: 'provisional' })
  const older = { ...first, firstSeen: first.firstSeen - 1 }

  expect(play(sessionOf(first, second), [[oslo, laptop]]).weights).toEqual([18])
  expect(play(sessionOf(second, first), [[other, laptop]]).weights).toEqual([18])
  expect(play(sessionOf(older, second), [[oslo, laptop]]).weights).toEqual([0])
  expect(play(sessionOf(second, older), [[other, laptop]]).weights).toEqual([18])
})

test('it is written down a few times within ten minutes, not with every turn', () => {
  const long = Array.from({ length: 10 }, () => turns(oslo, vpn)).flat()
  const session = sessionOf(used(vpn, laptop), home)

  const { writes, state } = play(session, long, { step: 6 * SECOND })

  expect(long).toHaveLength(60)
  expect(state.switchBacks).toHaveLength(4)
  // four returns, and two moves a minute, as without this signal
  expect(writes).toBeLessThanOrEqual(4 + 2 * 6)
})

test('a client that is under challenge is not cleared by another screen', () => {
  const other: Network = { ...newYork, country: 'NO' }
  const { state } = play(sessionOf(home), turns(oslo, other))
  const disguised = { ...laptop, screen: '800x600x1' }

  const { outcome, weight } = show(state, presented(other, disguised, { at: NOON + 60 * MINUTE }))

  expect([outcome, weight]).toEqual(['challenge', 30])
})

test('who is refused on a sensitive route and tries again has not been anywhere else', () => {
  const train: Network = { ...newYork, country: 'NO' }
  let state = sessionOf(home)
  const weights: number[] = []
  for (let i = 1; i <= 6; i++) {
    const presentation = presented(train, laptop, { at: NOON + 10 * i * SECOND })
    const shown = show(state, { ...presentation, sensitivity: i < 6 ? 'sensitive' : 'normal' })
    state = shown.next
    weights.push(shown.weight)
  }

  expect(weights).toEqual([0, 0, 0, 0, 0, 0])
})

test('a move seen by two gateways, in any order and two seconds apart, is no return', () => {
  const other: Network = { ...newYork, country: 'NO' }
  const skew = fc.integer({ min: -2 * SECOND, max: 2 * SECOND })
  const requests = fc.array(fc.record({ at: fc.integer({ min: 0, max: 400 }), skew }), {
    minLength: 1,
    maxLength: 12,
  })
  fc.assert(
    fc.property(requests, requests, (before, after) => {
      // on their way around one move, each within a second of it
      const events = [
        ...before.map(({ at, skew }) => ({ arrives: at, at: at + skew, network: oslo })),
        ...after.map(({ at, skew }) => ({
          arrives: at + 300,
          at: at + 300 + skew,
          network: other,
        })),
      ].sort((a, b) => a.arrives - b.arrives)
      // quiet use is not written down: the record has seen nobody for a minute and a half
      const before90s = NOON - 90 * SECOND
      const session = sessionOf(used(oslo, laptop, { at: before90s }))
      let state: SessionState = { ...session, last: { ...session.last, at: before90s } }
      for (const { at, network } of events) {
        const { next, weight } = show(state, presented(network, laptop, { at: NOON + at }))
        state = next
        expect(weight).toBe(0)
      }
      expect(state.switchBacks).toEqual([])
    }),
  )
})

test('a clock that goes back an hour accuses nobody', () => {
  const train: Network = { ...newYork, country: 'NO' }
  const session = sessionOf(home, used(train, laptop, { state: 'provisional' }))
  const back = (network: Network, minutes: number) =>
    presented(network, laptop, { at: NOON - 60 * MINUTE + minutes * MINUTE })

  let state = session
  for (let i = 0; i < 8; i++) {
    const { next, weight } = show(state, back(i % 2 === 0 ? oslo : train, i))
    state = next
    expect(weight).toBe(0)
  }
})

test('returns are bounded, and name contexts that are there', () => {
  const contexts: readonly Context[] = Array.from({ length: 15 }, (_, i) => {
    const network = { ...lyse, asn: 100 + i, address: `10.0.${i}.1`, prefix: `10.0.${i}.0/24` }
    return used(network, laptop)
  })
  const path = Array.from({ length: 60 }, (_, i) => contexts[i % 15] ?? home)

  const { state } = play(
    sessionOf(home, ...contexts),
    path.map(({ network, device }) => [network, device] as const),
  )

  expect(state.switchBacks.length).toBe(8)
})
