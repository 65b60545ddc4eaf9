import { expect, test } from 'vitest'
import { memo } from '../../src/core/memo.ts'

test('what was used last is kept: at least the size, at most twice as much', () => {
  const known = memo<number, number>(10)
  for (let n = 0; n < 100; n++) {
    known.set(n, n)
    known.get(0)
  }
  const kept = Array.from({ length: 100 }, (_, n) => n).filter((n) => known.get(n) !== undefined)

  expect(known.get(0)).toBe(0)
  expect(kept.length).toBeGreaterThanOrEqual(10)
  expect(kept.length).toBeLessThanOrEqual(20)
})

test('a size may be a sum of weights, of what is there and not of what it replaced', () => {
  const known = memo<string, string>(1_000, ({ length }) => length)
  known.set('first', 'x')
  for (let n = 0; n < 100; n++) known.set('same', 'x'.repeat(100))
  expect(known.get('first')).toBe('x')

  for (let n = 0; n < 20; n++) known.set(`${n}`, 'x'.repeat(100))
  const kept = Array.from({ length: 20 }, (_, n) => known.get(`${n}`)).filter(Boolean)

  expect(known.get('first')).toBeUndefined()
  expect(kept.length).toBeGreaterThanOrEqual(10)
  expect(kept.length).toBeLessThanOrEqual(20)
})
