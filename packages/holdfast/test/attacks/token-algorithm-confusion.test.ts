import { createHmac, sign } from 'node:crypto'
import { expect, test } from 'vitest'
import { keySet } from '../../src/tokens/key-sets.ts'
import { ED, ES, jwkOf, ours, RS, tokenBy } from '../support/access-tokens.ts'

const REFUSED = { ok: false, code: 'access_token_invalid' }
const { verify } = ours()

test.each(['none', 'None', 'NONE', 'nOnE', ''])(
  'a token that calls itself unsigned (%j) is refused, with or without a signature',
  async (alg) => {
    const bare = tokenBy(ED, { header: { alg }, sign: () => Buffer.alloc(0) })

    expect(await verify(bare)).toMatchObject(REFUSED)
    expect(await verify(tokenBy(ED, { header: { alg } }))).toMatchObject(REFUSED)
  },
)

const spellings = [ED, ES, RS].flatMap((of) => [
  { of, format: 'PEM', secret: of.publicKey.export({ type: 'spki', format: 'pem' }) },
  { of, format: 'DER', secret: of.publicKey.export({ type: 'spki', format: 'der' }) },
])

test.each(spellings)(
  'the public key of $of.alg as $format is no secret for HS256',
  async ({ of, secret }) => {
    const hmac = (signed: Buffer): Buffer => createHmac('sha256', secret).update(signed).digest()

    expect(await verify(tokenBy(of, { header: { alg: 'HS256' }, sign: hmac }))).toMatchObject(
      REFUSED,
    )
    expect(await verify(tokenBy(of, { sign: hmac }))).toMatchObject(REFUSED)
  },
)

test('a shared secret in the key set verifies nothing', async () => {
  const oct = { kty: 'oct', k: 'c2VjcmV0', kid: 'oct', alg: 'HS256', use: 'sig' }
  const keys = keySet({ keys: [jwkOf(ED), oct] })
  const token = tokenBy(ED, {
    header: { alg: 'HS256', kid: 'oct' },
    sign: (signed) => createHmac('sha256', 'secret').update(signed).digest(),
  })

  expect(await ours({ keys }).verify(token)).toMatchObject(REFUSED)
})

const swaps = [ED, ES, RS].flatMap((named) =>
  [ED, ES, RS].filter((by) => by !== named).map((by) => ({ named, by })),
)

test.each(swaps)(
  '$by.alg under the name of the key of $named.alg is refused',
  async ({ named, by }) => {
    expect(await verify(tokenBy(by, { header: { kid: named.kid } }))).toMatchObject(REFUSED)
    expect(await verify(tokenBy(by, { header: { kid: named.kid, alg: named.alg } }))).toMatchObject(
      REFUSED,
    )
  },
)

test.each(['PS256', 'RS384', 'RS512', 'rs256', 'ES384', 'Ed25519', 'eddsa'])(
  'an algorithm that is not the one of its key is refused: %s',
  async (alg) => {
    for (const by of [ED, ES, RS]) {
      expect(await verify(tokenBy(by, { header: { alg } }))).toMatchObject(REFUSED)
    }
  },
)

test('RS256 has PKCS #1 v1.5 and SHA-256, and neither PSS nor SHA-1', async () => {
  const pss = (signed: Buffer): Buffer =>
    sign('sha256', signed, { key: RS.privateKey, padding: 6, saltLength: 32 })
  const sha1 = (signed: Buffer): Buffer => sign('sha1', signed, RS.privateKey)

  expect(await verify(tokenBy(RS, { sign: pss }))).toMatchObject(REFUSED)
  expect(await verify(tokenBy(RS, { sign: sha1 }))).toMatchObject(REFUSED)
})
