import { expect, test } from 'vitest'
import { NO_HISTORY } from '../../src/core/history.ts'
import { fork } from '../../src/signals/fork.ts'
import { evidenceOf, REASONS } from '../../src/signals/reasons.ts'
import { LEAST, MOST, WEIGHTS } from '../../src/signals/weights.ts'
import { laptop, MINUTE, NOON, oslo, presented, sessionOf, used, weights } from './scene.ts'

test('every code is a snake_case word with a sentence', () => {
  for (const [code, { text }] of Object.entries(REASONS)) {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
    expect(text).toMatch(/^[A-Z].*\.$/)
  }
})

test('every sentence says something to a person, and none has room for an address', () => {
  for (const { text } of Object.values(REASONS)) {
    expect(text.split(/\s+/).length, text).toBeGreaterThanOrEqual(5)
    expect(text).toMatch(/[^.]\.$/)
    expect(text).not.toMatch(/\{(?:ip|address|prefix|block)\}/)
  }
})

test('no passive weight leaves its bounds', () => {
  for (const [code, weight] of Object.entries(WEIGHTS)) {
    expect(Number.isInteger(weight)).toBe(true)
    expect(weight).toBeGreaterThanOrEqual(LEAST)
    expect(weight).toBeLessThanOrEqual(code === 'secret_forked' ? 60 : MOST)
  }
})

test('a sentence says "unknown" for what is not known', () => {
  expect(evidenceOf('screen_new', 6, { here: '1x1', before: null }).text).toBe(
    'Another screen: 1x1. Before: unknown.',
  )
})

test('a proven fork weighs sixty decibans until it is resolved', () => {
  const session = sessionOf(used(oslo, laptop))
  const forked = { ...session, fork: { at: NOON + 10 * MINUTE } }

  expect(fork()(session, presented(oslo), NO_HISTORY)).toEqual([])
  expect(weights(fork()(forked, presented(oslo), NO_HISTORY))).toEqual({ secret_forked: 60 })
})
