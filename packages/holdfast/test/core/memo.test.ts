import { describe, expect, test } from 'vitest'
import { memo, PartsTable, selectiveMemo } from '../../src/core/memo.ts'

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

const byParts = <Part>() => memo<readonly Part[], number>(10, undefined, () => new PartsTable())

test('a key of parts is none of its beginnings, and no other parts that read alike', () => {
  const known = byParts<string | undefined>()
  const keys = [['a'], ['a', 'b'], ['ab'], ['a', undefined], ['', 'ab'], [], ['a', 'b', 'c']]
  keys.forEach((key, at) => {
    expect(known.get(key)).toBeUndefined()
    known.set(key, at)
  })

  keys.forEach((key, at) => {
    expect(known.get([...key])).toBe(at)
  })
  expect(known.get(['a', 'b', 'c', 'd'])).toBeUndefined()
})

test('of keys of parts those used last are kept: at least the size, at most twice', () => {
  const known = byParts<number>()
  for (let n = 0; n < 100; n++) {
    known.set([n % 3, n], n)
    known.set([n % 3, n], n)
    known.get([0, 0])
  }
  const kept = Array.from({ length: 100 }, (_, n) => n).filter((n) => known.get([n % 3, n]) === n)

  expect(known.get([0, 0])).toBe(0)
  expect(kept.length).toBeGreaterThanOrEqual(10)
  expect(kept.length).toBeLessThanOrEqual(20)
  expect(known.size()).toBeLessThanOrEqual(20)
})

describe('a memory that takes what comes again', () => {
  const taking = (known: ReturnType<typeof selectiveMemo<number>>, key: string): void => {
    if (known.get(key) === undefined && known.takes(key)) known.set(key, 1)
  }

  test('takes every key until it has been full', () => {
    const known = selectiveMemo<number>(100)
    for (let n = 0; n < 100; n++) taking(known, `${n}`)

    expect(Array.from({ length: 100 }, (_, n) => known.get(`${n}`))).not.toContain(undefined)
  })

  test('keeps what is used while 100,000 keys come once each', () => {
    const known = selectiveMemo<number>(1_000)
    const hot = Array.from({ length: 500 }, (_, n) => `hot ${n}`)
    let missed = 0
    for (let n = 0; n < 100_000; n++) {
      taking(known, `flood ${n}`)
      const key = hot[n % hot.length] ?? ''
      if (n >= 2_000 && known.get(key) === undefined) missed++
      taking(known, key)
    }

    expect(missed).toBe(0)
  })

  test('takes nothing where it has room for nothing', () => {
    const known = selectiveMemo<number>(0)
    for (let n = 0; n < 100; n++) taking(known, `${n}`)

    expect(known.size()).toBe(0)
    expect(known.weight()).toBe(0)
  })

  test('weighs what it keeps, and never more than it may', () => {
    const known = selectiveMemo<string>(1_000, ({ length }) => length)
    for (let n = 0; n < 100; n++) {
      known.set(`${n}`, 'x'.repeat(1 + ((n * 37) % 90)))
      expect(known.weight()).toBeLessThanOrEqual(1_000)
    }
    const kept = Array.from({ length: 100 }, (_, n) => known.get(`${n}`) ?? '')

    expect(known.weight()).toBe(kept.join('').length)
    known.set('99', 'x')
    expect(known.weight()).toBe(kept.slice(0, 99).join('').length + 1)
    known.set('heavier than all of it', 'x'.repeat(1_001))
    expect(known.get('heavier than all of it')).toBeUndefined()
    expect(known.weight()).toBeLessThanOrEqual(1_000)
  })

  test('lets go of what nobody uses, where others come that it has no room for', () => {
    const known = selectiveMemo<number>(100)
    for (let n = 0; n < 100; n++) taking(known, `ended ${n}`)
    for (let lap = 0; lap < 20; lap++) for (let n = 0; n < 100; n++) taking(known, `new ${n}`)

    expect(known.get('new 0')).toBe(1)
    expect(known.get('ended 0')).toBeUndefined()
  })

  test('takes a key that comes again soon, also where it has been full', () => {
    const known = selectiveMemo<number>(10)
    for (let n = 0; n < 50; n++) known.set(`${n}`, n)
    expect(known.size()).toBeLessThanOrEqual(20)

    expect(known.takes('new')).toBe(false)
    expect(known.takes('new')).toBe(true)
  })
})
