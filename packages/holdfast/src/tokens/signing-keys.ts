import {
  createPrivateKey,
  createPublicKey,
  type ED25519KeyPairOptions,
  generateKeyPairSync,
  hash,
  type KeyObject,
} from 'node:crypto'
import { systemHost } from '../codecs/system-host.ts'
import { SessionError } from '../core/errors.ts'
import type { Host } from '../core/host.ts'

/**
 * How access tokens may be signed (RFC 7518, RFC 8037): `EdDSA` is Ed25519, `RS256` has 2048 bits
 * or more.
 */
export type SigningAlgorithm = 'EdDSA' | 'ES256' | 'RS256'

export const SIGNING_ALGORITHMS: readonly SigningAlgorithm[] = ['EdDSA', 'ES256', 'RS256']

/**
 * `next` is published and does not sign yet, `active` signs, `retired` is published for what it has
 * signed.
 */
export type SigningKeyState = 'next' | 'active' | 'retired'

/** One key of the ring. */
export interface SigningKey {
  /** From the key itself: a piece of its thumbprint (RFC 7638). */
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly state: SigningKeyState
  readonly createdAt: number
  /** Since when it is in its state. */
  readonly since: number
  readonly publicKey: KeyObject
  /** Gone once the key is retired: nobody signs with it again. */
  readonly privateKey?: KeyObject
}

/**
 * The signing keys of an issuer: for each algorithm the active key, the next one, and retired ones
 * whose tokens may still count.
 */
export interface SigningKeys {
  readonly keys: readonly SigningKey[]
}

/** How long verifiers may keep a key set without asking again: `max-age` of the published one. */
const KEY_SET_LIFE_MS = 300_000

/** No access token lives longer. */
export const MAX_TOKEN_LIFE_MS = 120_000

/** How far the clocks of an estate may be apart. */
const SKEW_MS = 5_000

/** How long after a rotation the last instance may take up the file. */
const HANDOVER_MS = 600_000

/** As many as verifiers are asked to hold. */
export const MAX_SIGNING_KEYS = 10

/**
 * A ring with an active key and a waiting key for each algorithm (`EdDSA` unless said otherwise).
 *
 * @example
 * const keys = newSigningKeys({ algorithms: ['EdDSA', 'RS256'] })
 */
export function newSigningKeys({
  algorithms = ['EdDSA'],
  host = systemHost(),
}: {
  readonly algorithms?: readonly SigningAlgorithm[]
  readonly host?: Pick<Host, 'now'>
} = {}): SigningKeys {
  const at = host.now()
  const wanted = [...new Set(algorithms)]
  if (wanted.length === 0) throw misused('An algorithm is needed: EdDSA, ES256 or RS256.')
  const states = ['active', 'next'] as const
  return {
    keys: wanted.flatMap((algorithm) => states.map((state) => newKey(algorithm, state, at))),
  }
}

/**
 * Adds a waiting key for each algorithm that the ring does not have. {@link rotateSigningKeys}
 * makes it active, once verifiers know it. Throws `config_invalid` for an algorithm that is there.
 */
export function addSigningAlgorithms(
  { keys }: SigningKeys,
  algorithms: readonly SigningAlgorithm[],
  host: Pick<Host, 'now'> = systemHost(),
): SigningKeys {
  const there = algorithms.find((one) => keys.some(({ algorithm }) => algorithm === one))
  if (there !== undefined) throw misused(`The ring has keys for ${there} already.`)
  const at = host.now()
  const added = [...new Set(algorithms)].map((algorithm) => newKey(algorithm, 'next', at))
  return bounded([...keys, ...added])
}

/**
 * Makes the waiting keys active, adds new waiting ones, drops the private half of those that
 * retire, and drops retired keys once their last token has expired. Throws `config_invalid` when a
 * waiting key is too young for every verifier to know it. `now` skips that check, for a key that is
 * no longer secret; verifiers then have to fetch the key set anew.
 */
export function rotateSigningKeys(
  { keys }: SigningKeys,
  {
    host = systemHost(),
    now = false,
  }: { readonly host?: Pick<Host, 'now'>; readonly now?: boolean } = {},
): SigningKeys {
  const at = host.now()
  const young = keys.find(({ state, createdAt }) => state === 'next' && at < readyAt(createdAt))
  if (young !== undefined && !now) {
    throw misused(
      `The key ${young.kid} waits since less than ${readyAt(0) / 1_000} seconds: ` +
        'verifiers may not know it yet. Rotate later; or at once, where the old key is no ' +
        'longer secret, and with tokens refused meanwhile.',
    )
  }
  const waiting = keys.filter(({ state }) => state === 'next').map(({ algorithm }) => algorithm)
  return bounded(
    keys.flatMap((key) => {
      // whoever has taken a waiting key out by hand gets a new one, and goes on signing meanwhile
      if (key.state !== 'active' || waiting.includes(key.algorithm)) return afterRotation(key, at)
      return [key, newKey(key.algorithm, 'next', at)]
    }),
  )
}

function bounded(keys: readonly SigningKey[]): SigningKeys {
  if (keys.length <= MAX_SIGNING_KEYS) return { keys }
  throw misused(
    `The ring would hold more than ${MAX_SIGNING_KEYS} keys. Try again in a quarter of an hour, ` +
      'when the tokens under older keys have expired.',
  )
}

function afterRotation(key: SigningKey, at: number): readonly SigningKey[] {
  switch (key.state) {
    case 'next':
      return [{ ...key, state: 'active', since: at }, newKey(key.algorithm, 'next', at)]
    case 'active': {
      const { privateKey: _, ...kept } = key
      return [{ ...kept, state: 'retired', since: at }]
    }
    case 'retired':
      return isOver(key, at) ? [] : [key]
  }
}

/** Whether the last token of a retired key has expired, wherever the file came late. */
function isOver({ state, since }: SigningKey, at: number): boolean {
  return state === 'retired' && at - since > HANDOVER_MS + MAX_TOKEN_LIFE_MS + SKEW_MS
}

/**
 * From when on a waiting key may sign: every verifier that respects the headers of the key set
 * knows it by then.
 */
function readyAt(createdAt: number): number {
  return createdAt + KEY_SET_LIFE_MS + SKEW_MS
}

/** What may be shown of a ring: no key material. */
export function signingKeysStatus({
  keys,
}: SigningKeys): readonly Omit<SigningKey, 'publicKey' | 'privateKey'>[] {
  return keys.map(({ publicKey: _, privateKey: __, ...shown }) => shown)
}

/** A key that signs. */
export type ActiveKey = SigningKey & { readonly privateKey: KeyObject }

/** The key that signs under an algorithm. */
export function activeKey({ keys }: SigningKeys, algorithm: SigningAlgorithm): ActiveKey {
  const active = keys.find(
    (key): key is ActiveKey =>
      key.algorithm === algorithm && key.state === 'active' && key.privateKey !== undefined,
  )
  if (active !== undefined) return active
  throw misused(
    `There is no signing key for ${algorithm}. Make the file with "holdfast keys new FILE ` +
      `--signing --algorithms ${algorithm}".`,
  )
}

/** The name of a key: the first 96 bits of its thumbprint. */
export function kidOf(publicKey: KeyObject): string {
  const { crv, e, kty, n, x, y } = publicKey.export({ format: 'jwk' })
  // RFC 7638, section 3.3: required members only, in this order, undefined ones left out
  const canonical = JSON.stringify({ crv, e, kty, n, x, y })
  return hash('sha256', canonical, 'base64url').slice(0, 16)
}

const DER: ED25519KeyPairOptions<'der', 'der'> = {
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'der' },
}

function newKey(algorithm: SigningAlgorithm, state: SigningKeyState, at: number): SigningKey {
  const privateKey = createPrivateKey({ key: generate(algorithm), type: 'pkcs8', format: 'der' })
  const publicKey = createPublicKey(privateKey)
  const kid = kidOf(publicKey)
  return { kid, algorithm, state, createdAt: at, since: at, publicKey, privateKey }
}

/**
 * Returns bytes instead of Node's key object: Node 20 deadlocks when it collects the garbage of the
 * generation while that object is exported, because both take one lock.
 */
function generate(algorithm: SigningAlgorithm): Buffer {
  switch (algorithm) {
    case 'EdDSA':
      return generateKeyPairSync('ed25519', DER).privateKey
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256', ...DER }).privateKey
    case 'RS256':
      return generateKeyPairSync('rsa', { modulusLength: 2_048, ...DER }).privateKey
    default:
      throw misused('An algorithm must be EdDSA, ES256 or RS256.')
  }
}

function misused(message: string): SessionError {
  return new SessionError('config_invalid', message)
}

/** A JWK set (RFC 7517) of public keys, for verifiers. */
export interface PublicKeySet {
  readonly keys: readonly PublicKey[]
}

/** One public key: never a private member. */
export interface PublicKey {
  readonly kty: string
  readonly kid: string
  readonly use: 'sig'
  readonly alg: SigningAlgorithm
  readonly crv?: string
  readonly x?: string
  readonly y?: string
  readonly n?: string
  readonly e?: string
}

/**
 * The public half of each key that tokens are believed under: those that sign or wait, and retired
 * ones for as long as a token of theirs may live.
 */
export function publicKeySet(
  { keys }: SigningKeys,
  { host = systemHost() }: { readonly host?: Pick<Host, 'now'> } = {},
): PublicKeySet {
  const at = host.now()
  const believed = keys.filter((key) => !isOver(key, at))
  return {
    keys: believed.map(({ kid, algorithm, publicKey }) => {
      // member by member: what is not named here cannot slip out
      const { kty = '', crv, x, y, n, e } = publicKey.export({ format: 'jwk' })
      return {
        kty,
        kid,
        use: 'sig',
        alg: algorithm,
        ...(crv === undefined ? {} : { crv }),
        ...(x === undefined ? {} : { x }),
        ...(y === undefined ? {} : { y }),
        ...(n === undefined ? {} : { n }),
        ...(e === undefined ? {} : { e }),
      }
    }),
  }
}
