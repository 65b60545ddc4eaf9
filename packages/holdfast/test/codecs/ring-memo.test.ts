import { expect, test } from 'vitest'
import { ringMemo } from '../../src/codecs/ring-memo.ts'

test('what a ring proved is forgotten, all of it, once its keys are others', () => {
  let keys: unknown = ['first']
  const known = ringMemo<number>(
    () => keys,
    10,
    () => 1,
  )
  known.keep('a', () => 1)
  known.keep('b', () => 2)
  const before = [known.get('a'), known.get('b')]

  keys = ['second']

  expect(before).toEqual([1, 2])
  expect([known.get('a'), known.get('b'), known.size()]).toEqual([undefined, undefined, 0])
})

test('the newest value is whole until the next one comes, and then what lasts is left', () => {
  const known = ringMemo<string>(
    () => undefined,
    10,
    () => 1,
  )

  known.keep(
    'a',
    () => 'whole',
    () => 'lasting',
  )
  const first = known.get('a')
  known.keep('b', () => 'other')

  expect(first).toBe('whole')
  expect(known.get('a')).toBe('lasting')
  known.keep('a', () => 'next version')
  expect(known.get('a')).toBe('next version')
})

test('without room the newest value alone is known', () => {
  const known = ringMemo<number>(
    () => undefined,
    0,
    () => 1,
  )
  known.keep('a', () => 1)
  const newest = known.get('a')
  known.keep('b', () => 2)

  expect(newest).toBe(1)
  expect([known.get('a'), known.weight()]).toEqual([undefined, 0])
})
