import { hash } from 'node:crypto'
import { serviceAddress } from '../client/service-address.ts'
import { SessionError } from '../core/errors.ts'
import { memo } from '../core/memo.ts'
import { type Access, type AccessDemands, type AccessRefused, refused } from './access.ts'
import type { AccessClaims } from './access-claims.ts'
import { type AuthorityOptions, introspection } from './authority.ts'
import { type Holdings, holdings } from './connections.ts'
import { checkAccessDemands, revoked, unproved } from './demands.ts'
import type { KeySet } from './key-set.ts'
import { remoteKeySet } from './key-sets.ts'
import { MAX_TOKEN_LENGTH } from './parse-token.ts'
import type { Revocations } from './revocations.ts'
import { type Opened, openToken, SKEW_MS, untimely } from './verify-access-token.ts'

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
  /** Authentication contexts from weak to strong, as the authority has them. Default: none, `acr` is compared for equality. */
  readonly acrOrder?: readonly string[]
  /** How far the clocks may be apart, ms (default 5000, at most 60 000). */
  readonly skewMs?: number
  readonly now?: () => number
}

/** Verifies access tokens in this process. */
export interface Verifier extends Holdings {
  /** Never throws for what a client sent or for an authority that is away: only for demands that it can never meet. */
  verify(token: string, demands?: AccessDemands): Promise<Access>
  /** Throws `config_invalid` for demands that this verifier can never meet. `accessGuard` asks as a route is made. */
  checkDemands(demands: AccessDemands): void
}

/** Tokens whose signature is known to be right; each is of some ten requests of one session. */
const REMEMBERED = 4_000
const MAX_SKEW_MS = 60_000

/**
 * Verifies access tokens offline. A token that comes again is not calculated again: its signature stays right for as
 * long as its key is in the set. Expiry, revocation and demands are judged each time.
 *
 * Throws `config_invalid` for options that make no sense.
 *
 * @example
 * const access = verifier({ issuer: 'https://auth.example', audience: 'orders', authority: { url, key } })
 * const { ok } = await access.verify(token, { acr: 'urn:mfa' })
 */
export function verifier(options: VerifierOptions): Verifier {
  const { issuer, audience, revocations, acrOrder = [], skewMs = SKEW_MS } = options
  const { now = () => Date.now() } = options
  checkOptions({ issuer, audience, skewMs })
  const keys = options.keys ?? publishedBy(options)
  const introspect = options.authority === undefined ? undefined : introspection(options.authority)
  const means = { revocations, acrOrder, authority: introspect !== undefined }
  const known = memo<string, Opened>(REMEMBERED)

  async function open(token: string): Promise<Opened | AccessRefused> {
    if (typeof token !== 'string' || token.length > MAX_TOKEN_LENGTH) {
      return refused('access_token_invalid', 'it is too long')
    }
    // by its digest: what lies in memory is no token
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
      return refused('revocations_unavailable', error.message)
    }
    return now() >= claims.exp * 1_000
      ? refused('access_token_expired', 'exp has passed by the clock of the authority')
      : refused('session_revoked', 'the authority no longer holds it for active')
  }

  function checkDemands(demands: AccessDemands): void {
    checkAccessDemands(demands, means)
  }

  return {
    checkDemands,
    hold: holdings(revocations, now).hold,

    async verify(token, demands = {}) {
      checkDemands(demands)
      let opened: Opened | AccessRefused
      try {
        opened = await open(token)
      } catch (error) {
        if (!(error instanceof SessionError) || error.code !== 'keys_unavailable') throw error
        return refused(error.code, error.message)
      }
      if (!opened.ok) return opened
      const { claims } = opened
      const at = now()
      const against =
        untimely(claims, at, skewMs) ??
        revoked(claims, demands, means) ??
        unproved(claims, demands, { ...means, at }) ??
        (demands.strict === true ? await inactive(token, claims) : undefined)
      return against ?? { ok: true, claims }
    },
  }
}

function checkOptions({
  issuer,
  audience,
  skewMs,
}: {
  readonly issuer: string
  readonly audience: string
  readonly skewMs: number
}): void {
  if (typeof issuer !== 'string' || issuer === '') throw misconfigured('issuer', 'must be the iss')
  if (typeof audience !== 'string' || audience === '') {
    throw misconfigured('audience', 'must be the name of this service')
  }
  if (!Number.isSafeInteger(skewMs) || skewMs < 0 || skewMs > MAX_SKEW_MS) {
    throw misconfigured('skewMs', `must be 0 to ${MAX_SKEW_MS}`)
  }
}

function publishedBy({ authority, now }: VerifierOptions): KeySet {
  if (authority === undefined) throw misconfigured('keys', 'or authority is needed')
  const { fetch } = authority
  return remoteKeySet({
    url: `${serviceAddress(authority)}/.well-known/jwks.json`,
    ...(fetch === undefined ? {} : { fetch }),
    ...(now === undefined ? {} : { now }),
  })
}

function misconfigured(field: string, problem: string): SessionError {
  return new SessionError('config_invalid', `${field} ${problem}.`)
}
