import { createHmac, createSecretKey, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hmacUnder } from '../../src/codecs/hmac.ts'

test('is HMAC-SHA-256, of short messages and of long ones, one after the other', () => {
  const text = fc.string({ maxLength: 200, unit: 'binary-ascii' })
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 64 }),
      fc.array(fc.tuple(text, fc.uint8Array({ maxLength: 200 })), { minLength: 1, maxLength: 4 }),
      (secret, messages) => {
        const key = createSecretKey(secret)
        const hmac = hmacUnder(key)
        for (const [id, bytes] of messages) {
          const expected = createHmac('sha256', key).update(id, 'latin1').update(bytes).digest()
          expect(Buffer.from(hmac(id, bytes), 'latin1')).toEqual(expected)
        }
      },
    ),
  )
})

test('reads the whole key up to the size of a block, and refuses a longer one', () => {
  const secret = randomBytes(64)
  const other = Buffer.from(secret)
  other[63] = (other[63] ?? 0) ^ 1
  const of = (bytes: Buffer): string => hmacUnder(createSecretKey(bytes))('id', Buffer.of(1))

  expect(of(secret)).not.toBe(of(other))
  expect(() => of(randomBytes(65))).toThrow(RangeError)
})
