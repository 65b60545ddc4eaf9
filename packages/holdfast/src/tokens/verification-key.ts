import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto'
import type { SigningAlgorithm } from './signing-keys.ts'

/** A public key as verifiers hold it: it, not the token, says by which algorithm it signs. */
export interface VerificationKey {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly key: KeyObject
  /** The members that it was made of: the same again is the same key. */
  readonly source: string
}

const MAX_KEYS = 32
const MAX_KID_LENGTH = 256
const MIN_RSA_BITS = 2_048
const MAX_RSA_BITS = 4_096
const RSA_EXPONENT = 65_537n
const SIGNATURE_BYTES = 64

type Fields = Readonly<Record<string, unknown>>

/**
 * The keys of a JWK set (RFC 7517) that sign access tokens, or what is wrong with the set. A key
 * counts if it has `use: sig`, a `kid` and an `alg`, and the type and size for that; other keys are
 * ignored. A `kid` that comes twice makes the set unusable, because it would be ambiguous. `known`:
 * keys that have not changed are kept.
 */
export function keysOf(
  set: unknown,
  known: ReadonlyMap<string, VerificationKey> = new Map(),
): ReadonlyMap<string, VerificationKey> | string {
  if (!isObject(set) || !Array.isArray(set.keys)) return 'it is no JWK set'
  if (set.keys.length > MAX_KEYS) return `it has more than ${MAX_KEYS} keys`
  const names = set.keys.map((jwk) => (isObject(jwk) ? jwk.kid : undefined)).filter(isText)
  if (new Set(names).size !== names.length) return 'it has a kid twice'
  const keys = new Map<string, VerificationKey>()
  for (const jwk of set.keys) {
    const key = isObject(jwk) ? keyOf(jwk, known) : undefined
    if (key !== undefined) keys.set(key.kid, key)
  }
  return keys.size === 0 ? 'it has no key that signs access tokens' : keys
}

function keyOf(
  jwk: Fields,
  known: ReadonlyMap<string, VerificationKey>,
): VerificationKey | undefined {
  const { kid, use } = jwk
  const alg = algorithmOf(jwk)
  if (!isText(kid) || kid === '' || kid.length > MAX_KID_LENGTH) return undefined
  if (alg === undefined || use !== 'sig') return undefined
  const { kty, crv, x, y, n, e } = jwk
  const source = JSON.stringify([kid, alg, kty, crv, x, y, n, e])
  const before = known.get(kid)
  if (before?.source === source) return before
  const key = publicKeyOf({ kty, crv, x, y, n, e })
  return key !== undefined && isSane(key, alg) ? { kid, alg, key, source } : undefined
}

function algorithmOf({ alg, kty, crv }: Fields): SigningAlgorithm | undefined {
  if (alg === 'EdDSA' && kty === 'OKP' && crv === 'Ed25519') return alg
  if (alg === 'ES256' && kty === 'EC' && crv === 'P-256') return alg
  if (alg === 'RS256' && kty === 'RSA') return alg
  return undefined
}

/** Undefined for what is no key of its kind: too short, off its curve. */
function publicKeyOf(members: Fields): KeyObject | undefined {
  const present = Object.entries(members).filter(([, value]) => value !== undefined)
  try {
    return createPublicKey({ key: Object.fromEntries(present) as JsonWebKey, format: 'jwk' })
  } catch {
    return undefined // the set is another's work: a key that cannot be read signs nothing
  }
}

function isSane({ asymmetricKeyDetails = {} }: KeyObject, alg: SigningAlgorithm): boolean {
  if (alg !== 'RS256') return true // their size is their curve
  const { modulusLength = 0, publicExponent } = asymmetricKeyDetails
  return (
    modulusLength >= MIN_RSA_BITS &&
    modulusLength <= MAX_RSA_BITS &&
    publicExponent === RSA_EXPONENT
  )
}

/** Synchronous, because WebCrypto costs more than its threads gain. */
export function isSignatureOf(
  { alg, key }: VerificationKey,
  signed: Buffer,
  signature: Buffer,
): boolean {
  switch (alg) {
    case 'EdDSA':
      return signature.length === SIGNATURE_BYTES && verify(null, signed, key, signature)
    case 'ES256':
      return (
        signature.length === SIGNATURE_BYTES &&
        // zeros are no valid signature, but some implementations have accepted them
        // (CVE-2022-21449)
        signature.some((byte) => byte !== 0) &&
        // RFC 7518, section 3.4: the two numbers side by side, not DER
        verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature)
      )
    case 'RS256':
      return verify('sha256', signed, key, signature)
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
