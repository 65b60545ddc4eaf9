import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  PRESETS,
  type Thresholds,
  thresholdPolicy,
  thresholdsFor,
} from '../../src/policies/index.ts'

describe('thresholds follow from how rare hijacks are and what a missed one is worth', () => {
  test('one in 10,000 user-months, worth 5,000 needless prompts: a step-up at 24 dB', () => {
    expect(thresholdsFor({ hijacks: 1 / 10_000, missCost: 5_000 })).toEqual({
      observe: 12,
      challenge: 24,
      limit: 48,
      revokeForks: false,
    })
  })

  test.each([
    ['ten times as many hijacks', { hijacks: 1 / 1_000, missCost: 5_000 }, 14],
    ['a miss worth a tenth', { hijacks: 1 / 10_000, missCost: 500 }, 34],
    ['a miss worth twice as much', { hijacks: 1 / 10_000, missCost: 10_000 }, 21],
  ] as const)('%s', (_, costs, challenge) => {
    expect(thresholdsFor(costs).challenge).toBe(challenge)
  })

  test.each(Object.entries(PRESETS))(
    'the step-up of "%s" is that of the inputs it names',
    (_, { costs, thresholds }) => {
      const { challenge, revokeForks } = thresholdsFor(costs)

      expect({ challenge, revokeForks }).toEqual({
        challenge: thresholds.challenge,
        revokeForks: thresholds.revokeForks,
      })
    },
  )

  test('for any inputs: thresholds that a policy takes, or an error that names the input', () => {
    const costs = fc.record({
      hijacks: fc.double({ min: -1, max: 200 }),
      missCost: fc.double({ min: -10, max: 1e12 }),
    })
    fc.assert(
      fc.property(costs, (given) => {
        let thresholds: Thresholds
        try {
          thresholds = thresholdsFor(given)
        } catch (error) {
          expect(error).toMatchObject({ code: 'config_invalid' })
          expect(String(error)).toMatch(/hijacks|missCost/)
          return
        }
        expect(() => thresholdPolicy(thresholds)).not.toThrow()
      }),
    )
  })
})

test.each([
  ['observe', { observe: Number.NaN }],
  ['challenge', { challenge: 24.5 }],
  ['limit', { limit: Number.POSITIVE_INFINITY }],
  ['observe', { observe: 0 }],
  ['observe', { observe: 25 }],
  ['challenge', { challenge: 51 }],
] as const)(
  'thresholds that would let everything or nobody pass are refused: %s',
  (field, wrong) => {
    const thresholds = { ...PRESETS.balanced.thresholds, ...wrong }

    expect(() => thresholdPolicy(thresholds)).toThrow(new RegExp(`^${field} `))
  },
)
