import { sealingCodec } from '../codecs/codec.ts'
import type { Keyring } from '../codecs/keyring.ts'
import { factReader } from '../codecs/record-facts.ts'
import { systemHost } from '../codecs/system-host.ts'
import { SessionError } from '../core/errors.ts'
import type { Host } from '../core/host.ts'
import { isSessionId, type SessionId } from '../core/ids.ts'
import { lifetimeVerdict } from '../core/lifetimes.ts'
import { rotationStatus } from '../core/rotation.ts'
import type { Store } from '../core/store.ts'
import type { TokenKind } from '../core/token.ts'
import type { OpenedRecord } from '../engine/context.ts'
import { familyOfKind, shownSecret } from '../engine/judging/presentation.ts'
import { sessionRecords } from '../engine/state/records.ts'
import { describeNetwork } from '../network/describe.ts'

/**
 * Says what tokens and sessions are worth, without the request that they came with. Reads the store
 * each time and changes nothing.
 */
export interface TokenIntrospector {
  /**
   * What an authentic token stands for, while its session is live and its secret is of the newest
   * generation of its family that was shown, or of the next. Undefined for any other token. It
   * judges nobody: only `verify` says whether a holder is the rightful one.
   */
  token(token: string): Promise<IntrospectedToken | undefined>
  /** Whether a session is there and within its lifetimes, as the store says now. */
  isLive(id: SessionId): Promise<boolean>
}

/**
 * A token that is current. It does not say how strongly its subject proved itself, because that
 * counts in some contexts and not in others.
 */
export interface IntrospectedToken {
  readonly kind: TokenKind
  readonly session: SessionId
  readonly subject: string
  readonly tenant: string
  /** When its secret was made. */
  readonly issuedAt: number
  /** When its session ends, unless it ends earlier. */
  readonly expiresAt: number
}

/** A resource server asks about one token many times: for some 2,000 sessions. */
const REMEMBERED_BYTES = 5_000_000

/**
 * Looks into tokens of a key ring and sessions of a store: what RFC 7662 calls introspection.
 *
 * @example
 * const introspected = await tokenIntrospector({ store, keyring }).token(token)
 */
export function tokenIntrospector({
  store,
  keyring,
  host = systemHost(),
}: {
  readonly store: Pick<Store, 'entries'>
  readonly keyring: Keyring
  readonly host?: Host
}): TokenIntrospector {
  const codec = sealingCodec(keyring, host)
  const readFacts = factReader((ip) => describeNetwork(ip))
  const records = sessionRecords({
    codec,
    readFacts,
    now: () => host.now(),
    rememberedBytes: REMEMBERED_BYTES,
  })

  /** Opens the record even where only its deadlines are needed: the seal is what proves them. */
  async function live(id: SessionId): Promise<OpenedRecord | undefined> {
    const found = await store.entries.read(id)
    if (found === undefined) return undefined
    const record = records.open(found)
    return lifetimeVerdict(record.head, found.lastActivity, host.now()) === 'live'
      ? record
      : undefined
  }

  return {
    async token(token) {
      const claims = codec.authenticate(token)
      if (typeof claims === 'string') return undefined
      const record = await live(claims.session)
      if (record === undefined) return undefined
      const family = familyOfKind(record, claims.kind)
      if (family?.id !== claims.family) return undefined
      const at = host.now()
      const shown = shownSecret(family, claims, { at, judgedAt: at, context: '' })
      const { status } = rotationStatus(family, shown)
      if (status === 'fork' || status === 'in_flight') return undefined
      const { id: session, subject, tenant, deadline: expiresAt } = record.head
      const { kind } = claims
      const issuedAt = claims.descent?.mintedAt ?? family.current.mintedAt
      return { kind, session, subject, tenant, issuedAt, expiresAt }
    },

    async isLive(id) {
      if (typeof id !== 'string' || !isSessionId(id))
        throw new SessionError('invalid_input', 'session is not a session id')
      return (await live(id)) !== undefined
    },
  }
}
