import { expect, test } from 'vitest'
import { type RecordIdentity, sealingCodec } from '../../src/codecs/codec.ts'
import { newKeyring } from '../../src/codecs/keyring.ts'
import { systemHost } from '../../src/codecs/system-host.ts'

/**
 * Two messages under one key and one nonce give away their difference, and with AES-GCM the means
 * to forge. A virtual machine that is resumed twice repeats nonces, and so do billions of records
 * under one key. Each record has a key of its own, so no two records can meet.
 */
const { now, random } = systemHost()
const repeating = { now, random: (size: number) => Uint8Array.from({ length: size }, () => 7) }
const codec = sealingCodec(newKeyring({ now, random }), repeating)

const one: RecordIdentity = { kind: 'session', id: 'one', version: 1 }

function body(identity: RecordIdentity): string {
  const sealed = codec.seal(identity, Buffer.from('the same content'))
  return Buffer.from(sealed.subarray(17, -16)).toString('hex')
}

test.each([
  ['another session', { ...one, id: 'two' }],
  ['a record of another kind', { ...one, kind: 'attributes' as const }],
  ['an event', { ...one, kind: 'event' as const, id: 'two' }],
])('a nonce that comes again tells nothing of %s', (_title, other) => {
  expect(body(one)).toBe(body(one))
  expect(body(other)).not.toBe(body(one))
})

test('a record keeps its key through all its versions, under each key of the ring', () => {
  expect(body({ ...one, version: 2 })).toBe(body(one))
  const elsewhere = sealingCodec(newKeyring({ now, random }), repeating)
  const sealed = elsewhere.seal(one, Buffer.from('the same content'))

  expect(Buffer.from(sealed.subarray(17, -16)).toString('hex')).not.toBe(body(one))
})
