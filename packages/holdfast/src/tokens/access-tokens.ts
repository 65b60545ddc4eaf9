import { randomBytes, type SignKeyObjectInput, sign } from 'node:crypto'
import type { AccessGrant, AccessTokens } from '../core/access-token.ts'
import type { Duration } from '../core/duration.ts'
import { SessionError } from '../core/errors.ts'
import { selectiveMemo } from '../core/memo.ts'
import {
  duration,
  group,
  made,
  named,
  needed,
  oneOf,
  withDefault,
  words,
} from '../core/option-kinds.ts'
import { type Checked, checked, type OptionsOf, type OptionTable } from '../core/options.ts'
import {
  type ActiveKey,
  activeKey,
  MAX_TOKEN_LIFE_MS,
  SIGNING_ALGORITHMS,
  type SigningAlgorithm,
  type SigningKeys,
} from './signing-keys.ts'

/** Who issues access tokens, for whom, and for how long. */
export interface AccessTokensOptions {
  /** The ring that signs. May change in place: its keys are looked up for every token. */
  readonly keys: SigningKeys
  /** `iss`: the URL of the authority, as verifiers have it. */
  readonly issuer: string
  /** `client_id`: for whom sessions are kept. `holdfast` unless said otherwise. */
  readonly clientId?: string
  /** Whom a token may be for, by name; the first stands in where a refresh names none. */
  readonly audiences: Readonly<Record<string, AudienceOptions>>
  /** How long a token lives: 10 s to 2 minutes, default 90 s. */
  readonly accessTokenLifetime?: Duration
}

/** What one audience has otherwise. */
export interface AudienceOptions {
  /** `EdDSA` unless its verifiers need another. */
  readonly algorithm?: SigningAlgorithm
  /** As `accessTokenLifetime`. */
  readonly lifetime?: Duration
}

/** An audience with all it needs. */
interface Audience {
  readonly algorithm: SigningAlgorithm
  readonly lifetimeMs: number
}

interface Issued {
  readonly token: string
  /** Seconds since the epoch, as the token has them. */
  readonly iat: number
  readonly exp: number
}

const DEFAULT_LIFE_MS = 90_000
const MIN_LIFE_MS = 10_000
/** As many as sessions are remembered as shipped; some 1.1 kB each. */
const REMEMBERED = 20_000

const life = { min: MIN_LIFE_MS, max: MAX_TOKEN_LIFE_MS }

/** The options of `accessTokens()`. */
export const ACCESS_TOKENS_OPTIONS = {
  of: 'accessTokens()',
  fields: {
    keys: needed(
      made<SigningKeys>("signing keys, such as parseSigningKeys(text) of 'holdfast/tokens'", [
        'keys',
      ]),
      "keys: parseSigningKeys(readFileSync('signing-keys.json', 'utf8')); " +
        '"holdfast keys new signing-keys.json --signing" makes the file',
    ),
    issuer: needed(words('the URL of the authority'), "issuer: 'https://auth.example.com'"),
    clientId: withDefault(words('for whom sessions are kept'), 'holdfast'),
    audiences: needed(
      named(
        group<AudienceOptions>()(
          { algorithm: oneOf(SIGNING_ALGORITHMS), lifetime: duration(life) },
          { lifetimeMs: 'lifetime', accessTokenLifetime: 'lifetime', alg: 'algorithm' },
        ),
      ),
      'audiences: { orders: {} }',
    ),
    accessTokenLifetime: withDefault(duration(life), DEFAULT_LIFE_MS),
  } satisfies OptionsOf<AccessTokensOptions>,
  aliases: {
    lifetime: 'accessTokenLifetime',
    lifetimeMs: 'accessTokenLifetime',
    expiresIn: 'accessTokenLifetime',
    ttl: 'accessTokenLifetime',
    iss: 'issuer',
    aud: 'audiences',
    audience: 'audiences',
    key: 'keys',
    secret: 'keys',
    keyring: 'keys',
  },
} satisfies OptionTable

/**
 * Issues access tokens after RFC 9068. The same grant within half of a token's life gets the same
 * token again, so that a gate does not sign at every request. Throws `config_invalid` for options
 * under which no token can be issued.
 *
 * @example
 * const tokens = accessTokens({ keys, issuer: 'https://auth.example', audiences: { orders: {} } })
 * const sessions = createSessions({ store, keyring, tokens })
 */
export function accessTokens(options: AccessTokensOptions): AccessTokens {
  const wanted = checked(ACCESS_TOKENS_OPTIONS, options)
  const { keys, issuer, clientId } = wanted
  const audiences = audiencesOf(wanted)
  const [first] = audiences.keys()
  const issued = selectiveMemo<Issued>(REMEMBERED)

  function sign(grant: AccessGrant, key: ActiveKey, to: To): Issued {
    const iat = seconds(grant.at)
    const exp = seconds(Math.min(grant.at + to.lifetimeMs, grant.deadline))
    const { subject, session, acr, amr, authenticatedAt, generation, tenant, sensitivity } = grant
    const token = signToken(key, {
      iss: issuer,
      sub: subject,
      aud: to.audience,
      client_id: clientId,
      sid: session,
      jti: randomBytes(16).toString('base64url'),
      iat,
      exp,
      ...(authenticatedAt === null ? {} : { auth_time: seconds(authenticatedAt) }),
      ...(acr === null ? {} : { acr }),
      ...(amr.length === 0 ? {} : { amr }),
      gen: generation,
      ...(tenant === 'default' ? {} : { tid: tenant }),
      ...(sensitivity === 'normal' ? {} : { sensitivity }),
    })
    return { token, iat, exp }
  }

  return {
    audiences: [...audiences.keys()],

    async issue(grant) {
      const audience = grant.audience ?? first ?? ''
      const known = audiences.get(audience)
      if (known === undefined) {
        throw new SessionError(
          'invalid_input',
          'audience is not one that access tokens are issued for',
        )
      }
      const key = activeKey(keys, known.algorithm)
      const name = nameOf(grant, audience, key)
      const before = issued.get(name)
      if (before !== undefined && isYoung(before, grant.at)) return answerOf(before, grant.at)
      const fresh = sign(grant, key, { audience, lifetimeMs: known.lifetimeMs })
      if (before !== undefined || issued.takes(name)) issued.set(name, fresh)
      return answerOf(fresh, grant.at)
    },
  }
}

interface To {
  readonly audience: string
  readonly lifetimeMs: number
}

/** Key of the memory: everything in the token, and the key that signs it. */
function nameOf(grant: AccessGrant, audience: string, { kid }: ActiveKey): string {
  const { session, subject, tenant, generation, acr, amr, authenticatedAt, deadline } = grant
  const { sensitivity } = grant
  return JSON.stringify([
    audience,
    kid,
    session,
    subject,
    tenant,
    generation,
    acr,
    amr,
    authenticatedAt,
    sensitivity,
    deadline,
  ])
}

function isYoung({ iat, exp }: Issued, at: number): boolean {
  const age = seconds(at) - iat
  return age >= 0 && age <= (exp - iat) / 2
}

function answerOf(
  { token, exp }: Issued,
  at: number,
): { readonly token: string; readonly expiresIn: number } {
  return { token, expiresIn: Math.max(0, exp - seconds(at)) }
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000)
}

function audiencesOf({
  keys,
  issuer,
  audiences,
  accessTokenLifetime,
}: Checked<typeof ACCESS_TOKENS_OPTIONS.fields>): ReadonlyMap<string, Audience> {
  if (!URL.canParse(issuer)) throw misconfigured('issuer', 'must be a URL')
  const all = new Map<string, Audience>()
  for (const [name, own] of Object.entries(audiences)) {
    const { algorithm = 'EdDSA', lifetime = accessTokenLifetime } = own
    activeKey(keys, algorithm)
    all.set(name, { algorithm, lifetimeMs: lifetime })
  }
  if (all.size === 0) throw misconfigured('audiences', 'must name at least one')
  return all
}

function misconfigured(field: string, problem: string): SessionError {
  return new SessionError('config_invalid', `accessTokens(): ${field} ${problem}.`)
}

/**
 * A claim set as a compact JWS of the type `at+jwt` (RFC 9068). Synchronous, because WebCrypto
 * takes two to seven times as long.
 */
function signToken(
  { kid, algorithm, privateKey }: ActiveKey,
  claims: Readonly<Record<string, unknown>>,
): string {
  const signed = `${part({ alg: algorithm, typ: 'at+jwt', kid })}.${part(claims)}`
  const digest = algorithm === 'EdDSA' ? null : 'sha256'
  const key: SignKeyObjectInput =
    // RFC 7518, section 3.4: the two numbers side by side, not DER
    algorithm === 'ES256' ? { key: privateKey, dsaEncoding: 'ieee-p1363' } : { key: privateKey }
  return `${signed}.${sign(digest, Buffer.from(signed), key).toString('base64url')}`
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
