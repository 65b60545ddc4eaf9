import { hash, timingSafeEqual } from 'node:crypto'
import type { ApiKey, Role } from '../config/api-keys.ts'

/** Who calls the API: the name of the key, never the key. */
export interface Caller {
  readonly name: string
  readonly roles: readonly Role[]
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
  const known = keys.map(({ name, roles, digest }) => ({
    caller: { name, roles },
    digest: Buffer.from(digest.slice('sha256:'.length), 'hex'),
  }))

  return (secret) => {
    if (secret.length > MAX_HEADER_LENGTH || !SECRET.test(secret)) return undefined
    const shown = hash('sha256', secret, 'buffer')
    let found: Caller | undefined
    for (const { caller, digest } of known) {
      if (timingSafeEqual(shown, digest)) found = caller
    }
    return found
  }
}

/**
 * Finds the caller of a header that comes again and again on one connection. What held there last
 * is compared in constant time, which costs less than a digest. It is kept as long as the
 * connection.
 */
export function connectionCallers(
  callers: Callers,
): (connection: Connection, authorization: string | undefined) => Caller | undefined {
  return (connection: Connection & { [HELD]?: Held }, authorization) => {
    const held = connection[HELD]
    if (held !== undefined && authorization?.length === held.length) {
      const shown = Buffer.from(authorization)
      if (shown.length === held.bytes.length && timingSafeEqual(shown, held.bytes)) {
        return held.caller
      }
    }
    const caller = callers(authorization)
    if (caller !== undefined && authorization !== undefined) {
      const { length } = authorization
      connection[HELD] = { length, bytes: Buffer.from(authorization), caller }
    }
    return caller
  }
}

/** Whatever lives as long as a connection: its socket. */
export type Connection = object

/** On the connection itself: a WeakMap of all connections costs more. */
const HELD = Symbol('the header that held')

interface Held {
  readonly length: number
  readonly bytes: Buffer
  readonly caller: Caller
}

/** As {@link secretsOf}, of an `Authorization` header. */
export function callersOf(keys: readonly ApiKey[]): Callers {
  const known = secretsOf(keys)
  return (authorization) => {
    if (authorization === undefined || authorization.length > MAX_HEADER_LENGTH) return undefined
    const secret = /^Bearer +([^\s]+) *$/i.exec(authorization)?.[1]
    return secret === undefined ? undefined : known(secret)
  }
}
