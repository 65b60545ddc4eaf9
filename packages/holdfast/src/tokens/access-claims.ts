import { isSessionId, type SessionId } from '../core/ids.ts'

/**
 * The claims of an access token (RFC 9068), under their own names. Times are whole seconds since
 * the epoch. Frozen.
 */
export interface AccessClaims {
  readonly iss: string
  /** The subject, by the application's own id. */
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly client_id: string
  /** The public id of the session. */
  readonly sid: SessionId
  readonly jti: string
  readonly iat: number
  readonly exp: number
  readonly nbf?: number
  readonly auth_time?: number
  readonly acr?: string
  readonly amr?: readonly string[]
  /** The subject's generation: "log out everywhere" leaves lower ones behind. */
  readonly gen: number
  /** The tenant, where it is not the default one. */
  readonly tid?: string
  /**
   * `sensitive`, where the request was judged as one of a sensitive route. A private claim; absent
   * for a normal one.
   */
  readonly sensitivity?: string
}

/** Whom a token has to come from, and whom it has to be for. Both are compared letter by letter. */
export interface Expected {
  readonly issuer: string
  readonly audience: string
}

type Json = Readonly<Record<string, unknown>>
type Is = (value: unknown) => boolean

const REQUIRED: Readonly<Record<string, Is>> = {
  iss: isName,
  sub: isName,
  aud: (value) => isText(value) || isTexts(value),
  client_id: isName,
  sid: (value) => isText(value) && isSessionId(value),
  jti: isName,
  iat: isWhole,
  exp: isWhole,
  gen: isWhole,
}

const OPTIONAL: Readonly<Record<string, Is>> = {
  nbf: isWhole,
  auth_time: isWhole,
  acr: isText,
  amr: isTexts,
  tid: isText,
  sensitivity: isText,
}

/**
 * The claims of a payload whose signature is right, or what is wrong with them. Of members with the
 * same name the last counts (RFC 7519, section 4). Members that {@link AccessClaims} does not have
 * are left out.
 */
export function claimsOf(payload: unknown, { issuer, audience }: Expected): AccessClaims | string {
  if (!isObject(payload)) return 'the claims are no object'
  // RFC 7800: whoever takes it as a bearer token lets a thief in whom the binding would stop.
  if (Object.hasOwn(payload, 'cnf')) return 'cnf binds it to a key, and no proof is checked here'
  const claims: Record<string, unknown> = {}
  for (const [name, is] of Object.entries(REQUIRED)) {
    if (!Object.hasOwn(payload, name)) return `${name} is missing`
    if (!is(payload[name])) return `${name} is not of its type`
    claims[name] = payload[name]
  }
  for (const [name, is] of Object.entries(OPTIONAL)) {
    if (!Object.hasOwn(payload, name)) continue
    if (!is(payload[name])) return `${name} is not of its type`
    claims[name] = payload[name]
  }
  if (claims.iss !== issuer) return 'iss is another issuer'
  // every member was looked at, one by one
  const checked = claims as unknown as AccessClaims
  const { aud } = checked
  if (aud !== audience && !(isTexts(aud) && aud.includes(audience))) return 'aud is another service'
  return frozen(checked)
}

/** One token's claims are handed out at each of its verifications. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const part of Object.values(value)) frozen(part)
  return Object.freeze(value)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Text that every language reads alike: half a pair of surrogates is no letter. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && !/\p{Surrogate}/u.test(value)
}

function isName(value: unknown): boolean {
  return isText(value) && value !== ''
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText)
}

function isWhole(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
