import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSessions, parseKeyring, type Sessions, type Store } from 'holdfast'
import { lmdbStore } from 'holdfast/lmdb'
import { geoLookup } from 'holdfast/network'
import { redisStore } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { userOf } from '../facts.ts'
import { geoFilesIn } from '../places.ts'
import { PATIENCE_MS } from '../redis-server.ts'

/** A store of so many sessions. Each has a Redis of its own. */
export interface Grown {
  readonly kind: 'LMDB' | 'Redis'
  readonly size: number
  /** With geo data, keys, and the file of an LMDB store. */
  readonly folder: string
  readonly redisPort: number
}

export const SESSIONS_A_SUBJECT = 5

/** As in practice, the sessions of one user are not created one right after the other. */
export function subjectOf(turn: number, size: number): string {
  return userOf(turn % subjectsIn(size))
}

export function subjectsIn(size: number): number {
  return size / SESSIONS_A_SUBJECT
}

/** Every other subject is there to be revoked; its sessions are not verified. */
const REVOKED_EVERY = 2

export function isRevoked(turn: number, size: number): boolean {
  return (turn % subjectsIn(size)) % REVOKED_EVERY === 0
}

/** The nth of the subjects that are revoked, and one that is not. */
export function revokedSubject(nth: number): string {
  return userOf(nth * REVOKED_EVERY)
}

export function listedSubject(nth: number, size: number): string {
  return userOf(((nth * STRIDE) % (subjectsIn(size) / REVOKED_EVERY)) * REVOKED_EVERY + 1)
}

/** A prime: all come before one comes again, far apart. */
const STRIDE = 7_919

/** A session that is verified. */
export interface Sample {
  readonly token: string
  readonly subject: string
  readonly ip: string
}

/** Each session is written down once in 24 minutes: a verification is the only thing measured. */
const DAY_MS = 24 * 3_600_000

/** The engine on a store, as an application has it. */
export function openGrown(grown: Grown): {
  readonly sessions: Sessions
  readonly store: Store
  /** An engine that has opened no record yet. */
  another(): Sessions
} {
  const { folder } = grown
  const store = storeOf(grown)
  const keyring = parseKeyring(readFileSync(join(folder, 'keyring.json'), 'utf8'))
  const { city, asn } = geoFilesIn(folder)
  const { lookup } = geoLookup({
    city: [city],
    asn: [asn],
    onProblem({ message }) {
      throw new Error(message)
    },
  })
  const another = (): Sessions =>
    createSessions({
      store,
      keyring,
      lookup,
      idleTimeout: DAY_MS,
      absoluteTimeout: DAY_MS,
    })
  return { sessions: another(), store, another }
}

function storeOf(grown: Grown): Store {
  if (grown.kind === 'LMDB') return lmdbStore({ path: pathOf(grown) })
  const client = new Redis({ host: '127.0.0.1', port: grown.redisPort })
  return redisStore({ client, timeout: PATIENCE_MS })
}

export function samplesOf(grown: Grown): readonly Sample[] {
  return JSON.parse(readFileSync(sampleFile(grown), 'utf8'))
}

/** Of an LMDB store. */
export function pathOf({ folder, size }: Grown): string {
  return join(folder, `lmdb-${size}`)
}

export function sampleFile({ folder, kind, size }: Grown): string {
  return join(folder, `tokens-${kind}-${size}.json`)
}
