import {
  createPublicKey,
  type ED25519KeyPairOptions,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import {
  type KeySet,
  keySet,
  newSigningKeys,
  publicKeySet,
  type RemoteKeySetOptions,
  remoteKeySet,
} from '../../src/tokens/index.ts'
import { listening } from '../contracts/apps/listening.ts'
import { ED, ES, jwkOf, NOW, ours, pair, RS, tokenBy } from '../support/access-tokens.ts'

const SECOND = 1_000
const DAY = 86_400_000

interface Scene {
  readonly keys: KeySet
  /** How often the authority was asked. */
  readonly asked: () => number
  /** What it answers from now on. */
  answer: RequestListener
  now: number
}

async function scene(options: Partial<RemoteKeySetOptions> = {}): Promise<Scene> {
  let asked = 0
  const { origin, close } = await listening(
    createServer((request, response) => {
      asked++
      parts.answer(request, response)
    }),
  )
  onTestFinished(close)
  const parts: Scene = {
    keys: remoteKeySet({
      url: `${origin}/.well-known/jwks.json`,
      now: () => parts.now,
      ...options,
    }),
    asked: () => asked,
    answer: publishes(ED),
    now: NOW,
  }
  return parts
}

function publishes(...pairs: readonly (typeof ED)[]): RequestListener {
  return (_, response) => response.end(JSON.stringify({ keys: pairs.map(jwkOf) }))
}

/**
 * What was asked for in the background has been answered once somebody who has to wait has waited.
 */
async function settled({ keys }: Scene): Promise<void> {
  await keys.find('a key that nobody has')
}

test('a known key is there at once, and the authority is asked once for it', async () => {
  const { keys, asked } = await scene()

  const found = await Promise.all(Array.from({ length: 20 }, () => keys.find(ED.kid)))

  expect(new Set(found).size).toBe(1)
  expect(keys.find(ED.kid)).not.toBeInstanceOf(Promise)
  expect(asked()).toBe(1)
})

test('200 unknown key ids cause one request a cool-down', async () => {
  const at = await scene()
  const { keys, asked } = at
  await keys.find(ED.kid)
  const flood = (): Promise<unknown> =>
    Promise.all(Array.from({ length: 200 }, (_, i) => keys.find(`unknown-${at.now}-${i}`)))

  await flood()
  expect(asked()).toBe(1)
  at.now += 30 * SECOND
  await flood()
  await flood()
  expect(asked()).toBe(2)
  at.now += 30 * SECOND - 1
  await flood()
  expect(asked()).toBe(2)
  at.now += 1
  await flood()
  expect(asked()).toBe(3)
  expect(keys.find(ED.kid)).toMatchObject({ kid: ED.kid })
})

test('a key that was published after the last request is found after the cool-down', async () => {
  const at = await scene()
  await at.keys.find(ED.kid)
  at.answer = publishes(ED, ES)

  expect(await at.keys.find(ES.kid)).toBeUndefined()
  at.now += 30 * SECOND
  expect(await at.keys.find(ES.kid)).toMatchObject({ kid: ES.kid, alg: 'ES256' })
})

test('an aged set serves while it is renewed, and a withdrawn key goes then', async () => {
  const at = await scene()
  await at.keys.find(ED.kid)
  at.answer = publishes(ES)
  at.now += 300 * SECOND

  expect(at.keys.find(ED.kid)).toMatchObject({ kid: ED.kid })
  await settled(at)

  expect(await at.keys.find(ED.kid)).toBeUndefined()
  expect(await at.keys.find(ES.kid)).toMatchObject({ kid: ES.kid })
  expect(at.asked()).toBe(2)
})

test('a key that was withdrawn while nobody asked is not believed once more', async () => {
  const at = await scene()
  await at.keys.find(ED.kid)
  at.answer = publishes(ES)
  at.now += 11 * 3_600 * SECOND

  expect(await at.keys.find(ED.kid)).toBeUndefined()
  expect(at.asked()).toBe(2)
})

test('in an outage an aged set serves, and only the first one waits for it', async () => {
  const at = await scene()
  await at.keys.find(ED.kid)
  at.answer = (_, response) => response.writeHead(503).end()
  at.now += 11 * 3_600 * SECOND

  expect(await at.keys.find(ED.kid)).toMatchObject({ kid: ED.kid })
  expect(at.keys.find(ED.kid)).toMatchObject({ kid: ED.kid })
  at.answer = publishes(ES)
  at.now += 30 * SECOND
  expect(at.keys.find(ED.kid)).toMatchObject({ kid: ED.kid })
  await settled(at)

  expect(await at.keys.find(ED.kid)).toBeUndefined()
})

test('a renewal keeps equal keys: what they verified stays verified', async () => {
  const at = await scene()
  const before = await at.keys.find(ED.kid)
  at.now += 300 * SECOND

  at.keys.find(ED.kid)
  await settled(at)

  expect(at.asked()).toBe(2)
  expect(at.keys.find(ED.kid)).toBe(before)
})

const twice = JSON.stringify({ keys: [jwkOf(ED), jwkOf({ ...ES, kid: ED.kid })] })

test.each<[what: string, answer: RequestListener]>([
  ['breaks off', (request) => request.socket.destroy()],
  ['has a fault', (_, response) => response.writeHead(503).end()],
  ['does not know the path', (_, response) => response.writeHead(404).end('{"keys":[]}')],
  ['sends us elsewhere', (_, response) => response.writeHead(302, { location: '/' }).end()],
  ['answers no JSON', (_, response) => response.end('<html>')],
  ['answers no set', (_, response) => response.end('[]')],
  ['answers an empty set', (_, response) => response.end('{"keys":[]}')],
  ['names a key twice', (_, response) => response.end(twice)],
  [
    'answers more than 256 KB',
    (_, response) => response.end(`{"keys":[${JSON.stringify(jwkOf(ED))}]${' '.repeat(262_144)}}`),
  ],
])('the last good set stays for a day where the authority %s', async (_, answer) => {
  const at = await scene()
  const known = await at.keys.find(ED.kid)
  at.answer = answer

  at.now += 300 * SECOND
  expect(at.keys.find(ED.kid)).toBe(known)
  await settled(at)
  expect(at.asked()).toBe(2)
  at.now = NOW + DAY - 1
  expect(await at.keys.find(ED.kid)).toBe(known)
  await settled(at)

  at.now = NOW + DAY + 30 * SECOND
  await expect(at.keys.find(ED.kid)).rejects.toMatchObject({ code: 'keys_unavailable' })
  at.answer = publishes(ED)
  at.now += 30 * SECOND
  expect(await at.keys.find(ED.kid)).toMatchObject({ kid: ED.kid })
})

test('without any set nobody passes, nobody is logged out, and it is asked for', async () => {
  const at = await scene()
  const { verify } = ours({ keys: at.keys, now: () => at.now })
  at.answer = (_, response) => response.writeHead(503).end()
  const token = tokenBy(ED)

  const refusals = await Promise.all(Array.from({ length: 50 }, () => verify(token)))
  expect(new Set(refusals.map((access) => !access.ok && access.code))).toEqual(
    new Set(['keys_unavailable']),
  )
  expect(at.asked()).toBe(1)
  at.answer = publishes(ED)
  at.now += SECOND - 1
  expect(await verify(token)).toMatchObject({ code: 'keys_unavailable' })
  expect(at.asked()).toBe(1)
  at.now += 1
  expect(await verify(token)).toMatchObject({ ok: true })
})

test('a clock that was set back does not keep a set for longer', async () => {
  const at = await scene()
  await at.keys.find(ED.kid)
  at.answer = publishes(ES)
  at.now -= DAY

  at.keys.find(ED.kid)
  await settled(at)

  expect(await at.keys.find(ES.kid)).toMatchObject({ kid: ES.kid })
})

test('what an issuer publishes is what a verifier takes', () => {
  const ring = newSigningKeys({ algorithms: ['EdDSA', 'ES256', 'RS256'] })
  const keys = keySet(publicKeySet(ring))

  for (const { kid, algorithm } of ring.keys) {
    expect(keys.find(kid)).toMatchObject({ kid, alg: algorithm })
  }
})

/** Through bytes: Node 20 can stop for ever when a key object it has just made is exported. */
const DER: ED25519KeyPairOptions<'der', 'der'> = {
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'der' },
}

function publicOf({ publicKey }: { readonly publicKey: Buffer }): {
  readonly publicKey: KeyObject
} {
  return { publicKey: createPublicKey({ key: publicKey, type: 'spki', format: 'der' }) }
}

test('only keys that sign, of a known kind and a sane size, are of the set', () => {
  const short = publicOf(generateKeyPairSync('rsa', { modulusLength: 1_024, ...DER }))
  const odd = publicOf(
    generateKeyPairSync('rsa', { modulusLength: 2_048, publicExponent: 3, ...DER }),
  )
  const curve = publicOf(generateKeyPairSync('ec', { namedCurve: 'P-384', ...DER }))
  const other = publicOf(generateKeyPairSync('ed448', DER))
  const left = [
    { ...jwkOf(ED), kid: 'seals', use: 'enc' },
    { ...jwkOf(ED), kid: 'says no use', use: undefined },
    { ...jwkOf(ED), kid: 'says no algorithm', alg: undefined },
    { ...jwkOf(ED), kid: 'another algorithm', alg: 'ES256' },
    { ...jwkOf(RS), kid: 'pss', alg: 'PS256' },
    { ...jwkOf({ ...RS, ...short }), kid: 'short' },
    { ...jwkOf({ ...RS, ...odd }), kid: 'small exponent' },
    { ...jwkOf({ ...ES, ...curve }), kid: 'another curve' },
    { ...jwkOf({ ...ED, ...other }), kid: 'ed448' },
    { ...jwkOf(ES), kid: 'off the curve', x: jwkOf(ES).y },
    { ...jwkOf(ED), kid: 'cut', x: 'AAAA' },
    { kty: 'oct', kid: 'secret', alg: 'HS256', use: 'sig', k: 'c2VjcmV0' },
    { ...jwkOf(ED), kid: '' },
    { ...jwkOf(ED), kid: 7 },
    { ...jwkOf(ED), kid: 'k'.repeat(257) },
    null,
  ]
  const keys = keySet({ keys: [jwkOf(RS), ...left] })

  for (const jwk of left) expect(keys.find(String(jwk?.kid))).toBeUndefined()
  expect(keys.find(RS.kid)).toMatchObject({ alg: 'RS256' })
})

test('a set that can verify nothing, or has a name twice, is an exception', () => {
  const config = expect.objectContaining({ code: 'config_invalid' })

  expect(() => keySet({ keys: [] })).toThrow(config)
  expect(() => keySet({ keys: [{ ...jwkOf(ED), use: 'enc' }] })).toThrow(config)
  expect(() => keySet({ keys: [jwkOf(ED), jwkOf(pair('EdDSA', ED.kid))] })).toThrow(config)
  const many = Array.from({ length: 33 }, (_, i) => ({ ...jwkOf(ED), kid: `key-${i}` }))
  expect(() => keySet({ keys: many })).toThrow(config)
})

test.each(['ftp://auth.example/jwks.json', 'https://me:secret@auth.example/', 'jwks.json', ''])(
  'an address that can never work is an exception: %s',
  (url) => {
    expect(() => remoteKeySet({ url })).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.not.stringContaining('secret'),
      }),
    )
  },
)
