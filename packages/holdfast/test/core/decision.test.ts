import { expect, test } from 'vitest'
import { decision } from '../../src/core/decision.ts'
import { type Evidence, totalOf } from '../../src/core/evidence.ts'

function evidence(reason: string, weight: number): Evidence {
  return { group: 'N', reason, weight, detail: {}, text: 'A fact.' }
}

test('the score is the sum of all weights, those that exonerate included', () => {
  expect(totalOf([])).toBe(0)
  expect(totalOf([{ weight: 12 }, { weight: -5 }, { weight: 3 }])).toBe(10)
  expect(decision('observe', [evidence('a', 12), evidence('b', -5)])).toMatchObject({
    outcome: 'observe',
    score: 7,
  })
})

test('reasons stand by how much they weigh either way; equal ones stay in order', () => {
  const given = [
    evidence('little', 1),
    evidence('against', 9),
    evidence('for', -12),
    evidence('equal against', 9),
    evidence('equal for', -9),
    evidence('nothing', 0),
  ]

  const { because, score } = decision('allow', given)

  expect(because.map(({ reason }) => reason)).toEqual([
    'for',
    'against',
    'equal against',
    'equal for',
    'little',
    'nothing',
  ])
  expect(score).toBe(-2)
  expect(given[0]?.reason).toBe('little')
})
