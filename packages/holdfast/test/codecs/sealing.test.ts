import { createCipheriv, hkdfSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type RecordIdentity, sealingCodec } from '../../src/codecs/codec.ts'
import {
  addKey,
  formatKeyring,
  keyringStatus,
  newKeyring,
  parseKeyring,
  rotateKeyring,
} from '../../src/codecs/keyring.ts'
import { systemHost } from '../../src/codecs/system-host.ts'

const host = systemHost()
const ring = newKeyring(host)
const codec = sealingCodec(ring, host)
const identity: RecordIdentity = { kind: 'session', id: 'id', version: 4, terms: [1, 2, 3] }
const value = { subject: 'ada', deep: { list: [1, 2, 3] } }

describe('sealed records', () => {
  test('open where they were sealed, and show nothing of what is in them', () => {
    const sealed = codec.sealJson(identity, value)

    expect(codec.openJson(identity, sealed)).toEqual(value)
    expect(Buffer.from(sealed).toString('latin1')).not.toContain('ada')
  })

  test.each([
    ['another version', { ...identity, version: 3 }],
    ['another id', { ...identity, id: 'other' }],
    ['other terms', { ...identity, terms: [1, 2, 4] }],
    ['terms that run together', { ...identity, terms: [12, 3] }],
    ['another kind', { ...identity, kind: 'attributes' as const }],
  ])('do not open in another place: %s', (_title, elsewhere) => {
    expect(() => codec.open(elsewhere, codec.sealJson(identity, value))).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/record_invalid/) }),
    )
  })

  test('one flipped bit anywhere is refused with a code', () => {
    const sealed = codec.sealJson(identity, value)

    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Uint8Array.from(sealed)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(() => codec.open(identity, changed)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^(record_invalid|key_unknown)$/) }),
      )
    }
  })

  test('no byte string opens, or throws anything but a coded error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => codec.open(identity, bytes)).toThrow(
          expect.objectContaining({
            code: expect.stringMatching(/^(record_invalid|key_unknown)$/),
          }),
        )
      }),
    )
  })

  test('of the first format, under the one key of their kind, open and count as stale', () => {
    const [master] = ring.keys
    if (master === undefined) throw new Error('no key')
    const header = Buffer.concat([Buffer.of(1), Buffer.from(master.id, 'hex'), host.random(12)])
    const key = hkdfSync('sha256', master.secret, '', 'holdfast/1/session', 32)
    const cipher = createCipheriv('aes-256-gcm', Buffer.from(key), header.subarray(5))
    cipher.setAAD(Buffer.from(`1.${master.id}.session.id.4.1.2.3`))
    const body = cipher.update(JSON.stringify(value))
    cipher.final()
    const sealed = Buffer.concat([header, body, cipher.getAuthTag()])

    expect(codec.openJson(identity, sealed)).toEqual(value)
    expect(codec.isStale(sealed)).toBe(true)
    expect(codec.isStale(codec.sealJson(identity, value))).toBe(false)
    expect(() => codec.open(identity, Buffer.concat([Buffer.of(2), sealed.subarray(1)]))).toThrow(
      expect.objectContaining({ code: 'record_invalid' }),
    )
  })

  test('those of a retired key open and count as stale; without it they are refused', () => {
    const sealed = codec.sealJson(identity, value)
    const rotated = sealingCodec(rotateKeyring(ring, host), host)

    expect(rotated.openJson(identity, sealed)).toEqual(value)
    expect(rotated.isStale(sealed)).toBe(true)
    expect(rotated.isStale(rotated.sealJson(identity, value))).toBe(false)
    expect(() => sealingCodec(newKeyring(host), host).open(identity, sealed)).toThrow(
      expect.objectContaining({ code: 'key_unknown' }),
    )
  })

  test('never use one nonce twice', () => {
    const nonces = Array.from({ length: 20_000 }, () =>
      Buffer.from(codec.sealJson(identity, 0).subarray(5, 17)).toString('hex'),
    )

    expect(new Set(nonces).size).toBe(nonces.length)
  })
})

describe('the key ring', () => {
  test('survives its file form, and its status shows no key material', () => {
    const rotated = rotateKeyring(ring, host)
    const text = formatKeyring(rotated)
    const again = parseKeyring(text)

    expect(formatKeyring(again)).toBe(text)
    expect(keyringStatus(again).map(({ state }) => state)).toEqual(['older', 'current'])
    const secrets = [...text.matchAll(/"(?:secret|index)": "([^"]+)"/g)].map(([, secret]) => secret)
    expect(secrets).toHaveLength(3)
    for (const secret of secrets) expect(JSON.stringify(keyringStatus(again))).not.toContain(secret)
  })

  test.each([
    ['no JSON', 'nonsense'],
    ['no format', '{}'],
    ['no keys', '{"format":1,"keys":[]}'],
    ['a short secret', formatKeyring(ring).replace(/"secret": "[^"]+"/, '"secret": "c2hvcnQ"')],
    [
      'a current key that is not there',
      formatKeyring(ring).replace(/"current": "[^"]+"/, '"current": "00000001"'),
    ],
  ])('is refused with a message that names the field: %s', (_title, text) => {
    expect(() => parseKeyring(text)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })
})

test('a key that was added opens, and seals only once the ring is rotated', () => {
  const added = addKey(ring, host)
  const promoted = rotateKeyring(added, host)
  const identity = { kind: 'event', id: 'AAAA', version: 1 } as const

  expect(keyringStatus(added).map(({ state }) => state)).toEqual(['current', 'waiting'])
  expect(keyringStatus(promoted).map(({ state }) => state)).toEqual(['older', 'current'])
  expect(promoted.keys).toEqual(added.keys)
  expect(rotateKeyring(promoted, host).keys).toHaveLength(3)
  const sealed = sealingCodec(promoted, host).sealJson(identity, 1)
  expect(sealingCodec(added, host).openJson(identity, sealed)).toBe(1)
  expect(sealingCodec(added, host).isStale(sealed)).toBe(true)
  expect(parseKeyring(formatKeyring(added)).current).toBe(ring.current)
})

test('a ring is not rotated beyond what its file may hold', () => {
  let full = ring
  while (full.keys.length < 64) full = rotateKeyring(full)

  expect(parseKeyring(formatKeyring(full)).keys).toHaveLength(64)
  expect(() => rotateKeyring(full)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
})
