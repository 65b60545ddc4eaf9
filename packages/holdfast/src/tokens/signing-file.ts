import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { SessionError } from '../core/errors.ts'
import {
  kidOf,
  MAX_SIGNING_KEYS,
  SIGNING_ALGORITHMS,
  type SigningAlgorithm,
  type SigningKey,
  type SigningKeyState,
  type SigningKeys,
} from './signing-keys.ts'

const STATES: readonly SigningKeyState[] = ['next', 'active', 'retired']
const MIN_RSA_BITS = 2_048
const MAX_RSA_BITS = 4_096

/**
 * The file form: JSON with the private keys in clear. Whoever reads it can impersonate anybody:
 * mode 0600.
 */
export function formatSigningKeys({ keys }: SigningKeys): string {
  const written = keys.map(({ publicKey, privateKey = publicKey, ...key }) => ({
    ...key,
    jwk: privateKey.export({ format: 'jwk' }),
  }))
  return `${JSON.stringify({ format: 1, kind: 'signing', keys: written }, null, 2)}\n`
}

/** Reads the file form. Throws `config_invalid` that names the field, never its value. */
export function parseSigningKeys(source: string): SigningKeys {
  let json: unknown
  try {
    json = JSON.parse(source)
  } catch {
    throw invalid('is not JSON')
  }
  if (!isObject(json) || json.format !== 1 || json.kind !== 'signing') {
    throw invalid('must have "format": 1 and "kind": "signing"')
  }
  if (!Array.isArray(json.keys) || json.keys.length === 0) throw invalid('must have "keys"')
  if (json.keys.length > MAX_SIGNING_KEYS) throw invalid(`has more than ${MAX_SIGNING_KEYS} "keys"`)
  const keys = json.keys.map(parseKey)
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length) throw invalid('has a key twice')
  for (const algorithm of new Set(keys.map((key) => key.algorithm))) {
    const active = keys.filter((key) => key.algorithm === algorithm && key.state === 'active')
    if (active.length > 1) throw invalid(`has more than one active key for ${algorithm}`)
  }
  return { keys }
}

function parseKey(value: unknown, at: number): SigningKey {
  if (!isObject(value)) throw invalid(`keys[${at}] must be an object`)
  const { kid, createdAt, since } = value
  const algorithm = SIGNING_ALGORITHMS.find((one) => one === value.algorithm)
  const state = STATES.find((one) => one === value.state)
  if (algorithm === undefined) {
    throw invalid(`keys[${at}].algorithm must be ${SIGNING_ALGORITHMS.join(', ')}`)
  }
  if (state === undefined) throw invalid(`keys[${at}].state must be ${STATES.join(', ')}`)
  if (!isInstant(createdAt)) throw invalid(`keys[${at}].createdAt must be ms since the epoch`)
  if (!isInstant(since)) throw invalid(`keys[${at}].since must be ms since the epoch`)
  const field = `keys[${at}].jwk`
  const halves =
    state === 'retired' ? { publicKey: parsePublic(value.jwk, field) } : parseBoth(value.jwk, field)
  const { publicKey } = halves
  if (!suits(publicKey, algorithm)) throw invalid(`${field} is not a key for ${algorithm}`)
  if (kid !== kidOf(publicKey)) throw invalid(`keys[${at}].kid is not the name of its key`)
  return { kid, algorithm, state, createdAt, since, ...halves }
}

function parseBoth(jwk: unknown, field: string): Pick<SigningKey, 'publicKey' | 'privateKey'> {
  try {
    const privateKey = createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' })
    return { privateKey, publicKey: createPublicKey(privateKey) }
  } catch {
    // the cause may quote the key
    throw invalid(`${field} must be a private key as JWK`)
  }
}

/** Of a retired key, of which older files have the private half, too: it is not taken. */
function parsePublic(jwk: unknown, field: string): KeyObject {
  try {
    return createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
  } catch {
    throw invalid(`${field} must be a public key as JWK`)
  }
}

function suits(
  { asymmetricKeyType, asymmetricKeyDetails: { modulusLength = 0, namedCurve } = {} }: KeyObject,
  algorithm: SigningAlgorithm,
): boolean {
  switch (algorithm) {
    case 'EdDSA':
      return asymmetricKeyType === 'ed25519'
    case 'ES256':
      return asymmetricKeyType === 'ec' && namedCurve === 'prime256v1'
    case 'RS256':
      return (
        asymmetricKeyType === 'rsa' &&
        modulusLength >= MIN_RSA_BITS &&
        modulusLength <= MAX_RSA_BITS
      )
  }
}

function isInstant(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(problem: string): SessionError {
  return new SessionError(
    'config_invalid',
    `The signing keys file ${problem}. Make one with "holdfast keys new FILE --signing".`,
  )
}
