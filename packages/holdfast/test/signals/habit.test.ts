import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { changesAt, NO_HISTORY, type SubjectHistory, withChange } from '../../src/core/history.ts'
import { backedOff, habitual } from '../../src/signals/habit.ts'
import { USUAL, WEIGHTS } from '../../src/signals/weights.ts'
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
  weigh,
} from './scene.ts'

const DAY = 24 * 60 * MINUTE
const MONTH = 30 * DAY
const nobody = NO_HISTORY.changes

/** When it was, and what its context was new as if that was confirmed with it. */
type Visit = readonly [at: number, newAs?: string]

function lived(visits: readonly Visit[]): typeof nobody {
  return visits.reduce((sum, [at, reason]) => withChange(sum, at, reason), nobody)
}

/** Somebody who did this so many times among two hundred visits, all of them just now. */
function habitOf(reason: string, times: number): SubjectHistory {
  const visits = Array.from({ length: 200 }, (_, i) => (i < times ? reason : undefined))
  return {
    ...NO_HISTORY,
    changes: lived(visits.map((each) => (each === undefined ? [NOON] : [NOON, each]))),
  }
}

describe('a weight backs off to the rate of one person', () => {
  test('a new network nearby weighs 19.4 dB for a stranger, 6.0 after 20 times in 200', () => {
    const weight = 10 * Math.log10(0.35 / 0.004)

    const stranger = backedOff(weight, 0.004, { seen: 0, total: 0 })
    const traveller = backedOff(weight, 0.004, { seen: 20, total: 200 })

    expect(stranger.toFixed(1)).toBe('19.4')
    expect(traveller.toFixed(1)).toBe('6.0')
  })

  test.each([
    ['hosting_known', 20, 1],
    ['hosting_known', 2, 3],
    ['network_new_far', 10, 1],
    ['country_new_clock_moved', 3, 1],
    ['hosting_foreign', 200, 20],
    ['hosting_new', 200, 14],
    ['country_new_clock_unmoved', 200, 16],
    ['country_new_clock_unknown', 200, 10],
  ] as const)('%s, seen %i times in 200 visits, weighs %i dB', (reason, times, weight) => {
    const { weight: own, seen } = habitual(reason, habitOf(reason, times), NOON)

    expect(own).toBe(weight)
    expect(seen).toBe(times)
  })

  test('one journey is no habit: strong evidence is softened from the second on', () => {
    const weightAfter = (times: number) =>
      habitual('country_new_clock_unmoved', habitOf('country_new_clock_unmoved', times), NOON)

    expect(weightAfter(1)).toEqual({ weight: WEIGHTS.country_new_clock_unmoved })
    expect(weightAfter(2)).toEqual({ weight: 16, seen: 2 })
  })

  test('who never did it pays what everybody pays, however often they came', () => {
    for (const reason of Object.keys(WEIGHTS) as (keyof typeof WEIGHTS)[]) {
      expect(habitual(reason, habitOf('nothing', 0), NOON)).toEqual({ weight: WEIGHTS[reason] })
    }
  })

  test('a habit that ended is forgotten', () => {
    const history = habitOf('hosting_known', 20)
    const weightAfter = (ms: number) => habitual('hosting_known', history, NOON + ms).weight

    expect(weightAfter(0)).toBe(1)
    expect(weightAfter(8 * MONTH)).toBe(6)
    expect(weightAfter(36 * MONTH)).toBe(WEIGHTS.hosting_known)
  })

  test('who keeps the time zone to oneself weighs no more than whose clock did not move', () => {
    const history = habitOf('country_new_clock_unmoved', 20)

    const unmoved = habitual('country_new_clock_unmoved', history, NOON).weight
    expect(habitual('country_new_clock_unknown', history, NOON).weight).toBeLessThanOrEqual(unmoved)
  })

  test('the evidence says so, and the reasons sum to the softened weight', () => {
    const history = { ...past(), ...habitOf('network_new_near', 20) }

    const [evidence] = weigh(sessionOf(used(oslo, laptop)), presented(lyse), history)

    expect(evidence).toMatchObject({
      reason: 'network_new_near',
      weight: 1,
      detail: { seen: 20 },
      text: expect.stringMatching(
        /^New network .* This user has done so before \(recently: 20\)\.$/,
      ),
    })
  })
})

describe('counts of changes', () => {
  const reasons = fc.constantFrom(...Object.keys(USUAL))
  const visit = fc
    .record({ days: fc.integer({ min: 0, max: 120 }), reason: fc.option(reasons) })
    .map(({ days, reason }): Visit => {
      const at = NOON + days * DAY
      return reason === null ? [at] : [at, reason]
    })
  const END = NOON + 121 * DAY

  test('come out the same in whatever order they are learnt', () => {
    const visits = fc.array(visit, { minLength: 1, maxLength: 60 })
    const orders = visits.chain((one) =>
      fc.tuple(fc.constant(one), fc.shuffledSubarray([...one], { minLength: one.length })),
    )
    fc.assert(
      fc.property(orders, ([one, other]) => {
        const [a, b] = [lived(one), lived(other)]
        for (const reason of Object.keys(USUAL)) {
          const [left, right] = [changesAt(a, END, reason), changesAt(b, END, reason)]
          // every visit is rounded once, and every period once more
          expect(Math.abs(left.seen - right.seen)).toBeLessThan(0.5 + one.length / 64)
          expect(Math.abs(left.total - right.total)).toBeLessThan(0.5 + one.length / 64)
        }
      }),
    )
  })

  test('halve in thirty days', () => {
    const counts = lived(Array.from({ length: 64 }, () => [NOON, 'relay_new'] as const))
    const at = (ms: number) => changesAt(counts, NOON + ms, 'relay_new')

    expect(at(0).seen).toBeCloseTo(64, 0)
    expect(at(MONTH).seen).toBeCloseTo(32, 0)
    expect(at(2 * MONTH).total).toBeCloseTo(16, 0)
    const later = withChange(counts, NOON + 3 * MONTH)
    expect(changesAt(later, NOON + 3 * MONTH, 'relay_new').seen).toBeCloseTo(8, 0)
    expect(withChange(counts, NOON + 900 * MONTH).byReason).toEqual({})
  })

  test('stay within a few bytes and keep their proportions, however many visits there are', () => {
    const visits = Array.from({ length: 20_000 }, (_, i): Visit => {
      const at = NOON + i * MINUTE
      return i % 10 === 0 ? [at, 'hosting_known'] : [at]
    })

    const counts = lived(visits)

    expect(counts.total).toBeLessThanOrEqual(2 ** 16)
    expect((counts.byReason.hosting_known ?? 0) / counts.total).toBeCloseTo(0.1, 2)
  })

  test('never go up when a clock goes back', () => {
    const counts = lived([[NOON, 'relay_new']])

    expect(changesAt(counts, 0, 'relay_new').seen).toBeLessThan(2.1)
    expect(withChange(counts, 0, 'relay_new').period).toBe(counts.period)
    expect(withChange(nobody, -1).total).toBe(64)
  })
})
