import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign as signBytes,
} from 'node:crypto'

export const ISSUER = 'https://auth.example'
export const AUDIENCE = 'orders'
/** Fixed: a token of the corpus is exactly as old today as it was when it was made. */
export const NOW = 1_800_000_000
export const SKEW = 5
export const MAX_CHARS = 8192

export const SESSION = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)).toString(
  'base64url',
)
export const CLAIMS = {
  iss: ISSUER,
  sub: 'ada',
  aud: AUDIENCE,
  client_id: 'holdfast',
  sid: SESSION,
  jti: 'c0RwdXMtdG9rZW4',
  iat: NOW - 10,
  exp: NOW + 80,
  auth_time: NOW - 600,
  acr: 'urn:mfa',
  amr: ['pwd', 'otp'],
  gen: 1_799_999_000_000,
}

/**
 * Signers by the algorithm that a header names. ES256 as RFC 7518 has it: r and s, 32 bytes each.
 */
export const SIGNERS = {
  EdDSA: (input, { privateKey }) => signBytes(null, input, privateKey),
  ES256: (input, { privateKey }) =>
    signBytes('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  RS256: (input, { privateKey }) => signBytes('sha256', input, privateKey),
}

export function newKeys() {
  const rsa = (modulusLength, publicExponent) =>
    pairOf('rsa', { modulusLength, ...(publicExponent && { publicExponent }) })
  const ec = () => pairOf('ec', { namedCurve: 'P-256' })
  return {
    EdDSA: { kid: 'ed-1', alg: 'EdDSA', ...pairOf('ed25519') },
    ES256: { kid: 'es-1', alg: 'ES256', ...ec() },
    RS256: { kid: 'rs-1', alg: 'RS256', ...rsa(2048) },
    sealing: { kid: 'enc-1', alg: 'RS256', ...rsa(2048) },
    short: { kid: 'short-1', alg: 'RS256', ...rsa(1024) },
    unnamed: { kid: 'no-alg-1', alg: 'RS256', ...rsa(2048) },
    unused: { kid: 'no-use-1', alg: 'ES256', ...ec() },
    exponent3: { kid: 'e3-1', alg: 'RS256', ...rsa(2048, 3) },
    offCurve: { kid: 'off-curve-1', alg: 'ES256', ...ec() },
    stranger: { kid: 'ed-1', alg: 'EdDSA', ...pairOf('ed25519') },
    shared: { kid: 'secret-1', secret: Buffer.alloc(32, 7) },
  }
}

/**
 * Through bytes: Node 20 stops for ever when it collects the garbage of the making while the key
 * object that came of it is exported, because both take one lock.
 */
function pairOf(type, options = {}) {
  const { privateKey: key } = generateKeyPairSync(type, {
    ...options,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  })
  const privateKey = createPrivateKey({ key, type: 'pkcs8', format: 'der' })
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

/**
 * Three keys to use, and what a verifier has to pass over without failing (RFC 7517, section 5).
 */
export function publicKeys(keys) {
  const jwk = ({ kid, publicKey }, rest) => ({
    ...publicKey.export({ format: 'jwk' }),
    kid,
    ...rest,
  })
  const usable = ['EdDSA', 'ES256', 'RS256'].map((alg) => jwk(keys[alg], { alg, use: 'sig' }))
  const { x } = keys.offCurve.publicKey.export({ format: 'jwk' })
  return [
    ...usable,
    jwk(keys.sealing, { alg: 'RS256', use: 'enc' }),
    jwk(keys.short, { alg: 'RS256', use: 'sig' }),
    jwk(keys.unnamed, { use: 'sig' }),
    jwk(keys.unused, { alg: 'ES256' }),
    jwk(keys.exponent3, { alg: 'RS256', use: 'sig' }),
    { ...jwk(keys.offCurve, { alg: 'ES256', use: 'sig' }), y: x },
    { kty: 'oct', k: keys.shared.secret.toString('base64url'), kid: 'secret-1', alg: 'HS256' },
    { kty: 'AKP', alg: 'ML-DSA-65', kid: 'future-1', use: 'sig', pub: 'AAAA' },
  ]
}

/** `asks`: what the route asks for besides. */
export function accept(name, token, reason, asks = {}) {
  return { name, verdict: 'accept', reason, ...asks, token }
}

/** `asks`: what the route asks for besides. */
export function reject(name, token, reason, asks = {}) {
  return { name, verdict: 'reject', reason, ...asks, token }
}

/** A token of `key`; header and claims as objects, or as the bytes that stand in their place. */
export function token(key, { header = {}, claims: changed = {}, sign = SIGNERS[key.alg] } = {}) {
  const head = isRaw(header) ? header : { alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header }
  const body = isRaw(changed) ? changed : { ...CLAIMS, ...changed }
  const input = `${part(head)}.${part(body)}`
  return `${input}.${Buffer.from(sign(Buffer.from(input), key)).toString('base64url')}`
}

function isRaw(value) {
  return typeof value === 'string' || value instanceof Uint8Array
}

export function part(value) {
  return Buffer.from(isRaw(value) ? value : JSON.stringify(value)).toString('base64url')
}

export function without(name) {
  return { claims: { [name]: undefined } }
}
