import { expect, test } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { samples } from '../../src/contracts/stores/sample-entry.ts'
import {
  packedChange,
  packedEnd,
  packedEvent,
  unpackedItem,
} from '../../src/stores/redis/feed-items.ts'

const host = fakeHost()
const make = samples(host)
const { id: session } = make.entry()
const at = host.now()

test('an item of the feed of Redis is read as it was packed', () => {
  const event = make.event()
  const named = { ...event, id: 'a name of another form' }
  const end = { session, reason: 'session_limit', at }

  expect(unpackedItem(packedChange({ session, version: 7, at }))).toEqual({
    kind: 'changed',
    session,
    version: 7,
    at,
  })
  expect(unpackedItem(packedEnd(end))).toEqual({ kind: 'revoked', ...end })
  for (const one of [event, named]) {
    const { sealed, ...rest } = one
    const read = unpackedItem(packedEvent(one))
    expect(read).toMatchObject({ kind: 'event', ...rest })
    expect('sealed' in read && [...read.sealed]).toEqual([...sealed])
  }
})

test('what no script of this store appends is refused, wherever it is cut', () => {
  const change = packedChange({ session, version: 1, at })
  const end = packedEnd({ session, reason: '', at })

  for (const whole of [change, end]) {
    for (let size = 0; size < whole.length; size++) {
      expect(() => unpackedItem(whole.subarray(0, size))).toThrow(
        expect.objectContaining({ code: 'store_unavailable' }),
      )
    }
  }
  expect(() => unpackedItem(Buffer.from('x'))).toThrow(
    expect.objectContaining({ code: 'store_unavailable' }),
  )
})
