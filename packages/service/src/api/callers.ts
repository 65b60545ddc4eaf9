import { hash, timingSafeEqual } from 'node:crypto'
import { SessionError } from 'holdfast'
import type { ApiKey, Role } from '../config/api-keys.ts'

/** Who calls the API: the name of the key, never the key. */
export interface Caller {
  readonly name: string
  readonly roles: readonly Role[]
  /** The audiences whose access tokens it may have and see. Undefined: all of them. */
  readonly audiences?: readonly string[] | undefined
}

/** Finds the caller of an `Authorization` header; undefined when there is none that holds. */
export type Callers = (authorization: string | undefined) => Caller | undefined

const MAX_HEADER_LENGTH = 512

/** Finds the caller of an API key; undefined for one that nobody has. */
export type Secrets = (secret: string) => Caller | undefined

const SECRET = /^[^\s]+$/

/**
 * Keys are compared by digest, all of them, in constant time: an answer's timing says nothing about
 * how near a guess was.
 */
export function secretsOf(keys: readonly ApiKey[]): Secrets {
  const known = keys.map(({ name, roles, audiences, digest }) => ({
    caller: { name, roles, audiences },
    digest: Buffer.from(digest.slice('sha256:'.length), 'latin1'),
  }))

  return (secret) => {
    if (secret.length > MAX_HEADER_LENGTH || !SECRET.test(secret)) return undefined
    // As hex digits: a buffer of the digest itself costs Node twice as much.
    const shown = Buffer.from(hash('sha256', secret, 'hex'), 'latin1')
    let found: Caller | undefined
    for (const { caller, digest } of known) {
      if (timingSafeEqual(shown, digest)) found = caller
    }
    return found
  }
}

/**
 * As {@link secretsOf}, of an `Authorization` header: `Bearer KEY`, or `Basic` of the key's name
 * and the key, as clients of OAuth write it (RFC 6749, section 2.3.1).
 */
export function callersOf(keys: readonly ApiKey[]): Callers {
  const known = secretsOf(keys)
  return (authorization) => {
    if (authorization === undefined || authorization.length > MAX_HEADER_LENGTH) return undefined
    const [, scheme, shown] = /^(Bearer|Basic) +([^\s]+) *$/i.exec(authorization) ?? []
    if (scheme === undefined || shown === undefined) return undefined
    if (scheme.toLowerCase() === 'bearer') return known(shown)
    const [name, secret] = basicOf(shown)
    const caller = known(secret)
    return caller?.name === name ? caller : undefined
  }
}

/** Whether a caller may have and see access tokens for an audience. */
export function isFor(
  { audiences }: Pick<Caller, 'audiences'>,
  audience: string | readonly string[],
): boolean {
  return audiences === undefined || [audience].flat().every((one) => audiences.includes(one))
}

/**
 * Throws `caller_forbidden` where a key of some audiences asks for an access token for another one.
 * Called before anything is judged, so that a refused call uses no secret up.
 */
export function checkAudience(
  caller: Pick<Caller, 'audiences'>,
  audience: string | undefined,
): void {
  if (audience === undefined || isFor(caller, audience)) return
  throw new SessionError('caller_forbidden', notFor(audience))
}

/** What is wrong with a key that is not for an audience, and what to do. */
export function notFor(audience: string): string {
  return (
    `This key is not for the audience "${audience}": ` +
    'use one that is, or add it to the `audiences` of the key in the setting `apiKeys`.'
  )
}

/** Name and secret, each in the encoding of forms inside of base64. Nobody has an empty secret. */
function basicOf(shown: string): readonly [name: string, secret: string] {
  const text = Buffer.from(shown, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  try {
    const [name, secret] = [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)].map((part) =>
      decodeURIComponent(part.replaceAll('+', ' ')),
    )
    return [name ?? '', secret ?? '']
  } catch {
    return ['', ''] // percent signs that spell no UTF-8
  }
}
