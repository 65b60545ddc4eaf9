import type { SubjectHistory } from '../../src/core/history.ts'
import type { Attributes, SessionState } from '../../src/core/session.ts'
import type { Factors } from '../../src/step-up/factors.ts'
import type { Raw } from './raw-stores.ts'

/** The golden files of one version. Bytes stand in base64. */
export interface Golden {
  /** The file forms of the key ring and of the signing keys. */
  readonly 'test-keyring.json': unknown
  readonly 'test-signing-keys.json': unknown
  readonly 'records.json': GoldenRecords
  readonly 'opened.json': GoldenOpened
  readonly 'tokens.json': GoldenTokens
  /** What an application keeps of a subject's factors. */
  readonly 'factors.json': Factors
  readonly 'redis.json': Raw
  readonly 'lmdb.json': Raw
}

/** What a store answers. */
export interface GoldenRecords {
  /** The instant at which all files of the version were written, ms. */
  readonly at: number
  readonly sessions: readonly GoldenSession[]
  readonly histories: readonly {
    readonly subject: string
    readonly generation: number
    readonly version: number
    readonly sealed: string
  }[]
  /** The whole feed. */
  readonly feed: readonly {
    readonly kind: string
    readonly id?: string
    readonly sealed?: string
  }[]
  /** A session that was revoked, and a key that has passed the replay guard. */
  readonly revoked: string
  readonly used: string
}

/** A sealed session as a store gives it. */
export interface GoldenSession {
  readonly id: string
  readonly version: number
  readonly generation: number
  readonly createdAt: number
  readonly deadline: number
  readonly idleMs: number
  readonly sealed: string
  readonly attributes: { readonly version: number; readonly sealed: string } | null
}

/** What the sealed records say, in the order of `records.json`. */
export interface GoldenOpened {
  readonly sessions: readonly {
    readonly state: SessionState
    readonly attributes: Attributes | null
  }[]
  readonly histories: readonly SubjectHistory[]
  readonly events: readonly unknown[]
}

/** Everything that clients, pages and services may still hold, with what it says. */
export interface GoldenTokens {
  readonly subject: { readonly tenant: string; readonly name: string; readonly key: string }
  readonly session: { readonly token: string; readonly claims: unknown }
  readonly refresh: { readonly token: string; readonly claims: unknown }
  readonly formToken: { readonly session: string; readonly token: string }
  /** A step-up that was begun and waits for its proof. */
  readonly challenge: string
  readonly ticket: { readonly text: string; readonly begun: unknown }
  readonly heldForm: {
    readonly id: string
    readonly session: string
    readonly cookies: string
    readonly sealed: string
    readonly form: unknown
  }
  readonly feedCursor: { readonly cursor: string; readonly positions: readonly number[] }
  readonly access: {
    readonly issuer: string
    readonly audience: string
    readonly token: string
    readonly jwks: { readonly keys: readonly unknown[] }
    readonly claims: unknown
  }
}
