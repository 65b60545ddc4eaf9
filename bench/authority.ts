import type { ChildProcess } from 'node:child_process'
import { startProcess, stopProcess, wordOf } from './contender.ts'
import type { AuthorityKind, AuthorityWord } from './http/authority.ts'
import type { Ask, LoadOrder, LoadWord } from './http/load.ts'
import { cpuOf, whyOf } from './over-http.ts'
import type { Part } from './part.ts'
import { print, progress } from './progress.ts'
import { median } from './rounds.ts'
import { figure, table, times } from './table.ts'

const KINDS: readonly AuthorityKind[] = ['bare', 'hot', 'strict']
const BATCH = 32
const ROUNDS = 5
const WARM_UP_ROUNDS = 4
const ROUND_MS = 1_000

interface Lane {
  readonly name: string
  readonly child: ChildProcess
  readonly port: number
  readonly asks: readonly Ask[]
  /** Verifications in a request. */
  readonly each: number
  readonly rounds: { readonly perSecond: number; readonly micros: number }[]
}

/**
 * Measures verifications a second over HTTP, one and 32 in a request, and compares them with a bare
 * server that reads and writes as many bytes as one takes.
 */
export const servicePart: Part = async ({ folder, startRedis }) => {
  const redis = await startRedis()
  if (redis === undefined) {
    print('\nThe service was not measured: no redis-server was found.')
    return { goals: goalsOf([]) }
  }
  const place = JSON.stringify({ folder, redisPort: redis.port })
  const children: ChildProcess[] = []
  try {
    const load = startProcess('./http/load.js')
    children.push(load)
    await wordOf<LoadWord>(load)
    const lanes: Lane[] = []
    for (const kind of KINDS) {
      progress(`starting the service: ${kind}`)
      const child = startProcess('./http/authority.js', [kind, place])
      children.push(child)
      const word = await wordOf<AuthorityWord>(child)
      if (word.kind !== 'ready') throw new Error(`${kind}: ${whyOf(word)}`)
      const { port, single, batches, gatePort, gates } = word
      lanes.push({ name: kind, child, port, asks: single, each: 1, rounds: [] })
      lanes.push({ name: `${kind}, gate`, child, port: gatePort, asks: gates, each: 1, rounds: [] })
      if (batches.length > 0)
        lanes.push({ name: `${kind}, batch`, child, port, asks: batches, each: BATCH, rounds: [] })
    }
    for (let turn = 1 - WARM_UP_ROUNDS; turn <= ROUNDS; turn++) {
      progress(turn <= 0 ? 'warming up' : `service, round ${turn} of ${ROUNDS}`)
      for (const lane of lanes) {
        const round = await roundOf(load, lane)
        if (turn > 0) lane.rounds.push(round)
      }
    }
    print('\nThe service on Redis, 50 connections. CPU of its process for one verification.\n')
    print(
      table(
        ['', 'verifications/s', 'over bare', 'CPU µs'],
        lanes.map((lane) => [
          NAMES[lane.name] ?? lane.name,
          medianOf(lane, 'perSecond').toFixed(0),
          times(overBare(lanes, lane.name)),
          figure(medianOf(lane, 'micros')),
        ]),
      ),
    )
    return { goals: goalsOf(lanes) }
  } finally {
    await Promise.all(children.map(stopProcess))
    await redis.stop()
  }
}

const NAMES: Readonly<Record<string, string>> = {
  bare: 'node:http alone',
  hot: 'POST /v1/verify, local copies',
  strict: 'POST /v1/verify',
  'hot, batch': `POST /v1/verify/batch, ${BATCH} at a time, local copies`,
  'bare, gate': 'node:http alone, as a gate',
  'hot, gate': 'forward-auth with an access token, local copies',
  'strict, gate': 'forward-auth with an access token',
  'strict, batch': `POST /v1/verify/batch, ${BATCH} at a time`,
}

async function roundOf(
  load: ChildProcess,
  { child, port, asks, each }: Lane,
): Promise<Lane['rounds'][number]> {
  const before = await cpuOf(child)
  const order: LoadOrder = { port, visitors: [], asks, ms: ROUND_MS }
  load.send(order)
  const word = await wordOf<LoadWord>(load)
  if (word.kind !== 'answered') throw new Error(whyOf(word))
  const micros = (await cpuOf(child)) - before
  const verifications = word.answers * each
  return { perSecond: (verifications / word.ms) * 1_000, micros: micros / verifications }
}

function medianOf({ rounds }: Lane, what: 'perSecond' | 'micros'): number {
  return median(rounds.map((round) => round[what]))
}

function overBare(lanes: readonly Lane[], name: string): number {
  const of = (wanted: string): number => {
    const lane = lanes.find((one) => one.name === wanted)
    return lane === undefined ? Number.NaN : medianOf(lane, 'perSecond')
  }
  return of(name) / of(name.endsWith(', gate') ? 'bare, gate' : 'bare')
}

function goalsOf(lanes: readonly Lane[]) {
  const goal = (name: string, what: string, least: number) => {
    const measured = overBare(lanes, name)
    return { code: 'S', what: `${what}, over bare node:http`, least, measured, unit: 'x' }
  }
  return [
    goal('hot', '/v1/verify from local copies', 1.15),
    goal('strict', '/v1/verify on Redis', 0.9),
    goal('strict, batch', `verifications in batches of ${BATCH}`, 3),
  ]
}
