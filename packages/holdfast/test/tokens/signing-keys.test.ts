import { exportJWK } from 'jose'
import { describe, expect, test } from 'vitest'
import { type FakeHost, fakeHost } from '../../src/contracts/fake-host.ts'
import {
  addSigningAlgorithms,
  formatSigningKeys,
  newSigningKeys,
  parseSigningKeys,
  publicKeySet,
  rotateSigningKeys,
  type SigningAlgorithm,
  type SigningKeys,
  signingKeysStatus,
} from '../../src/tokens/index.ts'

const ALL: readonly SigningAlgorithm[] = ['EdDSA', 'ES256', 'RS256']
const LONG_ENOUGH_MS = 305_000

function statesOf(keys: SigningKeys): string[] {
  return keys.keys.map(({ algorithm, state }) => `${algorithm} ${state}`)
}

function rotatedLater(keys: SigningKeys, host: FakeHost): SigningKeys {
  host.advance(LONG_ENOUGH_MS)
  return rotateSigningKeys(keys, { host })
}

describe('the ring of signing keys', () => {
  test('has for each algorithm a key that signs and one that is published before it does', () => {
    const keys = newSigningKeys({ algorithms: ALL })

    expect(statesOf(keys)).toEqual([
      'EdDSA active',
      'EdDSA next',
      'ES256 active',
      'ES256 next',
      'RS256 active',
      'RS256 next',
    ])
  })

  test('signs after a rotation with the key that was published before', () => {
    const host = fakeHost()
    const before = newSigningKeys({ host })
    const [active, next] = before.keys

    const after = rotatedLater(before, host)

    expect(statesOf(after)).toEqual(['EdDSA retired', 'EdDSA active', 'EdDSA next'])
    expect(after.keys[0]?.kid).toBe(active?.kid)
    expect(after.keys[1]?.kid).toBe(next?.kid)
    expect(after.keys[1]?.since).toBe(host.now())
  })

  test('does not rotate to a key that verifiers may not know, unless told to', () => {
    const host = fakeHost()
    const keys = newSigningKeys({ host })
    host.advance(LONG_ENOUGH_MS - 1)

    expect(() => rotateSigningKeys(keys, { host })).toThrow(/waits since less than 305 seconds/)
    expect(statesOf(rotateSigningKeys(keys, { host, now: true }))).toContain('EdDSA retired')
  })

  test('drops a retired key at the first rotation after its last token has expired', () => {
    const host = fakeHost()
    const first = newSigningKeys({ host })
    const second = rotatedLater(first, host)
    host.advance(725_000)
    const early = rotateSigningKeys(second, { host, now: true })
    host.advance(1)
    const late = rotateSigningKeys(second, { host, now: true })

    const kid = first.keys[0]?.kid
    expect(early.keys.some((key) => key.kid === kid)).toBe(true)
    expect(late.keys.some((key) => key.kid === kid)).toBe(false)
  })

  test('never outgrows what verifiers hold: hasty rotations are refused', () => {
    const host = fakeHost()
    const rotateNow = (keys: SigningKeys): SigningKeys =>
      rotateSigningKeys(keys, { host, now: true })
    const once = rotateNow(newSigningKeys({ algorithms: ALL, host }))

    expect(once.keys).toHaveLength(9)
    expect(() => rotateNow(once)).toThrow(/more than 10 keys/)
    host.advance(725_001)
    expect(rotateNow(rotateNow(newSigningKeys({ host }))).keys).toHaveLength(4)
  })

  test('goes on signing with the old key where the waiting one was taken out', () => {
    const { keys } = newSigningKeys()
    const active = keys.filter(({ state }) => state === 'active')

    const after = rotateSigningKeys({ keys: active })

    expect(statesOf(after)).toEqual(['EdDSA active', 'EdDSA next'])
    expect(after.keys[0]?.kid).toBe(active[0]?.kid)
  })

  test('takes up another algorithm with a key that waits for its first rotation', () => {
    const host = fakeHost()
    const added = addSigningAlgorithms(newSigningKeys({ host }), ['ES256'], host)

    const after = rotatedLater(added, host)

    expect(statesOf(added)).toEqual(['EdDSA active', 'EdDSA next', 'ES256 next'])
    expect(statesOf(after)).toContain('ES256 active')
    expect(() => addSigningAlgorithms(added, ['ES256'], host)).toThrow(/already/)
  })

  test('shows its state without key material', () => {
    const status = signingKeysStatus(newSigningKeys({ algorithms: ALL }))

    expect(Object.keys(status[0] ?? {}).sort()).toEqual([
      'algorithm',
      'createdAt',
      'kid',
      'since',
      'state',
    ])
  })
})

describe('the file of signing keys', () => {
  test('holds the same ring again', () => {
    const host = fakeHost()
    const keys = rotatedLater(newSigningKeys({ algorithms: ALL, host }), host)

    const read = parseSigningKeys(formatSigningKeys(keys))

    expect(signingKeysStatus(read)).toEqual(signingKeysStatus(keys))
    expect(publicKeySet(read, { host })).toEqual(publicKeySet(keys, { host }))
  })

  test('has no private half of a retired key, and takes none from an older file', () => {
    const host = fakeHost()
    const before = newSigningKeys({ algorithms: ALL, host })
    const file = JSON.parse(formatSigningKeys(rotatedLater(before, host)))
    const retired = file.keys.filter(({ state }: { state: string }) => state === 'retired')
    const older = JSON.parse(formatSigningKeys(before))
    for (const key of older.keys) if (key.state === 'active') key.state = 'retired'

    for (const { jwk } of retired) expect(jwk).not.toHaveProperty('d')
    expect(retired).toHaveLength(3)
    for (const { state, privateKey } of parseSigningKeys(JSON.stringify(older)).keys) {
      expect(privateKey === undefined).toBe(state === 'retired')
    }
  })

  const good = JSON.parse(formatSigningKeys(newSigningKeys({ algorithms: ['EdDSA', 'ES256'] })))
  const [ed, , ec] = good.keys
  test.each([
    ['what is not JSON', 'hello', 'is not JSON'],
    ['a ring of another kind', { ...good, kind: undefined }, '"kind": "signing"'],
    ['no keys', { ...good, keys: [] }, '"keys"'],
    ['more keys than verifiers hold', { ...good, keys: Array(11).fill(ed) }, 'more than 10'],
    ['one key twice', { ...good, keys: [ed, ed] }, 'twice'],
    ['an algorithm of its own', { ...good, keys: [{ ...ed, algorithm: 'none' }] }, 'algorithm'],
    ['a key of another algorithm', { ...good, keys: [{ ...ed, jwk: ec.jwk }] }, 'jwk is not a key'],
    ['a public key', { ...good, keys: [{ ...ed, jwk: { ...ed.jwk, d: undefined } }] }, 'jwk must'],
    ['another state', { ...good, keys: [{ ...ed, state: 'new' }] }, 'state'],
    ['a time that is none', { ...good, keys: [{ ...ed, createdAt: 'now' }] }, 'createdAt'],
    ['a name that is not of the key', { ...good, keys: [{ ...ed, kid: ec.kid }] }, 'kid'],
    [
      'two keys that both sign',
      { ...good, keys: good.keys.slice(0, 2).map((key: object) => ({ ...key, state: 'active' })) },
      'more than one active',
    ],
  ])('is refused with its field named and no key shown: %s', (_, content, said) => {
    const source = typeof content === 'string' ? content : JSON.stringify(content)
    const attempt = (): unknown => parseSigningKeys(source)

    expect(attempt).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    expect(attempt).toThrow(said)
    expect(attempt).not.toThrow(ed.jwk.d)
  })
})

describe('the published key set', () => {
  test('has only public members, a name, a use and an algorithm for each key', async () => {
    const keys = newSigningKeys({ algorithms: ALL })

    const { keys: published } = publicKeySet(keys)

    const members = new Set(published.flatMap((key) => Object.keys(key)))
    expect([...members].sort()).toEqual(['alg', 'crv', 'e', 'kid', 'kty', 'n', 'use', 'x', 'y'])
    expect(new Set(published.map(({ kid }) => kid)).size).toBe(6)
    expect(published.every(({ use }) => use === 'sig')).toBe(true)
    for (const [at, { privateKey }] of keys.keys.entries()) {
      if (privateKey === undefined) throw new Error('a new key has no private half')
      const { d, p, q } = await exportJWK(privateKey)
      for (const secret of [d, p, q]) {
        if (secret !== undefined) expect(JSON.stringify(published[at])).not.toContain(secret)
      }
    }
  })

  test('names a retired key for as long as a token of it may live, and no longer', () => {
    const host = fakeHost()
    const first = newSigningKeys({ host })
    const second = rotatedLater(first, host)
    const kid = first.keys[0]?.kid
    const isNamed = (): boolean =>
      publicKeySet(second, { host }).keys.some((key) => key.kid === kid)

    // Ten minutes for the last instance to take up the file, two for its last token, and a skew.
    host.advance(725_000)
    expect(isNamed()).toBe(true)
    host.advance(1)
    expect(isNamed()).toBe(false)
  })
})
