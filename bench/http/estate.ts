import { join } from 'node:path'
import {
  createSessions,
  type Keyring,
  type Sessions,
  type SessionsOptions,
  type Store,
  systemHost,
} from 'holdfast'
import { lmdbStore } from 'holdfast/lmdb'
import { redisStore } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { REQUEST, requestFrom, userOf } from '../facts.ts'
import { login, lookupIn } from '../ours/estate.ts'
import { addressAt, geoFilesIn } from '../places.ts'
import { PATIENCE_MS } from '../redis-server.ts'
import { together } from '../together.ts'
import { type Crowd, HEADERS } from './visitors.ts'

/** `hot`: on Redis, with local copies. */
export type StoreKind = 'hot' | 'Redis' | 'LMDB'

/** Where an estate is kept. */
export interface Ground {
  readonly folder: string
  readonly redisPort: number
}

/** Sessions that are all of an age would rotate together: in the bench none does. */
export const ROTATE_EVERY_MS = 20 * 3_600_000

const TOLD_EVERY = 5_000

const MINUTE_MS = 60_000

/**
 * Where each session was used, and how long ago: three contexts of one town, then at home. Its
 * secret is due when others than the first context have used it, and settled at the last visit.
 */
const VISITS = [
  { place: 'home', minutesAgo: 90 },
  { place: 'office', minutesAgo: 60 },
  { place: 'mobile', minutesAgo: 30 },
  { place: 'home', minutesAgo: 5 },
  { place: 'home', minutesAgo: 0 },
] as const

/**
 * Fills a store through the engine: each session has addresses of its own, attributes, and contexts
 * that geo data knows. The engine's clock stands back for what happened before.
 */
export async function fillEstate(
  kind: Exclude<StoreKind, 'hot'>,
  {
    ground,
    keyring,
    size,
    tell,
  }: {
    readonly ground: Ground
    readonly keyring: Keyring
    readonly size: number
    tell(text: string): void
  },
): Promise<Crowd> {
  let backMs = 0
  const now = (): number => Date.now() - backMs
  const store = storeOf(kind, ground, now)
  const host = { ...systemHost(), now }
  const sessions = engineOn(store, { ground, keyring, host })

  const tokens: string[] = []
  for (const [at, { place, minutesAgo }] of VISITS.entries()) {
    backMs = minutesAgo * MINUTE_MS
    await together(size, async (turn) => {
      const ip = addressAt(turn, place)
      if (turn % TOLD_EVERY === 0) tell(`${kind}: visit ${at + 1} of ${VISITS.length}, ${turn}`)
      if (at === 0) tokens[turn] = await login(sessions, userOf(turn), { ip })
      else tokens[turn] = await passes(sessions, { turn, token: tokens[turn] ?? '', ip })
    })
  }
  await store.close()
  return crowdOf(tokens)
}

export function engineOn(
  store: Store,
  { ground, ...options }: Partial<SessionsOptions> & Pick<SessionsOptions, 'keyring'> & OnGround,
): Sessions {
  const lookup = lookupIn(geoFilesIn(ground.folder))
  return createSessions({ store, lookup, rotateEvery: ROTATE_EVERY_MS, ...options })
}

interface OnGround {
  readonly ground: Ground
}

export function storeOf(
  kind: StoreKind,
  { folder, redisPort }: Ground,
  now: () => number = Date.now,
): Store {
  if (kind === 'LMDB') return lmdbStore({ path: join(folder, 'estate'), now })
  const client = new Redis({ host: '127.0.0.1', port: redisPort })
  return redisStore({ client, subscriber: client.duplicate(), now, timeout: PATIENCE_MS })
}

/** The token to go on with: as a browser does, with the successor that an answer brings. */
async function passes(
  sessions: Sessions,
  { turn, token, ip }: { readonly turn: number; readonly token: string; readonly ip: string },
): Promise<string> {
  const answer = await sessions.verify({ token, request: requestFrom(ip), deliverable: true })
  if (!answer.ok) return fail(`${userOf(turn)} was refused at ${ip}: ${answer.code}`)
  return answer.token ?? token
}

function crowdOf(tokens: readonly string[]): Crowd {
  const { screen, timezone } = REQUEST.client ?? {}
  return {
    headers: HEADERS,
    visitors: tokens.map((token, turn) => ({
      cookie: `__Host-session=${token}; hf-client=s=${screen}&z=${timezone}`,
      ip: addressAt(turn, 'home'),
      user: userOf(turn),
    })),
  }
}

function fail(why: string): never {
  throw new Error(why)
}
