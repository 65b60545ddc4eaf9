import { type KeyObject, randomBytes, sign } from 'node:crypto'
import { keySet } from '../../src/tokens/key-sets.ts'
import type { Revocations } from '../../src/tokens/revocations.ts'
import { newSigningKeys } from '../../src/tokens/signing-keys.ts'
import { type Verifier, type VerifierOptions, verifier } from '../../src/tokens/verifier.ts'

export const ISSUER = 'https://auth.example'
export const AUDIENCE = 'orders'
export const NOW = 1_800_000_000_000
export const SECONDS = NOW / 1_000
export const SKEW = 5

/** A key pair as an authority has it, and as a thief would like to have it. */
export interface Pair {
  readonly kid: string
  readonly alg: 'EdDSA' | 'ES256' | 'RS256'
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export function pair(alg: Pair['alg'], kid: string = alg): Pair {
  const [made] = newSigningKeys({ algorithms: [alg] }).keys
  if (made?.privateKey === undefined) throw new Error('no key was made')
  return { kid, alg, privateKey: made.privateKey, publicKey: made.publicKey }
}

export const ED = pair('EdDSA')
export const ES = pair('ES256')
export const RS = pair('RS256')

export function jwkOf({ kid, alg, publicKey }: Pair): Readonly<Record<string, unknown>> {
  return { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }
}

export const CLAIMS = {
  iss: ISSUER,
  sub: 'ada',
  aud: AUDIENCE,
  client_id: 'holdfast',
  sid: randomBytes(32).toString('base64url'),
  jti: 'token-1',
  iat: SECONDS - 10,
  exp: SECONDS + 80,
  auth_time: SECONDS - 60,
  acr: 'aal2',
  amr: ['pwd', 'otp'],
  gen: 3,
}

type Json = Readonly<Record<string, unknown>>

/** Members that are undefined are left out; a text or bytes are taken as they are. */
export interface Parts {
  readonly header?: Json | string
  readonly claims?: Json | string | Buffer
  readonly sign?: (signed: Buffer, by: Pair) => Buffer
}

/** A token that is right, but for what is asked to be wrong with it. */
export function tokenBy(
  by: Pair,
  { header = {}, claims = {}, sign: signing = signed }: Parts = {},
): string {
  const head =
    typeof header === 'string'
      ? header
      : JSON.stringify({ alg: by.alg, typ: 'at+jwt', kid: by.kid, ...header })
  const body =
    typeof claims === 'string' || Buffer.isBuffer(claims)
      ? claims
      : JSON.stringify({ ...CLAIMS, ...claims })
  const both = `${part(head)}.${part(body)}`
  return `${both}.${part(signing(Buffer.from(both), by))}`
}

/** What a signature of the pair's own algorithm is. */
export function signed(bytes: Buffer, { alg, privateKey }: Pair): Buffer {
  if (alg === 'EdDSA') return sign(null, bytes, privateKey)
  return sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' })
}

export function part(bytes: Buffer | string): string {
  return Buffer.from(bytes).toString('base64url')
}

/** A verifier of all three pairs, at {@link NOW}. */
export function ours(options: Partial<VerifierOptions> = {}): Verifier {
  return verifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    keys: keySet({ keys: [ED, ES, RS].map(jwkOf) }),
    now: () => NOW,
    ...options,
  })
}

/** Revocations that a test moves by hand. */
export function revocationsAt(at: {
  state: 'fresh' | 'stale' | 'blind'
  revoked: readonly string[]
}): Revocations {
  return {
    state: () => at.state,
    isRevoked: ({ sid }) => at.revoked.includes(sid),
    onRevoked: () => () => {},
    ready: async () => {},
    close() {},
  }
}
