import { expect, test } from 'vitest'
import {
  attributesIdentity,
  isUnreadable,
  sealingCodec,
  sessionIdentity,
} from '../../src/codecs/codec.ts'
import { newKeyring } from '../../src/codecs/keyring.ts'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { samples } from '../../src/contracts/stores/sample-entry.ts'
import {
  decodeRecord,
  encodeRecord,
  type LiveRecord,
  RECORD_HEADER_BYTES,
} from '../../src/stores/stored-record.ts'

/**
 * Somebody who can write to the store changes how much of a value is attributes and how much is the
 * record. He has no key.
 */
const host = fakeHost()
const codec = sealingCodec(newKeyring(host), host)
const entry = samples(host).entry()
const identities = { attributes: attributesIdentity(entry.id, 1), record: sessionIdentity(entry) }

const genuine = encodeRecord({
  kind: 'live',
  ...entry,
  lastActivity: entry.createdAt,
  attributes: { version: 1, sealed: codec.seal(identities.attributes, Buffer.from('buyer')) },
  sealed: codec.seal(identities.record, Buffer.from('ada')),
})

function opened(bytes: Buffer): string {
  const { attributes, sealed } = decodeRecord(bytes, () => undefined) as LiveRecord
  const roles = attributes === undefined ? '' : codec.open(identities.attributes, attributes.sealed)
  return `${roles} ${codec.open(identities.record, sealed)}`
}

function isRefused(bytes: Buffer): boolean {
  try {
    opened(bytes)
    return false
  } catch (error) {
    return isUnreadable(error)
  }
}

test('whoever moves the boundary between attributes and record has none that opens', () => {
  expect(opened(genuine)).toBe('buyer ada')
  const own = genuine.readUIntBE(RECORD_HEADER_BYTES, 3)

  for (const length of [...Array(genuine.length + 2).keys(), 2 ** 24 - 1]) {
    if (length === own) continue
    const moved = Buffer.from(genuine)
    moved.writeUIntBE(length, RECORD_HEADER_BYTES, 3)
    expect(isRefused(moved)).toBe(true)
  }
  for (let length = 1; length < genuine.length; length++) {
    const cut = genuine.subarray(0, length)
    // Whoever can write to a store can also take attributes away as a whole.
    if (length === RECORD_HEADER_BYTES + 3 + own) expect(opened(cut)).toBe(' ada')
    else expect(isRefused(cut)).toBe(true)
  }
})

test('whoever calls a record one of before has none that opens', () => {
  const before = Buffer.from(genuine)
  before[0] = 1

  expect(isRefused(before)).toBe(true)
})
