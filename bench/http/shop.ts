import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createSessions, newKeyring, type Sessions, type Store } from 'holdfast'
import { lmdbStore } from 'holdfast/lmdb'
import { redisStore } from 'holdfast/redis'
import { Redis } from 'ioredis'
import type { Place } from '../contender-process.ts'
import { REQUEST, userOf } from '../facts.ts'

/**
 * `bare` is the framework with an empty handler: nobody is looked at. `hot`: on Redis, with local
 * copies.
 */
export type Kind = 'bare' | 'hot' | 'LMDB' | 'Redis'

/** Who asks: a cookie of a session, and the user that the answer has to name. */
export interface Visitor {
  readonly token: string
  readonly user: string
}

export type ServerWord =
  | { readonly kind: 'ready'; readonly port: number; readonly visitors: readonly Visitor[] }
  | { readonly kind: 'cpu'; readonly micros: number }
  | { readonly kind: 'failed'; readonly why: string }

/** Whom a bare handler answers to, so that all answers are of one size. */
export const NOBODY = userOf(0)

const VISITORS = 200

/** Makes this process a server that tells its CPU at each message, and ends with the bench. */
export async function serve(
  listen: (sessions: Sessions | undefined) => Promise<number>,
): Promise<void> {
  process.on('disconnect', () => process.exit())
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    say({ kind: 'cpu', micros: user + system })
  })
  try {
    const [, , kind, place = '{}'] = process.argv
    const sessions = sessionsOn(kind as Kind, JSON.parse(place))
    const visitors: Visitor[] = []
    for (let turn = 0; turn < VISITORS; turn++) {
      visitors.push(
        sessions === undefined
          ? { token: randomBytes(60).toString('base64url'), user: NOBODY }
          : { token: await tokenOf(sessions, userOf(turn)), user: userOf(turn) },
      )
    }
    say({ kind: 'ready', port: await listen(sessions), visitors })
  } catch (error) {
    say({ kind: 'failed', why: error instanceof Error ? error.message : String(error) })
  }
}

function sessionsOn(kind: Kind, place: Place): Sessions | undefined {
  if (kind === 'bare') return undefined
  const store = storeOf(kind, place)
  return createSessions({ store, keyring: newKeyring(), localCopies: kind === 'hot' })
}

function storeOf(kind: Exclude<Kind, 'bare'>, { folder, redisPort }: Place): Store {
  switch (kind) {
    case 'LMDB':
      return lmdbStore({ path: join(folder, String(process.pid)) })
    case 'hot':
    case 'Redis':
      return redisStore({ client: new Redis({ host: '127.0.0.1', port: redisPort }) })
  }
}

/** Logged in from where the load comes from. */
async function tokenOf(sessions: Sessions, user: string): Promise<string> {
  const request = { ...REQUEST, ip: '127.0.0.1' }
  const created = await sessions.create({ subject: user, request, amr: ['pwd'], factors: ['otp'] })
  if (!created.ok) throw new Error(`A login was refused: ${created.code}`)
  return created.token
}

function say(word: ServerWord): void {
  process.send?.(word)
}
