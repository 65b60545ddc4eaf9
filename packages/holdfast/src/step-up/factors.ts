import { SessionError } from '../core/errors.ts'

/** Kinds of factor, from the strongest to the last resort. */
export const FACTORS = ['passkey', 'totp', 'recovery'] as const

/** How a subject can prove that it is there. */
export type Factor = (typeof FACTORS)[number]

/** Whose factors. */
export interface FactorOwner {
  readonly subject: string
  readonly tenant: string
}

/** A passkey or security key (WebAuthn Level 3). */
export interface Passkey {
  /** Credential id, base64url. */
  readonly id: string
  /** COSE key, base64url. */
  readonly publicKey: string
  /** Signature counter of the last proof; 0 with authenticators that do not count. */
  readonly counter: number
  /** The key cannot leave its device: `hwk`, else `swk` (RFC 8176). */
  readonly deviceBound: boolean
  readonly transports: readonly string[]
  /** What its owner calls it. */
  readonly name: string
  readonly createdAt: number
  readonly lastUsedAt: number | null
  /**
   * Its counter went back: somebody has a copy. It proves nothing any more (WebAuthn Level 3,
   * section 6.1.1).
   */
  readonly cloned: boolean
}

/** Time-based one-time passwords (RFC 6238). */
export interface TotpFactor {
  /**
   * Base32. The one value of the record that whoever reads it can log in with: encrypt it at rest.
   */
  readonly secret: string
  /** The step of the last code that was accepted: it and those before are never accepted again. */
  readonly lastStep: number
}

/** A factor that was begun to be added, in one session, for ten minutes. */
export interface Pending {
  readonly factor: 'passkey' | 'totp'
  readonly session: string
  /** Digest of the WebAuthn challenge, or the new TOTP secret. */
  readonly value: string
  readonly expiresAt: number
}

/**
 * All that is kept of a subject's factors: JSON, some kilobytes at most. Recovery codes are digests
 * alone. The names of the fields are those of the stored record.
 */
export interface Factors {
  /** WebAuthn user handle: random, says nothing of its owner. Base64url. */
  readonly handle: string
  readonly passkeys: readonly Passkey[]
  readonly totp: TotpFactor | null
  readonly recovery: readonly string[]
  readonly pending: Pending | null
  /**
   * Challenges that were answered rightly, by digest, until they expire: no answer counts twice.
   */
  readonly spent: readonly { readonly challenge: string; readonly until: number }[]
  /** Wrong codes since a factor was last proved: how many, and from which networks the newest. */
  readonly wrong: {
    readonly count: number
    readonly recent: readonly { readonly place: string; readonly at: number }[]
  }
  /** Networks where a factor was proved, newest last. */
  readonly places: readonly string[]
}

/** The record of a subject that has no factor yet. */
export const NO_FACTORS: Factors = {
  handle: '',
  passkeys: [],
  totp: null,
  recovery: [],
  pending: null,
  spent: [],
  wrong: { count: 0, recent: [] },
  places: [],
}

/** A record with its version. */
export interface VersionedFactors {
  readonly version: number
  readonly factors: Factors
}

/** Where an application keeps its users' factors: one record a subject. */
export interface FactorStore {
  /** Undefined: this subject has none. Throws when it could not be asked. */
  read(owner: FactorOwner): Promise<VersionedFactors | undefined>
  /**
   * Compare-and-set: false, and nothing written, unless the kept version is exactly one lower;
   * version 1 means "must be new". In SQL: `update ... where version = $version - 1`. All that must
   * happen only once rests on this.
   */
  write(owner: FactorOwner, record: VersionedFactors): Promise<boolean>
}

/**
 * Reads the record, decides, and writes it back. When somebody else has written it meanwhile, it
 * begins again. A decision without `next` writes nothing.
 */
export async function changeFactors<Result>(
  store: FactorStore,
  owner: FactorOwner,
  decide: (factors: Factors | undefined) => Change<Result> | Promise<Change<Result>>,
): Promise<Result> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const kept = await store.read(owner)
    const { next, result } = await decide(kept?.factors)
    if (next === undefined) return result
    if (await store.write(owner, { version: (kept?.version ?? 0) + 1, factors: next })) {
      return result
    }
  }
  throw new SessionError(
    'store_contended',
    'Others changed the factors of this subject at the same time. Try again.',
  )
}

const MAX_TRIES = 16

/** What is written and what is returned. */
interface Change<Result> {
  readonly next?: Factors
  readonly result: Result
}
