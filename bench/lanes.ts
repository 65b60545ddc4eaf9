import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newKeyring } from 'holdfast'
import { formatKeyring } from 'holdfast/maintenance'
import { startProcess, stopProcess, wordOf } from './contender.ts'
import type { Ground } from './http/estate.ts'
import type { LoadOrder, LoadWord } from './http/load.ts'
import type { Place, ServerWord } from './http/server.ts'
import { type SetWord, WORKING } from './http/visitors.ts'
import { writeGeoFiles } from './places.ts'
import { progress } from './progress.ts'
import type { RedisServer } from './redis-server.ts'
import { median, warmUp } from './rounds.ts'

/** One row: a server that is asked by one working set of its visitors. */
export interface Lane {
  readonly name: string
  readonly server: Started
  readonly port: number
  /** File of what is asked. */
  readonly questions: string
  readonly set: SetWord
  /** Verifications in one request. */
  readonly each: number
  /** Redis works for it, so its CPU counts, too. */
  readonly onRedis: boolean
  readonly rounds: HttpRound[]
}

export interface HttpRound {
  readonly perSecond: number
  /** CPU of the server for one verification, that of Redis included. */
  readonly micros: number
  /** ms, sorted; of an open loop alone. */
  readonly latencies: readonly number[]
}

export interface Started {
  readonly child: ChildProcess
}

/** The processes of a part: servers, and the one that asks them. */
export interface Estate {
  readonly redis: RedisServer | undefined
  readonly ground: Ground
  readonly keyring: string
  /** How many sessions there are. */
  readonly size: number
  /** Files of the visitors of ours, by store. */
  readonly crowds: { readonly Redis?: string; readonly LMDB?: string }
  start<T = ServerWord>(program: string, place: object): Promise<{ child: ChildProcess; word: T }>
  round(lane: Lane, order: { readonly ms: number; readonly perSecond?: number }): Promise<HttpRound>
  stop(): Promise<void>
}

const SETTLE_MS = 200
const WARM_UP_ROUND_MS = 500
const WARM_UP_MS = 6_000

/** Fills the stores that are asked for, at the same time, and starts the process that asks. */
export async function openEstate(
  { folder, redis }: { readonly folder: string; readonly redis: RedisServer | undefined },
  {
    stores,
    sets,
  }: {
    readonly stores: readonly ('Redis' | 'LMDB')[]
    readonly sets: readonly SetWord[]
  },
): Promise<Estate> {
  const children: ChildProcess[] = []
  const size = Math.max(...sets.map((set) => WORKING[set].sessions))
  const ground = { folder, redisPort: redis?.port ?? 0 }
  const keyring = join(folder, 'keyring.json')
  writeFileSync(keyring, formatKeyring(newKeyring()), { mode: 0o600 })

  await writeGeoFiles(folder)

  async function start<T>(program: string, place: object) {
    const child = startProcess(program, [JSON.stringify(place)])
    children.push(child)
    return { child, word: await wordOf<T>(child) }
  }

  const stop = async (): Promise<void> => {
    await Promise.all(children.map(stopProcess))
    await redis?.stop()
  }

  async function filled(kind: 'Redis' | 'LMDB'): Promise<readonly [string, string]> {
    const place: Place = { who: 'ours', kind, ground, keyring, size }
    const { child, word } = await start<ServerWord>('./http/fill.js', place)
    await stopProcess(child)
    if (word.kind !== 'filled') throw new Error(`filling ${kind}: ${whyOf(word)}`)
    return [kind, word.crowd]
  }

  try {
    progress(`filling ${stores.join(' and ')} with ${size} sessions`)
    const crowds = Object.fromEntries(await Promise.all(stores.map(filled)))
    const { child: load } = await start<LoadWord>('./http/load.js', {})
    return {
      redis,
      ground,
      keyring,
      size,
      crowds,
      start,
      stop,
      async round(lane, order) {
        await measured(load, lane, { ms: SETTLE_MS })
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

/** Measures all lanes by turns. */
export async function takeTurns(
  estate: Estate,
  lanes: readonly Lane[],
  { what, rounds, ...order }: TurnsOptions,
): Promise<void> {
  for (let turn = 1; turn <= rounds; turn++) {
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
      return (perSecond * (WARM_UP_ROUND_MS + SETTLE_MS)) / 1_000
    }
    await warmUp(some, { mostMs: WARM_UP_MS })
  }
}

async function measured(
  load: ChildProcess,
  { name, port, questions, set }: Lane,
  order: { readonly ms: number; readonly perSecond?: number },
): Promise<Extract<LoadWord, { readonly kind: 'answered' }>> {
  const full: LoadOrder = { port, questions, set, ...order }
  load.send(full)
  const word = await wordOf<LoadWord>(load)
  if (word.kind !== 'answered') throw new Error(`${name}: ${word.why}`)
  return word
}

async function cpuOf(
  { name, server: { child }, onRedis }: Lane,
  redis: RedisServer | undefined,
): Promise<number> {
  child.send('cpu')
  const word = await wordOf<ServerWord>(child)
  if (word.kind !== 'cpu') throw new Error(`${name}: ${whyOf(word)}`)
  const reading = onRedis ? await redis?.read() : undefined
  return word.micros + (reading?.cpuMicros ?? 0)
}

export function whyOf(word: { readonly kind: string; readonly why?: string }): string {
  return word.why ?? `"${word.kind}" was not expected`
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
