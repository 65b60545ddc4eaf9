import { readFileSync } from 'node:fs'
import { whyOf } from './contender.ts'
import type { JudgedGoal, PromisedGoal } from './goals.ts'
import type { StoreKind } from './http/estate.ts'
import type { Place, ServerWord, Who } from './http/server.ts'
import { type Crowd, forgeryOf, SET_WORDS, type SetWord, WORKING } from './http/visitors.ts'
import {
  type Estate,
  type HttpRound,
  type Lane,
  medianOf,
  openEstate,
  overOther,
  sharedMachine,
  takeTurns,
  warm,
} from './lanes.ts'
import { among } from './only.ts'
import type { Bench, Part, Results } from './part.ts'
import { progress } from './progress.ts'
import { median, percentile } from './rounds.ts'
import { times } from './table.ts'

const ROUNDS = 5
const ROUND_MS = 800

/** An open loop: so many requests a second, for so long a round. */
const PACE = 300
const PACED_ROUND_MS = 2_000

type Framework = 'fastify' | 'express'

interface Row {
  readonly framework: Framework
  readonly who: Who
  readonly kind: StoreKind
}

const ROWS: readonly Row[] = [
  { framework: 'fastify', who: 'bare', kind: 'hot' },
  { framework: 'fastify', who: 'floor', kind: 'hot' },
  { framework: 'fastify', who: 'ours', kind: 'hot' },
  { framework: 'fastify', who: 'floor', kind: 'Redis' },
  { framework: 'fastify', who: 'ours', kind: 'Redis' },
  { framework: 'fastify', who: 'floor', kind: 'LMDB' },
  { framework: 'fastify', who: 'ours', kind: 'LMDB' },
  { framework: 'express', who: 'bare', kind: 'hot' },
  { framework: 'express', who: 'floor', kind: 'hot' },
  { framework: 'express', who: 'ours', kind: 'hot' },
]

const PEERS: readonly Peer[] = [
  {
    framework: 'fastify',
    program: 'http-secure-session',
    name: '@fastify/secure-session',
    onRedis: false,
  },
  { framework: 'fastify', program: 'http-jose', name: 'jose HS256', onRedis: false },
  {
    framework: 'express',
    program: 'http-express-session',
    name: 'express-session + connect-redis',
    onRedis: true,
  },
]

interface Peer {
  readonly framework: Framework
  readonly program: string
  readonly name: string
  readonly onRedis: boolean
}

const PACED_KINDS: readonly StoreKind[] = ['hot', 'Redis']

interface HttpLane extends Lane, Row {}

/**
 * Measures requests a second, CPU and latency behind `requireSession()`, beside the framework alone
 * and the floor behind it. Each server is a process of its own.
 */
export const httpPart: Part = async (bench: Bench) => {
  const { only } = bench
  const chosen = ROWS.filter((row) => isWanted(row, only))
  const stores = (['Redis', 'LMDB'] as const).filter((store) =>
    chosen.some(({ who, kind }) => who === 'ours' && (kind === 'LMDB') === (store === 'LMDB')),
  )
  const sets = SET_WORDS.filter((set) => among(only, SET_WORDS, set))
  const estate = await openEstate(bench, { stores, sets })
  const wanted = chosen.filter((row) => estate.redis !== undefined || !onRedis(row))
  const notes: string[] = []
  if (estate.redis === undefined) notes.push('not measured: Redis: no redis-server was found')
  try {
    const lanes: HttpLane[] = []
    for (const row of wanted) {
      progress(`starting ${nameOf(row)}`)
      lanes.push(...(await lanesOf(row, { estate, sets, notes })))
    }
    for (const peer of PEERS.filter(() => only.length === 0 || only.includes('peers')))
      lanes.push(...(await lanesOfPeer(peer, { estate, notes })))
    await warm(estate, lanes)
    const loops = LOOPS.filter((loop) => among(only, LOOPS, loop))
    const open = loops.includes('throughput') ? lanes : []
    await takeTurns(estate, open, { what: 'HTTP', rounds: ROUNDS, ms: ROUND_MS })

    const paced = loops.includes('latency') ? lanes.filter(isPaced).map(afresh) : []
    const pace = { what: `${PACE} requests a second`, rounds: ROUNDS, perSecond: PACE }
    await takeTurns(estate, paced, { ...pace, ms: PACED_ROUND_MS })
    return {
      tables: [...throughputTables(open, notes), ...latencyTables(paced)],
      goals: [
        ...throughputGoals(open, { notes, sets }),
        ...latencyGoals(paced, { notes, sets }),
        ...earlierGoals(open),
      ].filter(({ measured }) => only.length === 0 || !Number.isNaN(measured)),
    }
  } finally {
    await estate.stop()
  }
}

const LOOPS = ['throughput', 'latency'] as const

const FRAMEWORKS: readonly Framework[] = ['fastify', 'express']
const STORE_KINDS: readonly StoreKind[] = ['hot', 'Redis', 'LMDB']

function isWanted({ framework, who, kind }: Row, only: readonly string[]): boolean {
  return among(only, FRAMEWORKS, framework) && (who === 'bare' || among(only, STORE_KINDS, kind))
}

function onRedis({ who, kind }: Row): boolean {
  return kind !== 'LMDB' && (who === 'ours' || (who === 'floor' && kind === 'Redis'))
}

function isPaced({ framework, who, kind }: Row): boolean {
  if (framework !== 'fastify' || who === 'peer') return false
  return who === 'bare' || PACED_KINDS.includes(kind)
}

function afresh(lane: HttpLane): HttpLane {
  return { ...lane, rounds: [] }
}

/** The bare framework looks at nobody: it has one lane, whatever the working sets. */
async function lanesOf(
  row: Row,
  {
    estate,
    sets,
    notes,
  }: { readonly estate: Estate; readonly sets: readonly SetWord[]; readonly notes: string[] },
): Promise<readonly HttpLane[]> {
  const { framework, who, kind } = row
  const { ground, keyring, size } = estate
  const place: Place = { who, kind, ground, keyring, size }
  const { child, word } = await estate.start<ServerWord>(`./http/${framework}.js`, place)
  if (word.kind === 'absent') {
    notes.push(`not measured: ${nameOf(row)}: ${word.why}`)
    return []
  }
  if (word.kind !== 'ready') throw new Error(`${nameOf(row)}: ${whyOf(word)}`)
  const { port } = word
  const questions = word.crowd ?? estate.crowds[kind === 'LMDB' ? 'LMDB' : 'Redis']
  if (questions === undefined) throw new Error(`${nameOf(row)}: nobody is there to ask`)
  if (who !== 'bare') await refusesForgery(nameOf(row), { port, questions })
  const onCopies = who !== 'bare' && kind === 'hot'
  const servers = [child]
  const known = { ...row, servers, port, questions, each: 1, onRedis: onRedis(row), onCopies }
  return (who === 'bare' ? ([BARE_SET] as const) : sets).map((set) => ({
    ...known,
    name: who === 'bare' ? nameOf(row) : `${nameOf(row)}, ${WORKING[set].name}`,
    set,
    rounds: [],
  }))
}

/** Each is asked by one working set: what it remembers is of one request alone. */
async function lanesOfPeer(
  { framework, program, name, onRedis }: Peer,
  { estate, notes }: { readonly estate: Estate; readonly notes: string[] },
): Promise<readonly HttpLane[]> {
  progress(`starting ${framework}, ${name}`)
  const { ground, keyring, size, redis } = estate
  const row = { framework, who: 'peer', kind: 'Redis' } as const
  if (onRedis && redis === undefined) return []
  const place: Place = { ...row, ground, keyring, size }
  const started = await estate
    .start<ServerWord>(`./peers/${program}.js`, place)
    .catch((error: Error) => ({ why: error.message }))
  if ('why' in started) {
    notes.push(`not measured: ${name}, which has to be installed: ${started.why}`)
    return []
  }
  const { child, word } = started
  if (word.kind !== 'ready' || word.crowd === undefined) throw new Error(`${name}: ${whyOf(word)}`)
  const { port, crowd: questions } = word
  await refusesForgery(name, { port, questions })
  const asked = { servers: [child], port, questions, each: 1, rounds: [] }
  const lane = { ...asked, onRedis, onCopies: false }
  return [{ ...row, ...lane, name: `${framework}, ${name}`, set: PEER_SET }]
}

const PEER_SET: SetWord = 'random'

const BARE_SET: SetWord = 'random'

async function refusesForgery(
  name: string,
  { port, questions }: { readonly port: number; readonly questions: string },
): Promise<void> {
  const { headers, visitors }: Crowd = JSON.parse(readFileSync(questions, 'utf8'))
  const { cookie = '', ip = '' } = visitors[0] ?? {}
  const statusOf = async (presented: string): Promise<number> => {
    const from = { ...headers, 'x-forwarded-for': ip, cookie: presented }
    return (await fetch(`http://127.0.0.1:${port}/orders`, { headers: from })).status
  }
  const [good, bad] = [await statusOf(cookie), await statusOf(forgeryOf(cookie))]
  if (good !== 200 || bad !== 401)
    throw new Error(`${name} answered a token with ${good}, and a forged one with ${bad}.`)
}

function nameOf({ framework, who, kind }: Row): string {
  if (who === 'bare') return `${framework} alone`
  return `${framework}, ${who === 'floor' ? 'the floor' : 'ours'}, ${KEPT[kind]}`
}

const KEPT: Readonly<Record<StoreKind, string>> = {
  hot: 'local copies',
  Redis: 'Redis',
  LMDB: 'LMDB',
}

/** The lane of another contender under the same circumstances. */
function besides(lanes: readonly HttpLane[], lane: HttpLane, who: Who): HttpLane | undefined {
  const same = lanes.filter((one) => one.framework === lane.framework && one.who === who)
  if (who === 'bare') return same[0]
  return same.find(({ kind, set }) => kind === lane.kind && set === lane.set)
}

function throughputTables(
  lanes: readonly HttpLane[],
  notes: readonly string[],
): readonly Results[] {
  if (lanes.length === 0) return []
  return [
    {
      title:
        'Requests over HTTP, 50 connections: over the bare framework, and over the floor behind ' +
        'the same framework. CPU of the server for one request, that of Redis included. Each ' +
        'session has attributes and several contexts that geo data knows; no secret rotates.',
      head: [
        '',
        'requests/s',
        'over bare',
        'over the floor',
        'CPU µs',
        'over bare',
        'over the floor',
      ],
      rows: lanes.map((lane) => [
        lane.name,
        medianOf(lane, 'perSecond').toFixed(0),
        ...overOthers(lanes, lane, 'perSecond'),
        medianOf(lane, 'micros'),
        ...overOthers(lanes, lane, 'micros'),
      ]),
      notes: [...notes, sharedMachine()],
      readme: true,
    },
  ]
}

function overOthers(
  lanes: readonly HttpLane[],
  lane: HttpLane,
  what: 'perSecond' | 'micros',
): readonly [string, string] {
  if (lane.who === 'bare') return ['', '']
  const over = (who: Who): string => times(overOther(lane, besides(lanes, lane, who), what))
  return [over('bare'), lane.who === 'ours' ? over('floor') : '']
}

interface GoalScope {
  readonly notes: readonly string[]
  readonly sets: readonly SetWord[]
}

function throughputGoals(
  lanes: readonly HttpLane[],
  { notes, sets }: GoalScope,
): readonly JudgedGoal[] {
  return ROWS.filter((row) => row.who === 'ours').flatMap((row) =>
    sets.map((set) => {
      const lane = laneOf(lanes, row, set)
      return {
        code: 'H8',
        what: `requests/s of ${nameOf(row)}, ${WORKING[set].name}, over the floor's`,
        must: 0.85,
        moonshot: 0.95,
        measured: overOther(lane, lane && besides(lanes, lane, 'floor'), 'perSecond'),
        unit: 'x',
        ...whyNot(notes),
      }
    }),
  )
}

function laneOf(lanes: readonly HttpLane[], row: Row, set: SetWord): HttpLane | undefined {
  return lanes.find(
    (one) =>
      one.framework === row.framework &&
      one.who === row.who &&
      one.kind === row.kind &&
      one.set === set,
  )
}

function whyNot(notes: readonly string[]): { readonly why?: string } {
  return notes.length === 0 ? {} : { why: notes.join('; ') }
}

/** Of all rounds together: a round alone has too few answers for its slowest hundredth. */
function latencyTables(lanes: readonly HttpLane[]): readonly Results[] {
  if (lanes.length === 0) return []
  return [
    {
      title:
        `Latency at ${PACE} requests a second, µs from when a request was due (an open loop: no ` +
        'answer is waited for), and what is added to the bare framework.',
      head: ['', 'p50', 'added', 'p99', 'added', 'p50 added over the floor'],
      rows: lanes.map((lane) => {
        const bare = besides(lanes, lane, 'bare')
        const isBare = lane.who === 'bare'
        return [
          lane.name,
          (p50Of(lane) * 1_000).toFixed(0),
          isBare ? '' : (addedOf(lane, bare) * 1_000).toFixed(0),
          (p99Of(lane) * 1_000).toFixed(0),
          isBare ? '' : ((p99Of(lane) - (bare ? p99Of(bare) : Number.NaN)) * 1_000).toFixed(0),
          lane.who === 'ours' ? times(addedOverFloor(lanes, lane)) : '',
        ]
      }),
    },
  ]
}

function latencyGoals(
  lanes: readonly HttpLane[],
  { notes, sets }: GoalScope,
): readonly JudgedGoal[] {
  const rows = ROWS.filter((row) => row.who === 'ours' && isPaced(row))
  return rows.flatMap((row) =>
    sets.map((set) => {
      const lane = laneOf(lanes, row, set)
      return {
        code: 'H9',
        what:
          `p50 added at ${PACE} requests/s by ${nameOf(row)}, ${WORKING[set].name}, ` +
          "over the floor's",
        must: 1.6,
        moonshot: 1.2,
        measured: lane === undefined ? Number.NaN : addedOverFloor(lanes, lane),
        unit: 'x',
        ...whyNot(notes),
      }
    }),
  )
}

function p50Of({ rounds }: Lane): number {
  return median(rounds.map(({ latencies }) => percentile(latencies, 0.5)))
}

function p99Of({ rounds }: Lane): number {
  return percentile(rounds.flatMap(({ latencies }) => latencies).toSorted(ascending), 0.99)
}

function addedOf(lane: Lane, bare: Lane | undefined): number {
  const p50 = (round: HttpRound | undefined): number => percentile(round?.latencies ?? [], 0.5)
  return median(lane.rounds.map((round, at) => p50(round) - p50(bare?.rounds[at])))
}

function addedOverFloor(lanes: readonly HttpLane[], lane: HttpLane): number {
  const floor = besides(lanes, lane, 'floor')
  const bare = besides(lanes, lane, 'bare')
  return floor === undefined ? Number.NaN : addedOf(lane, bare) / addedOf(floor, bare)
}

function ascending(a: number, b: number): number {
  return a - b
}

const PROMISED = [
  { framework: 'fastify', who: 'ours', kind: 'hot', least: 1.2 },
  { framework: 'fastify', who: 'ours', kind: 'Redis', least: 0.95 },
  { framework: 'fastify', who: 'ours', kind: 'LMDB', least: 0.95 },
  { framework: 'express', who: 'ours', kind: 'hot', least: 0.93 },
] as const

function earlierGoals(lanes: readonly HttpLane[]): readonly PromisedGoal[] {
  return PROMISED.flatMap((row) => {
    const lane = laneOf(lanes, row, 'turn')
    if (lane === undefined) return []
    return {
      code: 'H',
      what: `requests/s of ${lane.name}, over bare`,
      least: row.least,
      measured: overOther(lane, besides(lanes, lane, 'bare'), 'perSecond'),
      unit: 'x',
    }
  })
}
