import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Outcome, Situation } from '../../src/core/decision.ts'
import { type Evidence, type EvidenceGroup, totalOf } from '../../src/core/evidence.ts'
import { balanced, lenient, redecide, strict, thresholdPolicy } from '../../src/policies/index.ts'
import { calm } from './calm.ts'

function weighing(weight: number, group: EvidenceGroup = 'N', reason = 'x'): Evidence {
  return { group, reason, weight, detail: {}, text: 'A fact.' }
}

const reasonsOf = ({ because }: { because: readonly Evidence[] }) =>
  because.map(({ reason }) => reason)

describe('scores lead to outcomes', () => {
  test.each<[string, ReturnType<typeof balanced>, readonly [number, Outcome][]]>([
    [
      'balanced',
      balanced(),
      [
        [-17, 'allow'],
        [11, 'allow'],
        [12, 'observe'],
        [23, 'observe'],
        [24, 'challenge'],
        [90, 'challenge'],
      ],
    ],
    [
      'lenient',
      lenient(),
      [
        [17, 'allow'],
        [18, 'observe'],
        [31, 'observe'],
        [32, 'challenge'],
      ],
    ],
    [
      'strict',
      strict(),
      [
        [5, 'allow'],
        [6, 'observe'],
        [14, 'observe'],
        [15, 'challenge'],
      ],
    ],
  ])('%s', (_, policy, table) => {
    for (const [score, outcome] of table) {
      expect(policy([weighing(score)], { ...calm, context: 'provisional' }).outcome).toBe(outcome)
    }
  })

  test('two groups above the limit let a confirmed context read, and challenge any other', () => {
    const evidence = [weighing(30, 'N'), weighing(30, 'D')]

    expect(balanced()(evidence, calm).outcome).toBe('limit')
    for (const context of ['provisional', 'challenged', 'new'] as const) {
      expect(balanced()(evidence, { ...calm, context }).outcome).toBe('challenge')
    }
  })

  test('one group alone, or one that exonerates beside it, never limits', () => {
    expect(balanced()([weighing(60)], calm).outcome).toBe('challenge')
    expect(balanced()([weighing(60), weighing(-2, 'D')], calm).outcome).toBe('challenge')
  })
})

describe('a route or a context can call for a step-up, and the decision says why', () => {
  test.each<[string, Partial<Situation>, readonly string[]]>([
    ['a challenged context', { context: 'challenged' }, ['context_challenged']],
    [
      'a sensitive route on an unconfirmed network',
      { sensitivity: 'sensitive', networkConfirmed: false },
      ['network_unconfirmed'],
    ],
    ['a stronger authentication', { missing: ['acr'] }, ['acr_missing']],
    ['a fresher authentication', { missing: ['freshness'] }, ['authentication_stale']],
    ['both', { missing: ['acr', 'freshness'] }, ['acr_missing', 'authentication_stale']],
    [
      'a failed signal on a sensitive route',
      { sensitivity: 'sensitive', signalFailed: true },
      ['signal_failed'],
    ],
  ])('%s', (_, situation, causes) => {
    const decided = balanced()([], { ...calm, ...situation })

    expect(decided.outcome).toBe('challenge')
    expect(decided.score).toBe(0)
    expect(reasonsOf(decided)).toEqual(causes)
    expect(decided.because.map(({ detail }) => detail)).toEqual(causes.map(() => ({})))
  })

  test('a normal route asks for no confirmed network, and a confirmed one for nothing', () => {
    expect(balanced()([], { ...calm, networkConfirmed: false }).outcome).toBe('allow')
    expect(balanced()([], { ...calm, sensitivity: 'sensitive' }).outcome).toBe('allow')
  })

  test('a failed signal is observed on a normal route, however good the rest looks', () => {
    const decided = balanced()([weighing(-17)], { ...calm, signalFailed: true })

    expect(decided.outcome).toBe('observe')
    expect(reasonsOf(decided)).toContain('signal_failed')
  })

  test('a cause that the evidence states already is not stated twice', () => {
    const failed = weighing(0, 'P', 'signal_failed')

    expect(reasonsOf(balanced()([failed], { ...calm, signalFailed: true }))).toEqual([
      'signal_failed',
    ])
  })
})

describe('forks', () => {
  const forked: Situation = { ...calm, forked: true }

  test('challenge every context, confirmed or not, even after three prompts', () => {
    for (const context of ['confirmed', 'provisional', 'challenged', 'new'] as const) {
      const decided = balanced()([weighing(60, 'R', 'secret_forked')], {
        ...forked,
        context,
        prompts: 3,
      })
      expect(decided.outcome).toBe('challenge')
    }
  })

  test('end the session under the strict policy, and where nobody can step up', () => {
    expect(strict()([], forked).outcome).toBe('revoke')
    expect(balanced()([], { ...forked, canStepUp: false }).outcome).toBe('revoke')
    expect(reasonsOf(strict()([], forked))).toEqual(['secret_forked'])
  })
})

describe('a journey that nobody makes', () => {
  const travelled: Situation = { ...calm, context: 'new', travelImpossible: true }

  test.each(Object.entries({ lenient, balanced, strict }))('%s asks for a step-up', (_, policy) => {
    for (const context of ['provisional', 'challenged', 'new'] as const) {
      const decided = policy()([weighing(-17)], { ...travelled, context })

      expect(decided).toMatchObject({ outcome: 'challenge', score: -17 })
      expect(reasonsOf(decided)).toContain('travel_impossible')
    }
  })

  test('is refused without another prompt after the third', () => {
    expect(balanced()([], { ...travelled, prompts: 3 }).outcome).toBe('deny')
  })

  test('is told to a policy that looks at the decision again', () => {
    const asked = lenient()([weighing(14)], travelled)

    expect(redecide(strict(), { decision: asked, situation: travelled })).toEqual(
      strict()([weighing(14)], travelled),
    )
  })
})

describe('prompts run out', () => {
  const asking: Situation = { ...calm, context: 'challenged', prompts: 3 }

  test('for a context that would be challenged: refused without another prompt', () => {
    const decided = balanced()([weighing(26)], asking)

    expect(decided.outcome).toBe('deny')
    expect(reasonsOf(decided)).toEqual(['x', 'context_challenged', 'prompts_exhausted'])
  })

  test('not before the third, not for a confirmed context, not where nothing is asked', () => {
    expect(balanced()([weighing(26)], { ...asking, prompts: 2 }).outcome).toBe('challenge')
    expect(balanced()([weighing(26)], { ...asking, context: 'confirmed' }).outcome).toBe(
      'challenge',
    )
    expect(balanced()([], { ...asking, context: 'provisional' }).outcome).toBe('allow')
  })
})

test.each(['failed_key_proof', 'step_up_failed_after_fork', 'not_me'] as const)(
  'a contradiction revokes before anything else is looked at: %s',
  (contradiction) => {
    for (const policy of [balanced(), lenient(), strict()]) {
      const decided = policy([weighing(-17)], { ...calm, forked: true, prompts: 9, contradiction })
      expect(decided.outcome).toBe('revoke')
      expect(reasonsOf(decided)).toContain(contradiction)
    }
  },
)

const evidence = fc.array(
  fc
    .record({
      weight: fc.integer({ min: -15, max: 60 }),
      group: fc.constantFrom<EvidenceGroup>('N', 'D', 'B', 'R'),
      reason: fc.constantFrom('a', 'b', 'c', 'd'),
    })
    .map(({ weight, group, reason }) => weighing(weight, group, reason)),
  { maxLength: 6 },
)
const situation: fc.Arbitrary<Situation> = fc.record({
  sensitivity: fc.constantFrom('normal', 'sensitive'),
  reading: fc.boolean(),
  context: fc.constantFrom('confirmed', 'provisional', 'challenged', 'new'),
  networkConfirmed: fc.boolean(),
  missing: fc.subarray(['acr', 'freshness'] as const),
  forked: fc.boolean(),
  travelImpossible: fc.boolean(),
  canStepUp: fc.boolean(),
  signalFailed: fc.boolean(),
  prompts: fc.nat({ max: 5 }),
  contradiction: fc.constantFrom(null, null, 'failed_key_proof', 'not_me'),
})

describe('for any evidence in any situation', () => {
  test('the reasons sum to the score, and everything but trust has a reason', () => {
    fc.assert(
      fc.property(evidence, situation, (given, facts) => {
        const decided = balanced()(given, facts)
        expect(decided.score).toBe(totalOf(given))
        expect(totalOf(decided.because)).toBe(decided.score)
        if (decided.outcome !== 'allow') expect(decided.because.length).toBeGreaterThan(0)
      }),
    )
  })

  test('only a contradiction or a fork revokes: evidence alone never does', () => {
    fc.assert(
      fc.property(evidence, situation, (given, facts) => {
        const decided = strict()(given, { ...facts, contradiction: null, forked: false })
        expect(decided.outcome).not.toBe('revoke')
      }),
    )
  })

  test('more evidence against never makes the answer to an unconfirmed context milder', () => {
    const ladder: readonly Outcome[] = ['allow', 'observe', 'challenge', 'deny', 'revoke']
    const rank = (outcome: Outcome) => ladder.indexOf(outcome)
    fc.assert(
      fc.property(evidence, situation, fc.nat({ max: 60 }), (given, facts, more) => {
        const stranger = { ...facts, context: 'provisional' as const }
        const before = balanced()(given, stranger).outcome
        const after = balanced()([...given, weighing(more, 'K')], stranger).outcome
        expect(rank(after)).toBeGreaterThanOrEqual(rank(before))
        expect(rank(before)).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  test('a decision can be made again, by any policy, from its reasons and the situation', () => {
    fc.assert(
      fc.property(evidence, situation, (given, facts) => {
        const recorded = { decision: balanced()(given, facts), situation: facts }
        for (const policy of [balanced(), lenient(), strict()]) {
          expect(redecide(policy, recorded)?.outcome).toBe(policy(given, facts).outcome)
          expect(redecide(policy, recorded)?.score).toBe(policy(given, facts).score)
        }
        expect(redecide(balanced(), recorded)).toEqual(recorded.decision)
      }),
    )
  })

  test('evidence in any order gives the same decision, reasons included', () => {
    const shuffled = evidence.chain((given) =>
      fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length })),
    )
    fc.assert(
      fc.property(shuffled, situation, ([given, other], facts) => {
        const distinct = new Set(given.map(({ reason }) => reason)).size === given.length
        if (!distinct) return
        expect(balanced()(other, facts)).toEqual(balanced()(given, facts))
      }),
    )
  })

  test('what observes, challenges or limits can be set apart', () => {
    const policy = thresholdPolicy({ observe: 1, challenge: 2, limit: 3, revokeForks: true })

    expect(policy([weighing(1)], calm).outcome).toBe('observe')
    expect(policy([weighing(2)], calm).outcome).toBe('challenge')
    expect(policy([weighing(2), weighing(1, 'D')], calm).outcome).toBe('limit')
  })
})

describe('reasons of equal weight', () => {
  test('stand in the order of their names, whichever came first', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((reason) => weighing(5, 'N', reason))
    if (a === undefined || b === undefined || c === undefined) throw new Error('three were made')

    expect(reasonsOf(balanced()([c, a, b], calm))).toEqual(['a', 'b', 'c'])
    expect(reasonsOf(balanced()([b, c, a], calm))).toEqual(['a', 'b', 'c'])
  })

  test('stay as they came where even their names are equal', () => {
    const first = { ...weighing(5, 'N', 'a'), text: 'First.' }
    const second = { ...weighing(5, 'D', 'a'), text: 'Second.' }

    expect(balanced()([first, second], calm).because).toEqual([first, second])
    expect(balanced()([second, first], calm).because).toEqual([second, first])
  })
})

describe('each of the limits is reached exactly', () => {
  const policy = thresholdPolicy({ observe: 10, challenge: 20, limit: 40, revokeForks: false })

  test.each<[readonly Evidence[], Situation['context'], Outcome]>([
    [[weighing(9)], 'confirmed', 'allow'],
    [[weighing(10)], 'confirmed', 'observe'],
    [[weighing(19)], 'confirmed', 'observe'],
    [[weighing(20)], 'confirmed', 'challenge'],
    [[weighing(39), weighing(0, 'D')], 'confirmed', 'challenge'],
    [[weighing(38), weighing(1, 'D')], 'confirmed', 'challenge'],
    [[weighing(39), weighing(1, 'D')], 'confirmed', 'limit'],
    [[weighing(40), weighing(0, 'D')], 'confirmed', 'challenge'],
    [[weighing(20), weighing(20, 'N', 'y')], 'confirmed', 'challenge'],
    [[weighing(39), weighing(1, 'D')], 'provisional', 'challenge'],
  ])('%j from a %s context: %s', (given, context, outcome) => {
    expect(policy(given, { ...calm, context }).outcome).toBe(outcome)
  })

  test.each([
    [2, 'challenge'],
    [3, 'deny'],
    [4, 'deny'],
  ] as const)('after %i prompts a stranger gets: %s', (prompts, outcome) => {
    const decided = policy([weighing(20)], { ...calm, context: 'provisional', prompts })

    expect(decided.outcome).toBe(outcome)
    const told = decided.because.find(({ reason }) => reason === 'prompts_exhausted')
    expect(told?.detail).toEqual(outcome === 'deny' ? { prompts } : undefined)
  })

  test('a limit tells nothing beside the evidence', () => {
    const facts = { ...calm, missing: ['acr'] as const }

    expect(reasonsOf(policy([weighing(39), weighing(1, 'D')], facts))).toEqual(['x', 'x'])
  })
})

test('a fork says what else is missing, and itself once', () => {
  const facts: Situation = { ...calm, forked: true, context: 'challenged', missing: ['acr'] }
  const proven = weighing(60, 'R', 'secret_forked')

  expect(reasonsOf(balanced()([], facts))).toEqual([
    'acr_missing',
    'context_challenged',
    'secret_forked',
  ])
  expect(reasonsOf(balanced()([proven], facts))).toEqual([
    'secret_forked',
    'acr_missing',
    'context_challenged',
  ])
})

describe('thresholds that make no sense', () => {
  const sound = { observe: 10, challenge: 20, limit: 40, revokeForks: false }

  test.each([
    ['observe', 0],
    ['observe', -1],
    ['observe', 1.5],
    ['observe', Number.NaN],
    ['challenge', Number.POSITIVE_INFINITY],
    ['limit', 201],
  ])('%s of %d is refused by name', (field, value) => {
    expect(() => thresholdPolicy({ ...sound, [field]: value })).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: `${field} must be a whole number of decibans from 1 to 200.`,
      }),
    )
  })

  test('are those out of order', () => {
    expect(() => thresholdPolicy({ ...sound, observe: 21 })).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: 'observe must not be above challenge (20).',
      }),
    )
    expect(() => thresholdPolicy({ ...sound, challenge: 41 })).toThrow(
      'challenge must not be above limit (40).',
    )
  })

  test('are none at the ends of their range, nor where two are equal', () => {
    for (const value of [1, 200]) {
      const equal = { ...sound, observe: value, challenge: value, limit: value }
      expect(thresholdPolicy(equal)([weighing(value)], calm).outcome).toBe('challenge')
    }
  })
})
