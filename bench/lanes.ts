import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { newKeyring } from 'holdfast'
import { formatKeyring } from 'holdfast/maintenance'
import { NEVER_IDLE, startProcess, stopProcess, whyOf, wordOf } from './contender.ts'
import type { Ground } from './http/estate.ts'
import type { LoadOrder, LoadWord } from './http/load.ts'
import type { Place, ServerWord } from './http/server.ts'
import { type SetWord, WORKING } from './http/visitors.ts'
import type { Bench } from './part.ts'
import { writeGeoFiles } from './places.ts'
import { progress } from './progress.ts'
import type { RedisServer } from './redis-server.ts'
import { median, WARM_UP_RUNS, warmUp } from './rounds.ts'
import { figure } from './table.ts'

/** One row: a server that is asked by one working set of its visitors. */
export interface Lane {
  readonly name: string
  /** Those whose CPU counts: the server, and others that it asks. */
  readonly servers: readonly ChildProcess[]
  readonly port: number
  /** File of what is asked. */
  readonly questions: string
  readonly set: SetWord
  /** Verifications in one request. */
  readonly each: number
  /** Redis works for it, so its CPU counts, too. */
  readonly onRedis: boolean
  /** It serves from local copies, which have a lease. */
  readonly onCopies: boolean
  readonly rounds: HttpRound[]
}

export interface HttpRound {
  readonly perSecond: number
  /** CPU of the server for one verification, that of Redis included. */
  readonly micros: number
  /** ms, sorted; of an open loop alone. */
  readonly latencies: readonly number[]
}

/** The processes of a part: servers, and the one that asks them. */
export interface Estate {
  readonly redis: RedisServer | undefined
  readonly ground: Ground
  readonly keyring: string
  readonly size: number
  /** Files of the visitors of ours, by store. */
  readonly crowds: { readonly Redis?: string; readonly LMDB?: string }
  start<T = ServerWord>(program: string, place: object): Promise<{ child: ChildProcess; word: T }>
  round(lane: Lane, order: { readonly ms: number; readonly perSecond?: number }): Promise<HttpRound>
  stop(): Promise<void>
}

const SETTLE_MS = 200

/**
 * Longer than the lease of a local copy. Who stood by while others were measured has none that is
 * valid: a short round would measure how all of them are renewed. At the pace of the round, because
 * a faster one would renew more of them than there are in service.
 */
const COPIES_SETTLE_MS = 6_000

const WARM_UP_ROUND_MS = 500
const WARM_UP_MS = 20_000
const WARM_UP_LAPS = 3

/** Stores with sessions in them, which parts have in common: filling them takes a while. */
interface Filled {
  readonly redis: RedisServer | undefined
  readonly ground: Ground
  readonly keyring: string
  readonly size: number
  readonly crowds: { Redis?: string; LMDB?: string }
}

type StoreName = 'Redis' | 'LMDB'

let kept: Filled | undefined

/** Fills the stores that are asked for, at the same time, and starts the process that asks. */
export async function openEstate(
  bench: Bench,
  { stores, sets }: { readonly stores: readonly StoreName[]; readonly sets: readonly SetWord[] },
): Promise<Estate> {
  const children: ChildProcess[] = []
  const size = Math.max(...sets.map((set) => WORKING[set].sessions))

  async function start<T>(program: string, place: object) {
    const child = startProcess(program, [JSON.stringify(place)], NEVER_IDLE)
    children.push(child)
    return { child, word: await wordOf<T>(child) }
  }

  const stop = async (): Promise<void> => {
    await Promise.all(children.map(stopProcess))
  }

  try {
    kept ??= await emptyStores(bench, size)
    const filled = kept
    const missing = stores.filter(
      (store) => filled.crowds[store] === undefined && (store === 'LMDB' || filled.redis),
    )
    if (missing.length > 0) progress(`filling ${missing.join(' and ')} with ${size} sessions`)
    await Promise.all(
      missing.map(async (store) => {
        filled.crowds[store] = await crowdIn(store, filled, start)
      }),
    )
    const { child: load } = await start<LoadWord>('./http/load.js', {})
    const { redis } = filled
    return {
      ...filled,
      start,
      stop,
      async round(lane, order) {
        await measured(load, lane, { ...order, ms: settleMs(lane) })
        const before = await cpuOf(lane, redis)
        const word = await measured(load, lane, order)
        const micros = (await cpuOf(lane, redis)) - before
        const count = word.answers * lane.each
        return {
          perSecond: (count / word.ms) * 1_000,
          micros: micros / count,
          latencies: word.latencies.toSorted((a, b) => a - b),
        }
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function settleMs({ onCopies }: Lane): number {
  return onCopies ? COPIES_SETTLE_MS : SETTLE_MS
}

async function emptyStores({ folder, startRedis }: Bench, size: number): Promise<Filled> {
  const redis = await startRedis()
  const keyring = join(folder, 'keyring.json')
  writeFileSync(keyring, formatKeyring(newKeyring()), { mode: 0o600 })
  await writeGeoFiles(folder)
  return { redis, ground: { folder, redisPort: redis?.port ?? 0 }, keyring, size, crowds: {} }
}

/** The file of the visitors of a store that a process of its own fills. */
async function crowdIn(
  kind: StoreName,
  { ground, keyring, size }: Filled,
  start: Estate['start'],
): Promise<string> {
  const place: Place = { who: 'ours', kind, ground, keyring, size }
  const { child, word: first } = await start<ServerWord>('./http/fill.js', place)
  let word = first
  for (; word.kind === 'progress'; word = await wordOf<ServerWord>(child)) progress(word.text)
  await stopProcess(child)
  if (word.kind !== 'filled') throw new Error(`filling ${kind}: ${whyOf(word)}`)
  return word.crowd
}

/** What requests a second depend on, and CPU does not. */
export function sharedMachine(): string {
  const load = loadavg()[0] ?? Number.NaN
  return (
    `All processes share the cores of this machine, at a load of ${figure(load)}: requests a ` +
    'second compare within this table alone.'
  )
}

/** Measures all lanes by turns. */
export async function takeTurns(
  estate: Estate,
  lanes: readonly Lane[],
  { what, rounds, ...order }: TurnsOptions,
): Promise<void> {
  for (let turn = 1; turn <= rounds && lanes.length > 0; turn++) {
    progress(`${what}, round ${turn} of ${rounds}`)
    for (const lane of lanes) lane.rounds.push(await estate.round(lane, order))
  }
}

interface TurnsOptions {
  readonly what: string
  readonly rounds: number
  readonly ms: number
  readonly perSecond?: number
}

export async function warm(estate: Estate, lanes: readonly Lane[]): Promise<void> {
  for (const lane of lanes) {
    progress(`warming up: ${lane.name}`)
    const some = async (): Promise<number> => {
      const { perSecond } = await estate.round(lane, { ms: WARM_UP_ROUND_MS })
      return (perSecond * (WARM_UP_ROUND_MS + settleMs(lane))) / 1_000
    }
    // Nearly every session came by then, and most of them again, as in a server that runs for long.
    const least = Math.max(WARM_UP_RUNS, WARM_UP_LAPS * WORKING[lane.set].sessions)
    await warmUp(some, { mostMs: WARM_UP_MS, least })
  }
}

async function measured(
  load: ChildProcess,
  { name, servers, port, questions, set }: Lane,
  order: { readonly ms: number; readonly perSecond?: number },
): Promise<Extract<LoadWord, { readonly kind: 'answered' }>> {
  const full: LoadOrder = { port, questions, set, ...order }
  load.send(full)
  const word = await wordOf<LoadWord>(load)
  if (word.kind !== 'answered') throw new Error(`${name}: ${word.why}; ${await fateOf(servers)}`)
  return word
}

/** A server that ends resets its connections, and the one who asks hears of it first. */
async function fateOf(servers: readonly ChildProcess[]): Promise<string> {
  await wait(SETTLE_MS)
  const ended = servers.find(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)
  if (ended === undefined) return 'its server runs'
  return `its server ended with ${ended.signalCode ?? ended.exitCode}`
}

async function cpuOf(
  { name, servers, onRedis }: Lane,
  redis: RedisServer | undefined,
): Promise<number> {
  let micros = onRedis ? ((await redis?.read())?.cpuMicros ?? 0) : 0
  for (const server of servers) {
    server.send('cpu')
    const word = await wordOf<ServerWord>(server)
    if (word.kind !== 'cpu') throw new Error(`${name}: ${whyOf(word)}`)
    micros += word.micros
  }
  return micros
}

/** The median over all rounds of one figure of a lane. */
export function medianOf(lane: Lane | undefined, what: 'perSecond' | 'micros'): number {
  return median((lane?.rounds ?? []).map((round) => round[what]))
}

/** The median of the ratios round by round, as a slow minute affects both alike. */
export function overOther(
  lane: Lane | undefined,
  other: Lane | undefined,
  what: 'perSecond' | 'micros',
): number {
  if (lane === undefined || other === undefined) return Number.NaN
  return median(
    lane.rounds.map((round, at) => round[what] / (other.rounds[at]?.[what] ?? Number.NaN)),
  )
}
