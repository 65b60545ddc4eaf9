import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseKeyring, type Sessions } from 'holdfast'
import { userOf } from '../facts.ts'
import { type FloorParts, importFloor, USUAL_HOST } from '../floor.ts'
import { addressAt, geoFilesIn } from '../places.ts'
import { inTurns } from '../rounds.ts'
import { engineOn, type Ground, type StoreKind, storeOf } from './estate.ts'
import { type Crowd, HEADERS, keepCrowd, NOBODY } from './visitors.ts'

/**
 * `bare` is the framework with an empty handler: nobody is looked at. `floor`: the least that does
 * every check.
 */
export type Who = 'bare' | 'floor' | 'ours' | 'peer'

/** What a server is to be. */
export interface Place {
  readonly who: Who
  readonly kind: StoreKind
  readonly ground: Ground
  /** File of the keys of the estate. */
  readonly keyring: string
  /** How many sessions there are. */
  readonly size: number
}

export type ServerWord =
  | { readonly kind: 'progress'; readonly text: string }
  | { readonly kind: 'filled'; readonly crowd: string }
  | {
      readonly kind: 'ready'
      readonly port: number
      /** Where its visitors are written down; undefined for those of the estate. */
      readonly crowd?: string
      /** Where gateways ask. */
      readonly gatePort?: number
    }
  | { readonly kind: 'cpu'; readonly micros: number }
  | { readonly kind: 'absent'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string }

/** Of whoever asks the service. */
export const API_KEY = 'a-key-of-the-bench'

/** Whom a server asks who somebody is. */
export type Door =
  | { readonly who: 'bare' }
  | { readonly who: 'floor'; readonly floor: FloorParts }
  | { readonly who: 'ours'; readonly sessions: Sessions }

/** The load comes from this machine, and says for whom, as a proxy does. */
export const BEHIND_PROXY = { address: { trust: { proxies: ['127.0.0.0/8'] } } } as const

/** Makes this process a server that tells its CPU at each message, and ends with the bench. */
export function serve(listen: (door: Door) => Promise<number>): Promise<void> {
  return child<Place>(async (place) => {
    const { who } = place
    if (who === 'peer') throw new Error('A peer has a program of its own.')
    const found = await doorOf({ ...place, who })
    if ('absent' in found) return say({ kind: 'absent', why: found.absent })
    const { door, crowd } = found
    const port = await listen(door)
    if (crowd === undefined) return say({ kind: 'ready', port })
    const file = keepCrowd(place.ground.folder, `crowd-of-${process.pid}`, crowd)
    say({ kind: 'ready', port, crowd: file })
  })
}

/** Makes this process a server of a peer, with sessions of its own. */
export function servePeer(
  listen: (place: Place) => Promise<{
    readonly port: number
    /** The cookie of a new session of a user. */
    login(user: string): Promise<string>
  }>,
): Promise<void> {
  return child<Place>(async (place) => {
    const { port, login } = await listen(place)
    const visitors = await inTurns(place.size, async (turn) => {
      const user = userOf(turn)
      return { cookie: await login(user), ip: addressAt(turn, 'home'), user }
    })
    const crowd = { headers: HEADERS, visitors }
    say({
      kind: 'ready',
      port,
      crowd: keepCrowd(place.ground.folder, `crowd-of-${process.pid}`, crowd),
    })
  })
}

/** Runs as a child of the bench: says why if it fails. */
export async function child<T>(run: (place: T) => Promise<void>): Promise<void> {
  process.on('disconnect', () => process.exit())
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    say({ kind: 'cpu', micros: user + system })
  })
  try {
    await run(JSON.parse(process.argv[2] ?? '{}'))
  } catch (error) {
    say({ kind: 'failed', why: error instanceof Error ? error.message : String(error) })
  }
}

/** With visitors of its own, except where those of the estate come. */
async function doorOf(
  place: Place & { readonly who: Door['who'] },
): Promise<{ readonly door: Door; readonly crowd?: Crowd } | Absent> {
  const { who, kind, ground, keyring, size } = place
  switch (who) {
    case 'bare':
      return { door: { who }, crowd: strangers(size) }
    case 'ours': {
      const ring = parseKeyring(readFileSync(keyring, 'utf8'))
      const options = { keyring: ring, localCopies: kind === 'hot' && { max: size } }
      return { door: { who, sessions: engineOn(storeOf(kind, ground), { ...options, ground }) } }
    }
    case 'floor': {
      const opened = await openFloor(place)
      if ('absent' in opened) return opened
      return { door: { who, floor: opened.floor }, crowd: opened.crowd }
    }
  }
}

interface Absent {
  readonly absent: string
}

const FLOOR_KINDS = { hot: 'hot-open+fast', Redis: 'redis+fast', LMDB: 'lmdb+fast' } as const

/** The floor with as many sessions as an estate, and the same geo data. */
async function openFloor({
  kind,
  size,
  ground: { folder, redisPort },
}: Place): Promise<{ readonly floor: FloorParts; readonly crowd: Crowd } | Absent> {
  const module = await importFloor()
  if ('absent' in module) return module
  const tmp = mkdtempSync(join(folder, 'floor-'))
  const place = { N: size, redisPort, tmp, mmdb: geoFilesIn(folder).city }
  const floor = await module.floorParts(place, FLOOR_KINDS[kind])
  // The browser that it expects, and as many headers as ours sends.
  const { 'user-agent': agent = '', 'accept-language': language = '' } = module.headersOf('', 1)
  const headers = { ...HEADERS, 'user-agent': agent, 'accept-language': language }
  const visitors = floor.cookies.map((cookie, turn) => ({
    cookie,
    ip: (module.headersOf(cookie, turn)['x-forwarded-for'] ?? '').replace(
      /\d+$/,
      String(USUAL_HOST),
    ),
    user: module.userOf(turn),
  }))
  return { floor, crowd: { headers, visitors } }
}

/** A cookie as long as ours, that nobody looks at. */
function strangers(length: number): Crowd {
  const cookie = `__Host-session=${randomBytes(156).toString('base64url')}`
  const visitors = Array.from({ length }, (_, turn) => ({
    cookie,
    ip: addressAt(turn, 'home'),
    user: NOBODY,
  }))
  return { headers: HEADERS, visitors }
}

export function say(word: ServerWord): void {
  process.send?.(word)
}
