import { hash } from 'node:crypto'
import { remoteCalls } from '../client/calls.ts'
import { AUTHORITY_FIELDS, SERVICE_ALIASES } from '../client/options.ts'
import { serviceAddress } from '../client/service-address.ts'
import type { Duration } from '../core/duration.ts'
import { SessionError } from '../core/errors.ts'
import { memo } from '../core/memo.ts'
import {
  clock,
  duration,
  group,
  list,
  made,
  needed,
  withDefault,
  words,
} from '../core/option-kinds.ts'
import { checked, type OptionsOf, type OptionTable } from '../core/options.ts'
import type { AccessClaims } from './access-claims.ts'
import { type Connections, connections } from './connections.ts'
import { type KeySet, remoteKeySet } from './key-sets.ts'
import { MAX_TOKEN_LENGTH } from './parse-jwt.ts'
import {
  type AccessRefused,
  type AccessRequirements,
  type AccessVerification,
  type CheckedAccess,
  checkAccessRequirements,
  refuseAccess,
  revoked,
  unproved,
} from './requirements.ts'
import type { Revocations } from './revocations.ts'
import { type OpenedToken, openToken, SKEW_MS, untimely } from './verify-access-token.ts'

/** Whose tokens a service believes, and how it hears of their end. */
export interface VerifierOptions {
  /** `iss`, letter by letter. */
  readonly issuer: string
  /** This service, as the authority's `audiences` name it. */
  readonly audience: string
  /** Default: what the authority publishes. One of the two is needed. */
  readonly keys?: KeySet
  /** Whom `strict` routes ask. */
  readonly authority?: AuthorityOptions
  /** Without it, a token counts until it expires, whatever became of its session. */
  readonly revocations?: Revocations
  /**
   * Authentication contexts from weak to strong, as the authority has them. Default: none, `acr` is
   * compared for equality.
   */
  readonly acrOrder?: readonly string[]
  /** How far the clocks may be apart: 5 s at most, and as shipped. */
  readonly skew?: Duration
  readonly now?: () => number
}

/** Verifies access tokens in this process. */
export interface Verifier extends Connections {
  /**
   * Never throws for what a client sent or for an authority that is away: only for requirements
   * that it can never meet.
   */
  verify(token: string, requirements?: AccessRequirements): Promise<AccessVerification>
  /**
   * Throws `config_invalid` for requirements that this verifier can never meet. `accessGuard` asks
   * as a route is made.
   */
  checkRequirements(requirements: AccessRequirements): void
}

/**
 * Tokens whose signature is known to be right, of some ten requests of one session each: as many as
 * sessions are remembered as shipped, some 550 bytes each.
 */
const REMEMBERED = 20_000

/** What is known to be revoked is kept for the life of a token and this. */
const MAX_SKEW_MS = SKEW_MS

const NOTHING: AccessRequirements = {}

/** The options of `verifier()`. */
export const VERIFIER_OPTIONS = {
  of: 'verifier()',
  fields: {
    issuer: needed(words('the `iss` of the tokens'), "issuer: 'https://auth.example.com'"),
    audience: needed(words('the name of this service'), "audience: 'orders'"),
    keys: made<KeySet>("a key set, such as remoteKeySet({ url }) of 'holdfast/tokens'", ['find']),
    authority: group<AuthorityOptions>()(AUTHORITY_FIELDS, SERVICE_ALIASES),
    revocations: made<Revocations>("revocationFeed({ url, key }) of 'holdfast/tokens'", [
      'state',
      'isRevoked',
    ]),
    acrOrder: withDefault(list(words('a word')), []),
    skew: withDefault(duration({ min: 0, max: MAX_SKEW_MS }), SKEW_MS),
    now: clock,
  } satisfies OptionsOf<VerifierOptions>,
  aliases: {
    iss: 'issuer',
    aud: 'audience',
    jwks: 'keys',
    jwksUri: 'write keys: remoteKeySet({ url }), or authority: { url, key }',
    secret: 'tokens are verified by public keys: write authority: { url, key }',
    url: 'write authority: { url, key }',
    key: 'write authority: { url, key }, or keys: remoteKeySet({ url })',
    skewMs: 'skew',
    clockTolerance: 'skew',
    feed: 'revocations',
    revocationFeed: 'revocations',
    acr: 'it is one of requireAccess()',
    maxAge: 'it is one of requireAccess()',
    strict: 'it is one of requireAccess()',
  },
} satisfies OptionTable

/**
 * Verifies access tokens offline. The signature of a token is checked once: it stays right for as
 * long as its key is in the set. Expiry, revocation and requirements are judged each time.
 *
 * Throws `config_invalid` for options that make no sense.
 *
 * @example
 * const issuer = 'https://auth.example'
 * const access = verifier({ issuer, audience: 'orders', authority: { url, key } })
 * const { ok } = await access.verify(token, { acr: 'urn:mfa' })
 */
export function verifier(options: VerifierOptions): Verifier {
  const { issuer, audience, revocations, acrOrder, skew } = checked(VERIFIER_OPTIONS, options)
  const { now = () => Date.now() } = options
  const keys = options.keys ?? publishedBy(options)
  const introspect = options.authority === undefined ? undefined : introspection(options.authority)
  const means = { revocations, acrOrder, authority: introspect !== undefined }
  const known = memo<string, OpenedToken>(REMEMBERED)

  async function open(token: string): Promise<OpenedToken | AccessRefused> {
    if (typeof token !== 'string' || token.length > MAX_TOKEN_LENGTH) {
      return refuseAccess('access_token_invalid', 'it is too long')
    }
    // by its digest, so that no token stays in memory
    const name = hash('sha256', token, 'base64url')
    const before = known.get(name)
    if (before !== undefined) {
      const found = keys.find(before.key.kid)
      if ((found instanceof Promise ? await found : found) === before.key) return before
    }
    const opened = await openToken(token, { keys, issuer, audience })
    if (opened.ok) known.set(name, opened)
    return opened
  }

  async function inactive(token: string, claims: AccessClaims): Promise<AccessRefused | undefined> {
    if (introspect === undefined) return undefined
    try {
      if (await introspect(token, claims)) return undefined
    } catch (error) {
      if (!(error instanceof SessionError)) throw error
      return refuseAccess('revocations_unavailable', error.message)
    }
    return now() >= claims.exp * 1_000
      ? refuseAccess('access_token_expired', 'exp has passed by the clock of the authority')
      : refuseAccess('session_revoked', 'the authority no longer holds it for active')
  }

  /** A route asks the same at each request. */
  const asked = new WeakMap<AccessRequirements, CheckedAccess>()

  function checkRequirements(requirements: AccessRequirements): CheckedAccess {
    const before = asked.get(requirements)
    if (before !== undefined) return before
    const fresh = checkAccessRequirements(requirements, means)
    asked.set(requirements, fresh)
    return fresh
  }

  return {
    checkRequirements,
    hold: connections(revocations, now).hold,

    async verify(token, requirements = NOTHING) {
      const asks = checkRequirements(requirements)
      let opened: OpenedToken | AccessRefused
      try {
        opened = await open(token)
      } catch (error) {
        if (!(error instanceof SessionError) || error.code !== 'keys_unavailable') throw error
        return refuseAccess(error.code, error.message)
      }
      if (!opened.ok) return opened
      const { claims } = opened
      const at = now()
      const against =
        untimely(claims, at, skew) ??
        revoked(claims, asks, means) ??
        unproved(claims, asks, { ...means, at }) ??
        (asks.strict === true ? await inactive(token, claims) : undefined)
      return against ?? { ok: true, claims }
    },
  }
}

function publishedBy({ authority, now }: VerifierOptions): KeySet {
  if (authority === undefined) {
    throw new SessionError(
      'config_invalid',
      'verifier(): keys or authority is missing. Write for example authority: { url, key }.',
    )
  }
  const { fetch } = authority
  return remoteKeySet({
    url: `${serviceAddress(authority)}/.well-known/jwks.json`,
    ...(fetch === undefined ? {} : { fetch }),
    ...(now === undefined ? {} : { now }),
  })
}

/** The service that issues the tokens, and a key to ask it with. */
export interface AuthorityOptions {
  /** For example `http://127.0.0.1:4600`. */
  readonly url: string
  /** API key with the role `gate` or `app`. */
  readonly key: string
  /** Longest wait for an answer, at most 1 minute. Default 2 s. */
  readonly timeout?: Duration
  /** Instead of the platform's own. */
  readonly fetch?: typeof fetch
}

/**
 * Whether a token is active according to the authority (RFC 7662). Rejects with a coded fault when
 * it does not answer.
 */
export type Introspect = (token: string, claims: AccessClaims) => Promise<boolean>

/** Throws `config_invalid` for an address or key that can never work. */
function introspection(options: AuthorityOptions): Introspect {
  const call = remoteCalls(options)
  return async (token, { sid }) => {
    const answer = await call.ask('POST', '/v1/introspect', { body: { token } })
    const told = call.expect(answer, 200, readIntrospection)
    // an answer about something else is no answer to this
    return told.active && (told.sid === undefined || told.sid === sid)
  }
}

interface Introspection {
  readonly active: boolean
  readonly sid?: unknown
}

/** The two members that matter: other authorities may say less than this one. */
function readIntrospection(body: unknown): Introspection | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  if (!('active' in body) || typeof body.active !== 'boolean') return undefined
  return { active: body.active, ...('sid' in body ? { sid: body.sid } : {}) }
}
