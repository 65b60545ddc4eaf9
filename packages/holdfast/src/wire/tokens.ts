import {
  described,
  exactly,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  text,
  variants,
} from './describe.ts'
import { instant } from './words.ts'

/** What is answered about tokens, keys and revocations. */

/** Of a token that is not current, nothing is said (RFC 7662, section 2.2). */
export interface InactiveToken {
  readonly active: false
}

/** What a current token stands for. Times in seconds. */
export interface ActiveToken {
  readonly active: true
  readonly token_type: 'Bearer' | 'session' | 'refresh'
  readonly sub: string
  readonly tid?: string
  readonly sid: string
  readonly iss: string
  readonly aud?: string
  readonly client_id: string
  readonly jti?: string
  readonly iat: number
  readonly exp: number
  readonly auth_time?: number
  readonly acr?: string
  readonly amr?: readonly string[]
  readonly gen?: number
  readonly sensitivity?: string
}

/** Answer of an introspection (RFC 7662). */
export const introspection = variants('Introspection', 'active', [
  object<ActiveToken>('ActiveToken', {
    active: exactly(true),
    token_type: oneOf(['Bearer', 'session', 'refresh']),
    sub: text(),
    tid: optional(described(text(), 'Tenant, where it is not the default one')),
    sid: text(),
    iss: text(),
    aud: optional(text()),
    client_id: text(),
    jti: optional(text()),
    iat: integer(),
    exp: integer(),
    auth_time: optional(integer()),
    acr: optional(text()),
    amr: optional(list(text())),
    gen: optional(integer()),
    sensitivity: optional(described(text(), 'Where it was judged as sensitive')),
  }),
  object<InactiveToken>('InactiveToken', { active: exactly(false) }),
])

/** A public key (RFC 7517). */
export interface PublishedKey {
  readonly kty: string
  readonly kid: string
  readonly use: 'sig'
  readonly alg: 'EdDSA' | 'ES256' | 'RS256'
  readonly crv?: string
  readonly x?: string
  readonly y?: string
  readonly n?: string
  readonly e?: string
}

/** All public keys of an authority. */
export interface PublishedKeys {
  readonly keys: readonly PublishedKey[]
}

/** Answer of the key set (RFC 7517). */
export const publishedKeys = object<PublishedKeys>('KeySet', {
  keys: list(
    object<PublishedKey>('PublicKey', {
      kty: text(),
      kid: text(),
      use: exactly('sig'),
      alg: oneOf(['EdDSA', 'ES256', 'RS256']),
      crv: optional(text()),
      x: optional(text()),
      y: optional(text()),
      n: optional(text()),
      e: optional(text()),
    }),
  ),
})

/** A session is dead. */
export interface RevokedSession {
  readonly kind: 'revoked'
  readonly session: string
  readonly at: number
}

/** The sessions of a subject of a lower generation are dead. */
export interface RevokedSubject {
  readonly kind: 'subject'
  readonly subject: string
  readonly generation: number
  readonly except: string | null
  readonly at: number
}

/** Whatever a good access token could be affected by. */
export interface RevocationSnapshot {
  readonly cursor: string
  readonly asOf: number
  readonly windowMs: number
  readonly since: number
  readonly entries: readonly (RevokedSession | RevokedSubject)[]
}

const revocation = variants('Revocation', 'kind', [
  object<RevokedSession>('RevokedSession', {
    kind: exactly('revoked'),
    session: described(text(), 'This session is dead'),
    at: instant,
  }),
  object<RevokedSubject>('RevokedSubject', {
    kind: exactly('subject'),
    subject: described(text(), 'As its key: its sessions of a lower generation are dead'),
    generation: integer(),
    except: described(nullable(text()), 'The one session that goes on'),
    at: instant,
  }),
])

/** Answer of the revocations, where no stream was asked for. */
export const revocations = object<RevocationSnapshot>('Revocations', {
  cursor: described(text(), 'Follow the stream from here'),
  asOf: described(instant, 'Nothing that was revoked before then is missing'),
  windowMs: described(integer(), 'An entry matters for so long'),
  since: described(
    instant,
    'What was revoked before then may be missing; rarely within the window',
  ),
  entries: list(revocation),
})
