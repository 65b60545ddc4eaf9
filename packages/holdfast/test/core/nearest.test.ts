import { expect, test } from 'vitest'
import { nearest } from '../../src/core/nearest.ts'

const KNOWN = ['sessions list', 'sessions show', 'config print', 'geo']

test.each([
  ['sesions list', 'sessions list'],
  ['SESSIONS SHWO', 'sessions show'],
  ['config prnt', 'config print'],
  ['conf', 'config print'],
  ['gea', 'geo'],
])('%s means %s', (name, meant) => {
  expect(nearest(name, KNOWN)).toBe(meant)
})

test.each(['frobnicate', 'con'])('%s means nothing known', (name) => {
  expect(nearest(name, KNOWN)).toBeUndefined()
})

test('a name of any length is answered, because only its beginning is compared', () => {
  expect(nearest('x'.repeat(10_000_000), KNOWN)).toBeUndefined()
})
