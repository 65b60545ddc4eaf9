import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { isSignatureOf, keysOf, type VerificationKey } from '../../src/tokens/verification-key.ts'
import { ED, ES, jwkOf, pair, RS, signed } from '../support/access-tokens.ts'

const NONE = 'it has no key that signs access tokens'

function namesOf(...keys: readonly unknown[]): readonly string[] | string {
  const found = keysOf({ keys })
  return typeof found === 'string' ? found : [...found.keys()]
}

function keyOf(jwk: unknown): VerificationKey {
  const found = keysOf({ keys: [jwk] })
  if (typeof found === 'string') throw new Error(found)
  const [key] = found.values()
  if (key === undefined) throw new Error('no key was found')
  return key
}

/** Its size is all that matters here: no signature can be made for such a number. */
function rsa(bits: number, exponent = 'AQAB') {
  const n = Buffer.alloc(bits / 8, 0xff).toString('base64url')
  return { kty: 'RSA', n, e: exponent, kid: 'r', alg: 'RS256', use: 'sig' }
}

describe('a set of keys', () => {
  test('is read by the names of its keys, each with the algorithm that it says', () => {
    const keys = keysOf({ keys: [ED, ES, RS].map(jwkOf) })
    if (typeof keys === 'string') throw new Error(keys)

    expect([...keys].map(([name, { kid, alg }]) => [name, kid, alg])).toEqual([
      ['EdDSA', 'EdDSA', 'EdDSA'],
      ['ES256', 'ES256', 'ES256'],
      ['RS256', 'RS256', 'RS256'],
    ])
  })

  test.each([null, undefined, 'keys', [], {}, { keys: null }, { keys: {} }, { keys: 'x' }])(
    'is no set where it is %j',
    (set) => {
      expect(keysOf(set)).toBe('it is no JWK set')
    },
  )

  test('has 32 keys at most', () => {
    const named = (count: number) =>
      Array.from({ length: count }, (_, at) => ({ ...jwkOf(ED), kid: `k${at}` }))

    expect(namesOf(...named(32))).toHaveLength(32)
    expect(namesOf(...named(33))).toBe('it has more than 32 keys')
  })

  test('with a name twice is spoilt, even where one of the two signs nothing here', () => {
    const foreign = { kty: 'EC', kid: ED.kid, use: 'enc' }

    expect(namesOf(jwkOf(ED), jwkOf({ ...ES, kid: ED.kid }))).toBe('it has a kid twice')
    expect(namesOf(jwkOf(ED), foreign)).toBe('it has a kid twice')
  })

  test('passes over what is somebody else’s, and is empty where nothing is left', () => {
    const nameless = { ...jwkOf(ES), kid: undefined }

    expect(namesOf(null, 7, 'x', [], nameless, nameless, jwkOf(ED))).toEqual([ED.kid])
    expect(namesOf(nameless)).toBe(NONE)
    expect(namesOf()).toBe(NONE)
  })
})

describe('a key counts', () => {
  test.each([
    ['for encryption', { use: 'enc' }],
    ['for nothing in particular', { use: undefined }],
    ['without a name', { kid: undefined }],
    ['with an empty name', { kid: '' }],
    ['with a number for a name', { kid: 7 }],
    ['with a name of 257 characters', { kid: 'k'.repeat(257) }],
    ['without an algorithm', { alg: undefined }],
    ['of an algorithm that is none of ours', { alg: 'HS256' }],
    ['without its public part', { x: undefined }],
    ['with a public part that is too short', { x: 'AAAA' }],
  ])('not %s', (_, changed) => {
    for (const by of [ED, ES]) expect(namesOf({ ...jwkOf(by), ...changed })).toBe(NONE)
  })

  test('not where one of its two numbers is off the curve', () => {
    expect(namesOf({ ...jwkOf(ES), y: jwkOf(ES).x })).toBe(NONE)
  })

  test.each([
    [ED, { alg: 'ES256' }],
    [ED, { alg: 'RS256' }],
    [ED, { kty: 'EC' }],
    [ED, { crv: 'X25519' }],
    [ED, { crv: 'Ed448' }],
    [ES, { alg: 'EdDSA' }],
    [ES, { alg: 'RS256' }],
    [ES, { kty: 'OKP' }],
    [ES, { crv: 'P-384' }],
    [RS, { alg: 'EdDSA' }],
    [RS, { alg: 'ES256' }],
    [RS, { alg: 'PS256' }],
    [RS, { kty: 'EC' }],
  ])('not where kind, curve and algorithm do not fit: %#', (by, changed) => {
    expect(namesOf({ ...jwkOf(by), ...changed })).toBe(NONE)
  })

  test.each([
    [{ ...jwkOf(ED), alg: 'EdDSA', kty: 'EC', crv: 'P-256' }],
    [{ ...jwkOf(ES), alg: 'EdDSA', crv: 'Ed25519' }],
    [{ ...jwkOf(ES), alg: 'EdDSA', kty: 'OKP' }],
    [{ ...jwkOf(ED), alg: 'ES256', kty: 'EC' }],
    [{ ...jwkOf(ED), alg: 'ES256', crv: 'P-256' }],
  ])('not with an algorithm that only one of kind and curve fits: %#', (jwk) => {
    expect(namesOf(jwk)).toBe(NONE)
  })

  test('not on another curve than that of its algorithm, sound as it may be', () => {
    const { publicKey: p384 } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const { publicKey: ed448 } = generateKeyPairSync('ed448')
    const named = (key: KeyObject, alg: string) =>
      namesOf({ ...key.export({ format: 'jwk' }), kid: 'k', alg, use: 'sig' })

    expect(named(p384, 'ES256')).toBe(NONE)
    expect(named(ed448, 'EdDSA')).toBe(NONE)
    expect(named(ES.publicKey, 'ES256')).toEqual(['k'])
  })

  test('with a name of 1 to 256 characters', () => {
    expect(namesOf({ ...jwkOf(ED), kid: 'k' })).toEqual(['k'])
    expect(namesOf({ ...jwkOf(ED), kid: 'k'.repeat(256) })).toHaveLength(1)
  })

  test('of RSA from 2048 to 4096 bits, with the exponent 65537', () => {
    expect(namesOf(rsa(2_048))).toEqual(['r'])
    expect(namesOf(rsa(4_096))).toEqual(['r'])
    expect(namesOf(rsa(2_040))).toBe(NONE)
    expect(namesOf(rsa(4_104))).toBe(NONE)
    expect(namesOf(rsa(2_048, 'Aw'))).toBe(NONE)
  })
})

describe('a set that is read again', () => {
  const before = keysOf({ keys: [jwkOf(ED), jwkOf(ES)] })
  if (typeof before === 'string') throw new Error(before)

  test('has the same keys where nothing has changed, whatever else a key says', () => {
    const again = keysOf({ keys: [{ ...jwkOf(ED), x5t: 'x', key_ops: [] }, jwkOf(RS)] }, before)
    if (typeof again === 'string') throw new Error(again)

    expect(again.get(ED.kid)).toBe(before.get(ED.kid))
    expect([...again.keys()]).toEqual([ED.kid, RS.kid])
  })

  test('has another key where the name stayed and the key did not', () => {
    const other = pair('EdDSA', ED.kid)
    const again = keysOf({ keys: [jwkOf(other)] }, before)
    if (typeof again === 'string') throw new Error(again)

    expect(again.get(ED.kid)).not.toBe(before.get(ED.kid))
    expect(again.get(ED.kid)?.key.equals(other.publicKey)).toBe(true)
  })
})

describe('a signature', () => {
  const text = Buffer.from('what was signed')

  test.each([ED, ES, RS])('by $alg is right for its text, and for no other', (by) => {
    const key = keyOf(jwkOf(by))
    const signature = signed(text, by)

    expect(isSignatureOf(key, text, signature)).toBe(true)
    expect(isSignatureOf(key, Buffer.from('What was signed'), signature)).toBe(false)
    expect(isSignatureOf(keyOf(jwkOf(pair(by.alg))), text, signature)).toBe(false)
    expect(isSignatureOf(key, text, Buffer.alloc(signature.length))).toBe(false)
  })

  test('by ES256 may have a zero in it', () => {
    let signature = signed(text, ES)
    while (!signature.includes(0)) signature = signed(text, ES)

    expect(isSignatureOf(keyOf(jwkOf(ES)), text, signature)).toBe(true)
  })

  test.each([ED, ES, RS])('by $alg has its length', (by) => {
    const key = keyOf(jwkOf(by))
    const signature = signed(text, by)

    expect(isSignatureOf(key, text, Buffer.concat([signature, Buffer.alloc(1)]))).toBe(false)
    expect(isSignatureOf(key, text, signature.subarray(1))).toBe(false)
    expect(isSignatureOf(key, text, Buffer.alloc(0))).toBe(false)
  })
})
