import { createHmac, sign as signBytes } from 'node:crypto'
import { reject, SIGNERS, token } from './tokens.mjs'

export function algorithms(keys) {
  const { EdDSA, ES256, RS256, shared } = keys
  const unsigned = (alg) => token(EdDSA, { header: { alg }, sign: () => '' })
  const hmac =
    (secret, hash = 'sha256') =>
    (input) =>
      createHmac(hash, secret).update(input).digest()
  const hs256 = (name, key, secret) =>
    reject(
      `HS256 with the ${name} as the secret`,
      token(key, { header: { alg: 'HS256' }, sign: hmac(secret) }),
      'a public key is no secret; the key decides the algorithm',
    )
  const spki = ({ publicKey }, format) => publicKey.export({ type: 'spki', format })
  const raw = (key, ...names) => {
    const jwk = key.publicKey.export({ format: 'jwk' })
    return Buffer.concat(names.map((name) => Buffer.from(jwk[name], 'base64url')))
  }
  return [
    ...['none', 'None', 'NONE', 'nOnE', ''].map((alg) =>
      reject(`alg "${alg}" without a signature`, unsigned(alg), 'unsigned'),
    ),
    reject(
      'alg none with the signature of EdDSA',
      token(EdDSA, { header: { alg: 'none' } }),
      'alg',
    ),
    reject('alg missing', token(EdDSA, { header: { alg: undefined } }), 'alg'),
    reject('alg an array', token(EdDSA, { header: { alg: ['EdDSA'] } }), 'alg is a string'),
    reject('alg eddsa', token(EdDSA, { header: { alg: 'eddsa' } }), 'names are compared exactly'),
    reject(
      'alg Ed25519',
      token(EdDSA, { header: { alg: 'Ed25519' } }),
      "not the key's name for it",
    ),
    reject('alg rs256', token(RS256, { header: { alg: 'rs256' } }), 'names are compared exactly'),
    hs256('PEM of the EdDSA key', EdDSA, spki(EdDSA, 'pem')),
    hs256('DER of the EdDSA key', EdDSA, spki(EdDSA, 'der')),
    hs256('raw EdDSA key', EdDSA, raw(EdDSA, 'x')),
    hs256('PEM of the ES256 key', ES256, spki(ES256, 'pem')),
    hs256('DER of the ES256 key', ES256, spki(ES256, 'der')),
    hs256('raw ES256 point', ES256, raw(ES256, 'x', 'y')),
    hs256('PEM of the RS256 key', RS256, spki(RS256, 'pem')),
    hs256('trimmed PEM of the RS256 key', RS256, spki(RS256, 'pem').trim()),
    hs256('DER of the RS256 key', RS256, spki(RS256, 'der')),
    hs256('raw RS256 modulus', RS256, raw(RS256, 'n')),
    reject(
      'RS256 in the header, an HMAC in the signature',
      token(RS256, { sign: hmac(spki(RS256, 'pem')) }),
      'signature',
    ),
    reject(
      'HS256 with a shared secret of the key set',
      token({ ...shared, alg: 'HS256' }, { sign: hmac(shared.secret) }),
      'no symmetric algorithm is ever right here',
    ),
    ...swaps(keys),
    reject(
      'PS256 by the RS256 key',
      token(RS256, { header: { alg: 'PS256' }, sign: pss }),
      "not the key's algorithm",
    ),
    reject('RS256 in the header, PSS in the signature', token(RS256, { sign: pss }), 'signature'),
    reject(
      'RS256 over SHA-1',
      token(RS256, { sign: (input, { privateKey }) => signBytes('sha1', input, privateKey) }),
      'signature',
    ),
    reject(
      'RS512 by the RS256 key',
      token(RS256, {
        header: { alg: 'RS512' },
        sign: (input, { privateKey }) => signBytes('sha512', input, privateKey),
      }),
      "not the key's algorithm",
    ),
  ]
}

/** Every header with the key id of one kind and the algorithm and signature of another. */
function swaps(keys) {
  const names = Object.keys(SIGNERS)
  return names.flatMap((named) =>
    names
      .filter((signed) => signed !== named)
      .map((signed) =>
        reject(
          `${signed} under the key id of the ${named} key`,
          token(keys[signed], { header: { kid: keys[named].kid } }),
          'the key decides the algorithm',
        ),
      ),
  )
}

function pss(input, { privateKey }) {
  return signBytes('sha256', input, { key: privateKey, padding: 6, saltLength: 32 })
}
