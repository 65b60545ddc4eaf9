import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { samples } from '../../src/contracts/stores/sample-entry.ts'
import { storeContract } from '../../src/contracts/stores/store-contract.ts'
import {
  isSessionId,
  isSubjectKey,
  PARTITIONS,
  partitionOf,
  subjectOf,
} from '../../src/core/ids.ts'
import { decodeCursor, encodeCursor } from '../../src/stores/feed/cursor.ts'
import { checkedKey } from '../../src/stores/input.ts'
import { memoryTables } from '../../src/stores/local/memory-tables.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { idOf, locate, suffixOf } from '../../src/stores/partition.ts'
import { FEW_BYTES, keptOfTooMuch, SHARE } from '../support/full-feed.ts'

storeContract('memory', (bounds) => memoryStore(bounds))

test('the feed keeps no more bytes than it may', async () => {
  const host = fakeHost()
  const store = memoryStore({ now: host.now, feedBytes: FEW_BYTES })

  const kept = await keptOfTooMuch(store, samples(host))

  // with the bytes of its own place an entry takes 600; half as many again may stay for a while
  expect(kept).toBeGreaterThan(SHARE / 700)
  expect(kept).toBeLessThan((1.5 * SHARE) / 600 + 65)
})

test.each([
  { feedBytes: 999_999 },
  { feedBytes: 1e6 + 0.5 },
  { feedBytes: Number.NaN },
  { feedLimit: 0 },
  { feedLimit: Infinity },
])('a feed with the bound %j is refused at once', (bounds) => {
  const [name = ''] = Object.keys(bounds)

  expect(() => memoryStore(bounds)).toThrow(
    expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(name) }),
  )
})

test('any positions come back from a cursor', () => {
  const position = fc.oneof(fc.constant(0), fc.nat(), fc.maxSafeNat())
  const positions = fc.array(position, { minLength: PARTITIONS, maxLength: PARTITIONS })

  fc.assert(
    fc.property(positions, (at) => {
      expect(decodeCursor(encodeCursor(at))).toEqual(at)
    }),
  )
})

test('whichever positions are asked for, in any order, each is that after its entry', async () => {
  const host = fakeHost()
  const store = memoryStore({ now: host.now })
  const make = samples(host)
  const start = Array.from({ length: PARTITIONS }, () => 0)
  for (let i = 0; i < 150; i++) {
    await store.feed.append(make.subject((i * 7) % PARTITIONS), [make.event()])
    if (i % 3 === 0) host.advance(1)
  }
  const { items: all } = await store.feed.read(encodeCursor(start), 1_000)
  const expected = all.map(({ partition, sequence }) => {
    start[partition] = sequence
    return encodeCursor(start)
  })
  const place = fc.nat({ max: all.length - 1 })

  await fc.assert(
    fc.asyncProperty(place, fc.array(place), async (first, asked) => {
      const { items } = await store.feed.read(expected[first], 1_000)
      for (const at of [...asked, first]) {
        if (at > first) expect(items[at - first - 1]?.cursor).toBe(expected[at])
        else expect(all[at]?.cursor).toBe(expected[at])
      }
      expect(items.map(({ sequence }) => sequence)).toEqual(
        all.slice(first + 1).map(({ sequence }) => sequence),
      )
    }),
  )
})

test('no text is taken for a cursor but the one spelling of its positions', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 80 }).map((some) => Buffer.from(some).toString('base64url')),
    fc.uint8Array({ maxLength: 3 }).map((some) => {
      return Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, ...some]).toString('base64url')
    }),
    fc.string(),
  )

  fc.assert(
    fc.property(bytes, (text) => {
      let spelled: string
      try {
        spelled = encodeCursor(decodeCursor(text))
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid_input' })
        return
      }
      expect(spelled).toBe(text)
    }),
    { numRuns: 2_000 },
  )
})

test('what has expired is handed out after its minute, each once', () => {
  const tables = memoryTables()
  for (let i = 0; i < 100; i++) tables.queueExpiry(i * 10_000, { kind: 'replay', key: `${i}` })
  const taken: string[] = []

  for (let now = 0; now <= 2_000_000; now += 1_000) {
    for (const { key } of tables.takeExpired(now, 2)) {
      expect(Number(key) * 10_000).toBeLessThan(now)
      taken.push(key)
    }
  }

  expect(taken).toHaveLength(100)
  expect(new Set(taken).size).toBe(100)
})

test('subject and partition read off the letters are those that decoding gives', () => {
  const key = (size: number): fc.Arbitrary<string> =>
    fc
      .uint8Array({ minLength: size, maxLength: size })
      .map((bytes) => Buffer.from(bytes).toString('base64url'))

  fc.assert(
    fc.property(key(32), key(16), (id, subject) => {
      expect(locate(id)).toEqual({ subject: subjectOf(id), partition: partitionOf(id) })
      expect(locate(subject)).toEqual({ subject, partition: partitionOf(subject) })
      expect(idOf(subjectOf(id), suffixOf(id))).toBe(id)
    }),
    { numRuns: 1_000 },
  )
})

test('what passes for a key is what the core calls an id or a subject key', () => {
  const letters = fc.constantFrom(...'AQgwEBabyz019-_=+/{} ')
  const text = fc.oneof(
    fc.string({ unit: letters, minLength: 21, maxLength: 44 }),
    fc.string({ unit: letters, minLength: 22, maxLength: 22 }),
    fc.string({ unit: letters, minLength: 43, maxLength: 43 }),
    fc
      .uint8Array({ minLength: 15, maxLength: 33 })
      .map((b) => Buffer.from(b).toString('base64url')),
  )

  fc.assert(
    fc.property(text, (key) => {
      const valid = isSessionId(key) || isSubjectKey(key)
      if (valid) expect(checkedKey(key)).toBe(key)
      else expect(() => checkedKey(key)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
    }),
    { numRuns: 2_000 },
  )
})
