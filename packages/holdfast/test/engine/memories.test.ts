import { describe, expect, test } from 'vitest'
import { newKeyring } from '../../src/codecs/keyring.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import type { Memories } from '../../src/engine/options.ts'
import { highestNumbers } from '../../src/engine/state/highest-numbers.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { atHome } from '../support/people.ts'

test('an engine tells how many entries its memories have', async () => {
  let count: (() => Memories) | undefined
  const sessions = createSessions({
    store: memoryStore(),
    keyring: newKeyring(),
    onMemories: (given) => {
      count = given
    },
  })
  const before = count?.()

  const request = atHome()
  const one = await sessions.create({ subject: 'ada', request })
  const other = await sessions.create({ subject: 'ada', request })
  if (!one.ok || !other.ok) throw new Error('a login is refused')
  await sessions.verify({ token: other.token, request })
  await sessions.revoke(one.session.id, { reason: 'test' })
  await sessions.revokeSubject({ subject: 'ada' }, { reason: 'test' })

  const none = { records: 0, cacheBytes: 0, copies: 0, touches: 0, versions: 0, told: 0, ended: 0 }
  expect(before).toEqual(none)
  expect(count?.()).toMatchObject({ records: 2, versions: 2, ended: 2 })
})

test('a flood of keys leaves as many as are kept', () => {
  const numbers = highestNumbers()

  for (let key = 0; key < 100_100; key++) numbers.note(`${key}`, 1)

  expect(numbers.size()).toBe(100_000)
})

describe('the memory for what was opened', () => {
  const request = atHome()

  async function engineWith(cacheBytes: number, ring = newKeyring()) {
    let count: (() => Memories) | undefined
    const sessions = createSessions({
      store: memoryStore(),
      keyring: ring,
      cacheBytes,
      onMemories: (given) => {
        count = given
      },
    })
    const tokens: string[] = []
    for (let n = 0; n < 100; n++) {
      const subject = `user ${n}`
      const made = await sessions.create({ subject, request, attributes: { subject } })
      if (made.ok) tokens.push(made.token)
    }
    const useAll = async (): Promise<void> => {
      for (const token of tokens) {
        const answer = await sessions.verify({ token, request })
        if (!answer.ok) throw new Error(answer.code)
        expect(answer.session.attributes).toEqual({ subject: answer.session.subject })
      }
    }
    for (let lap = 0; lap < 3; lap++) await useAll()
    return { sessions, tokens, useAll, count: () => count?.() ?? fail() }
  }

  const fail = (): never => {
    throw new Error('the engine does not count')
  }

  test('has room for as many sessions as its bytes are for', async () => {
    const { count } = await engineWith(10_000_000)

    expect(count().records).toBe(100)
    expect(count().cacheBytes).toBeLessThan(100 * 6_000)
  })

  test('never takes more, and sessions that find no room are answered all the same', async () => {
    for (const bytes of [0, 20_000, 100_000]) {
      const { count, useAll } = await engineWith(bytes)
      await useAll()

      expect(count().cacheBytes).toBeLessThanOrEqual(bytes)
      expect(count().records).toBeLessThan(100)
    }
  })

  test('is forgotten once the keys of the ring are others', async () => {
    const ring = newKeyring()
    let { keys } = ring
    const changing = {
      ...ring,
      get keys() {
        return keys
      },
    }
    const { sessions, tokens } = await engineWith(10_000_000, changing)
    keys = newKeyring().keys

    const answer = await sessions.verify({ token: tokens[0] ?? '', request })

    expect(answer).toMatchObject({ ok: false, code: 'token_key_unknown' })
  })

  test('is a whole number of bytes', () => {
    for (const cacheBytes of [-1, 1.5, Number.NaN, '1MB' as unknown as number]) {
      const options = { store: memoryStore(), keyring: newKeyring(), cacheBytes }
      expect(() => createSessions(options)).toThrow(
        expect.objectContaining({ code: 'config_invalid' }),
      )
    }
  })
})
