import { expect, test } from 'vitest'
import type { Signal } from '../../src/core/signal.ts'
import { starterSignals, timed } from '../../src/signals/index.ts'
import { codeOf, harness, inMemory } from '../support/harness.ts'
import { abroad, atHome } from '../support/people.ts'

const weighing =
  (weight: unknown): Signal =>
  () => [{ group: 'B', reason: 'made_up', weight: weight as number, detail: {}, text: '' }]

const throwing: Signal = () => {
  throw new Error('out of order')
}

test.each([
  ['NaN', weighing(Number.NaN)],
  ['without end', weighing(Number.POSITIVE_INFINITY)],
  ['less than nothing, without end', weighing(Number.NEGATIVE_INFINITY)],
  ['a fraction', weighing(0.5)],
  ['a text', weighing('30')],
  ['nothing, because it throws', throwing],
] as const)(
  'a signal that weighs %s is out of order, and lets nobody pass whom the others stop',
  async (_title, broken) => {
    const { login, show } = await harness(inMemory, { signals: [broken, ...starterSignals()] })
    const token = await login()

    const thief = await show(token, abroad())
    const sensitive = await show(token, atHome(), { sensitivity: 'sensitive' })

    expect(codeOf(thief)).toBe('step_up_required')
    expect(thief.decision?.score).toBeGreaterThan(24)
    expect(thief.decision?.because.map(({ reason }) => reason)).toContain('signal_failed')
    expect(thief.decision?.because.map(({ reason }) => reason)).not.toContain('made_up')
    expect(codeOf(sensitive)).toBe('step_up_required')
  },
)

test('a slow signal is told of, and what it found counts', async () => {
  let clock = 0
  const slow: Signal = () => {
    clock += 40
    return [{ group: 'B', reason: 'made_up', weight: 30, detail: {}, text: '' }]
  }
  const told: number[] = []
  const options = { now: () => clock, slowMs: 10, onSlow: (ms: number) => told.push(ms) }
  const signals = [...starterSignals(), slow].map((signal) => timed(signal, options))
  const { login, show } = await harness(inMemory, { signals })
  const token = await login()

  const answer = await show(token, abroad())

  // the login and the presentation
  expect(told).toEqual([40, 40])
  expect(answer.decision?.because.map(({ reason }) => reason)).toContain('made_up')
})

test('a slow signal that throws is told of, and has failed', () => {
  let clock = 0
  const told: number[] = []
  const late: Signal = (...looked) => {
    clock += 40
    return throwing(...looked)
  }
  const watched = timed(late, { now: () => clock, slowMs: 10, onSlow: (ms) => told.push(ms) })

  expect(() => watched(null as never, null as never, null as never)).toThrow('out of order')
  expect(told).toEqual([40])
})
