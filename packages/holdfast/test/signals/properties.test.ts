import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { totalOf } from '../../src/core/evidence.ts'
import { NO_HISTORY, type SubjectHistory } from '../../src/core/history.ts'
import type { Device, Network, Presentation } from '../../src/core/request.ts'
import type { SessionState } from '../../src/core/session.ts'
import { weigh as weighAll } from '../../src/engine/judging/weigh.ts'
import { balanced, lenient, strict } from '../../src/policies/index.ts'
import { starterSignals } from '../../src/signals/index.ts'
import { network as networkSignal } from '../../src/signals/network.ts'
import {
  isUsual,
  LEAST,
  LEAST_CLAIMED,
  MOST,
  MOST_BEHAVIOUR,
  USUAL,
  WEIGHTS,
} from '../../src/signals/weights.ts'
import { calm } from '../policies/calm.ts'
import {
  laptop,
  lyse,
  MINUTE,
  NOON,
  newYork,
  oslo,
  past,
  presented,
  score,
  sessionOf,
  tokyo,
  used,
  weigh,
} from './scene.ts'

const lookAtNetwork = networkSignal()
const NEXT_WEEK = NOON + 7 * 24 * 60 * MINUTE
const pick = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)

const network: fc.Arbitrary<Network> = fc
  .record({
    line: fc.integer({ min: 1, max: 3 }),
    block: fc.integer({ min: 1, max: 3 }),
    asn: pick(null, 1, 2, 3),
    kind: pick<Network['kind']>(
      'fixed',
      'mobile',
      'hosting',
      'vpn',
      'relay',
      'satellite',
      'corporate',
      'private',
      'unknown',
    ),
    country: pick(null, 'NO', 'SE', 'JP'),
    place: pick<readonly [number | null, number | null]>(
      [59.9, 10.8],
      [35.7, 139.7],
      [60.4, 5.3],
      [null, null],
    ),
    radiusKm: pick(null, 5, 300),
  })
  .map(({ line, block, place: [latitude, longitude], ...rest }) => ({
    ...rest,
    latitude,
    longitude,
    organisation: null,
    city: null,
    address: `10${block}.1.${line}.1`,
    prefix: `10${block}.1.${line}.0/24`,
    block: `10${block}.1.0.0/16`,
  }))

const device: fc.Arbitrary<Device> = fc.record({
  family: pick<Device['family']>('chrome', 'firefox', 'automation', 'unknown'),
  major: pick(null, 150, 151, 160),
  os: pick<Device['os']>('windows', 'android', 'unknown'),
  mobile: fc.boolean(),
  languages: pick<readonly string[]>([], ['nb'], ['en', 'nb']),
  hints: pick<Device['hints']>(null, { family: 'chrome', major: 150, os: 'windows' }),
  screen: pick(null, '1x2', '2x1', '3x3x2'),
  timezone: pick(null, 'Europe/Oslo', 'Asia/Tokyo', 'UTC'),
  tls: pick(
    null,
    't13d1516h2_8daaf6152771_02713d6af862',
    't13d1516h2_000000000000_02713d6af862',
    'q13d0312h3_55b375c5d22e_06cda9e17597',
  ),
})

const context = fc
  .record({
    network,
    device,
    state: pick('confirmed' as const, 'provisional' as const, 'challenged' as const),
  })
  .map(({ network, device, state }) => used(network, device, { state }))

const units = fc.integer({ min: 0, max: 2 ** 16 })

/** What somebody may have made a habit of. */
const changes: fc.Arbitrary<SubjectHistory['changes']> = fc.oneof(
  fc.constant(NO_HISTORY.changes),
  fc.record({
    period: fc.constant(Math.floor(NOON / (30 * 24 * 60 * MINUTE))),
    total: units,
    byReason: fc.dictionary(fc.constantFrom(...Object.keys(USUAL)), units),
  }),
)

const scene = fc.record({
  session: fc.array(context, { minLength: 1, maxLength: 4 }).map(([first, ...others]) => {
    if (first === undefined) throw new Error('minLength is 1')
    return sessionOf(first, ...others)
  }),
  history: fc
    .record({ contexts: fc.array(context, { maxLength: 3 }), changes })
    .map(({ contexts, changes }) => ({ ...past(...contexts), changes })),
  presentation: fc
    .record({ network, device, minutes: fc.integer({ min: -1, max: 3000 }) })
    .map(({ network, device, minutes }) =>
      presented(network, device, { at: NOON + minutes * MINUTE }),
    ),
})

/** All that any signal may look at. */
const rich = fc
  .record({
    scene,
    sensitive: fc.boolean(),
    forked: fc.boolean(),
    failures: fc.array(fc.integer({ min: -90, max: 90 }), { maxLength: 16 }),
    hours: fc.oneof(
      fc.constant([]),
      fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 24, maxLength: 24 }),
    ),
    seen: fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 5, maxLength: 5 }),
    last: fc.nat(),
    returns: fc.array(
      fc.record({ from: fc.nat(), to: fc.nat(), seconds: fc.integer({ min: -5, max: 700 }) }),
      { maxLength: 8 },
    ),
    actions: fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 8 }),
    because: fc.integer({ min: 0, max: 40 }),
  })
  .map(({ scene: { session, history, presentation }, ...more }) => {
    const { at } = presentation
    const contexts = session.contexts.map((context, i) => {
      const lastSeen = at - (more.seen[i] ?? 0) * 1_000
      const because = [{ group: 'C' as const, reason: 'interleaved', weight: more.because }]
      return { ...context, lastSeen, firstSeen: lastSeen - (i % 2) * 90 * MINUTE, because }
    })
    const one = (index: number) => contexts[index % contexts.length] ?? used(oslo, laptop)
    const { key, network, device } = one(more.last)
    const known = contexts.map((context) => context.key)
    return {
      session: {
        ...session,
        contexts,
        last: { context: key, network, device, at: one(more.last).lastSeen },
        fork: more.forked ? { at } : null,
        switchBacks: more.returns.map(({ from, to, seconds }) => {
          return { at: at - seconds * 1_000, from: one(from).key, to: one(to).key }
        }),
        family: {
          ...session.family,
          predecessors: more.actions.map((seconds, generation) => {
            return { generation, digest: 'd', succeededAt: at - seconds * 1_000, contexts: known }
          }),
        },
      },
      history: {
        ...history,
        failedLogins: more.failures.map((minutes) => at - minutes * MINUTE),
        hours: more.hours,
      },
      presentation: {
        ...presentation,
        sensitivity: more.sensitive ? ('sensitive' as const) : ('normal' as const),
      },
    }
  })

const POLICIES = [balanced(), lenient(), strict()]

describe('for all signals together', () => {
  const decide = (
    {
      session,
      history,
      presentation,
    }: { session: SessionState; history: SubjectHistory; presentation: Presentation },
    signals = starterSignals(),
  ) =>
    POLICIES.map(
      (policy) =>
        weighAll({ signals, policy, acrOrder: [] }, session, presentation, history).decision,
    )

  test('the reasons sum exactly to the score, and the order of the signals changes nothing', () => {
    fc.assert(
      fc.property(
        rich,
        fc.shuffledSubarray(
          starterSignals().map((_, i) => i),
          { minLength: 5 },
        ),
        (one, order) => {
          const shuffled = order.flatMap((i) => starterSignals()[i] ?? [])
          expect(shuffled).toHaveLength(starterSignals().length)

          const decided = decide(one)

          for (const { score, because } of decided) expect(totalOf(because)).toBe(score)
          expect(decide(one, shuffled)).toEqual(decided)
        },
      ),
      { numRuns: 1500 },
    )
  })

  test('no passive group leaves the bounds of one observation, no text names an address', () => {
    fc.assert(
      fc.property(rich, ({ session, history, presentation }) => {
        const evidence = weigh(session, presentation, history)
        for (const group of ['N', 'D', 'C', 'B']) {
          const sum = totalOf(evidence.filter((each) => each.group === group))
          expect(sum).toBeGreaterThanOrEqual(LEAST)
          expect(sum).toBeLessThanOrEqual(group === 'B' ? MOST_BEHAVIOUR : MOST)
        }
        const addresses = [presentation, ...session.contexts, ...history.contexts].flatMap(
          ({ network: { address, prefix, block } }) => [address, prefix, block],
        )
        for (const { text, detail } of evidence) {
          for (const address of addresses) {
            expect(text).not.toContain(address)
            expect(Object.values(detail)).not.toContain(address)
          }
        }
      }),
      { numRuns: 1500 },
    )
  })

  test('losing what lookups say of the network never raises the score, but for claims', () => {
    // On a network that is not known to be confirmed, a newer version exonerates less.
    const withoutClaims = (...seen: Parameters<typeof weigh>) =>
      weigh(...seen).reduce((sum, { group, weight }) => {
        return sum + (group === 'D' ? Math.max(weight, LEAST_CLAIMED) : weight)
      }, 0)
    const losses: readonly Partial<Network>[] = [
      { asn: null },
      { country: null },
      { latitude: null, longitude: null },
      { asn: null, country: null, latitude: null, longitude: null, radiusKm: null },
    ]
    fc.assert(
      fc.property(rich, pick(...losses), ({ session, history, presentation }, loss) => {
        const poorer = { ...presentation, network: { ...presentation.network, ...loss } }
        expect(withoutClaims(session, poorer, history)).toBeLessThanOrEqual(
          withoutClaims(session, presentation, history),
        )
      }),
      { numRuns: 4000 },
    )
  })
})

describe('for any session, past and presentation', () => {
  test('groups N and D stay within the bounds of a single observation', () => {
    fc.assert(
      fc.property(scene, ({ session, history, presentation }) => {
        const evidence = weigh(session, presentation, history)
        for (const group of ['N', 'D']) {
          const sum = totalOf(evidence.filter((each) => each.group === group))
          expect(sum).toBeGreaterThanOrEqual(-15)
          expect(sum).toBeLessThanOrEqual(30)
        }
        for (const { weight } of evidence) expect(weight).not.toBe(0)
      }),
      { numRuns: 2000 },
    )
  })

  test('the reasons of a decision sum exactly to its score, in any order of the evidence', () => {
    fc.assert(
      fc.property(scene, ({ session, history, presentation }) => {
        const evidence = weigh(session, presentation, history)
        const decided = balanced()(evidence, calm)
        expect(totalOf(decided.because)).toBe(decided.score)
        expect(balanced()([...evidence].reverse(), calm)).toEqual(decided)
      }),
      { numRuns: 1000 },
    )
  })

  test('losing what lookups say of the presenting network never raises the score', () => {
    const losses: readonly Partial<Network>[] = [
      { asn: null },
      { country: null },
      { latitude: null, longitude: null },
      { asn: null, country: null, latitude: null, longitude: null, radiusKm: null },
    ]
    fc.assert(
      fc.property(scene, pick(...losses), ({ session, history, presentation }, loss) => {
        const poorer = { ...presentation, network: { ...presentation.network, ...loss } }
        const before = totalOf(lookAtNetwork(session, presentation, history))
        expect(totalOf(lookAtNetwork(session, poorer, history))).toBeLessThanOrEqual(before)
      }),
      { numRuns: 5000 },
    )
  })

  test('a habit makes a reason weigh less, never nothing, and never more than the table', () => {
    const nobody = NO_HISTORY.changes
    const ofNetwork = (...seen: Parameters<typeof lookAtNetwork>) =>
      lookAtNetwork(...seen).filter(({ reason }) => isUsual(reason))
    fc.assert(
      fc.property(scene, ({ session, history, presentation }) => {
        const strangers = ofNetwork(session, presentation, { ...history, changes: nobody })
        const own = ofNetwork(session, presentation, history)

        expect(own.map(({ reason }) => reason)).toEqual(strangers.map(({ reason }) => reason))
        for (const { reason, weight, detail } of strangers) {
          expect(weight).toBe(WEIGHTS[reason as keyof typeof USUAL])
          expect(detail).not.toHaveProperty('seen')
        }
        for (const { reason, weight, detail } of own) {
          const table: number = WEIGHTS[reason as keyof typeof USUAL]
          expect(weight).toBeLessThanOrEqual(table)
          expect(weight).toBeGreaterThanOrEqual(table < 20 ? 1 : table - 10)
          expect(weight < table).toBe(detail.seen !== undefined)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

test('along the ladder from the same address to a data centre abroad the score never falls', () => {
  const far = { latitude: 60.3913, longitude: 5.3221 }
  const line = { address: '84.208.77.1', prefix: '84.208.77.0/24' }
  const block = { ...line, block: '84.210.0.0/16' }
  const history = past(used({ ...lyse, address: null, prefix: null, block: null }, laptop))
  const ladder: readonly Network[] = [
    oslo,
    { ...oslo, ...line },
    { ...oslo, address: '84.208.10.21' },
    { ...oslo, ...block },
    { ...oslo, ...block, ...far },
    lyse,
    { ...lyse, asn: 39832 },
    { ...lyse, asn: 39832, ...far },
    { ...lyse, asn: 39832, country: 'SE' },
    { ...lyse, asn: 39832, country: 'SE', kind: 'hosting' },
  ]

  const scores = ladder.map((here) =>
    score(sessionOf(used(oslo, laptop)), presented(here, laptop, { at: NEXT_WEEK }), history),
  )

  expect(scores).toEqual([...scores].sort((a, b) => a - b))
  expect(scores).toEqual([-17, -9, -9, -2, 1, 5, 6, 6, 24, 28])
})

test('a version forward lowers the score, a version back raises it', () => {
  const home = sessionOf(used(oslo, laptop))
  const at = (major: number) =>
    score(
      home,
      presented(oslo, { ...laptop, major, hints: { family: 'chrome', major, os: 'windows' } }),
    )

  expect(at(157)).toBeLessThan(at(156))
  expect(at(155)).toBeGreaterThan(at(156))
})

describe('whole cases under the balanced policy', () => {
  const decide = (...scene: Parameters<typeof weigh>) =>
    balanced()(weigh(...scene), { ...calm, context: 'new' }).outcome
  const american: Device = { ...laptop, timezone: 'America/New_York', languages: ['en-US'] }
  const telia4g: Network = { ...lyse, asn: 2118, kind: 'mobile', radiusKm: null }

  test.each(['confirmed', 'provisional'] as const)(
    'New York, and Tokyo half an hour later on the same device: challenged (%s login)',
    (state) => {
      const session = sessionOf(used(newYork, american, { state }))

      expect(decide(session, presented(tokyo, american))).toBe('challenge')
      expect(decide(session, presented(tokyo, { ...american, timezone: null }))).toBe('challenge')
    },
  )

  test.each(['confirmed', 'provisional'] as const)(
    'from Wi-Fi to mobile in the same country: undisturbed (%s login)',
    (state) => {
      expect(decide(sessionOf(used(oslo, laptop, { state })), presented(telia4g))).toBe('allow')
    },
  )

  test('Chrome updating one major version: undisturbed', () => {
    const updated: Device = {
      ...laptop,
      major: 157,
      hints: { family: 'chrome', major: 157, os: 'windows' },
    }

    expect(decide(sessionOf(used(oslo, laptop)), presented(oslo, updated))).toBe('allow')
    expect(
      decide(sessionOf(used(oslo, laptop, { state: 'provisional' })), presented(oslo, updated)),
    ).toBe('allow')
  })

  test('flipping between IPv4 and IPv6 of one provider, wherever the data puts the two', () => {
    const v6 = {
      ...oslo,
      address: '2a01:799:1:2::3',
      prefix: '2a01:799:1:2::/64',
      block: '2a01:799::/32',
      latitude: 69.6,
      longitude: 18.9,
    }

    expect(decide(sessionOf(used(oslo, laptop)), presented(v6))).toBe('allow')
  })

  test('a replay by script from a data centre abroad: challenged', () => {
    const script: Device = {
      family: 'automation',
      major: null,
      os: 'unknown',
      mobile: false,
      languages: [],
      hints: null,
      screen: null,
      timezone: null,
      tls: null,
    }

    expect(
      decide(sessionOf(used(oslo, laptop)), presented({ ...tokyo, kind: 'hosting' }, script)),
    ).toBe('challenge')
  })
})
