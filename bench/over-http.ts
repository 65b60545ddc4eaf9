import type { ChildProcess } from 'node:child_process'
import { startProcess, stopProcess, wordOf } from './contender.ts'
import type { Goal } from './goals.ts'
import type { LoadOrder, LoadWord } from './http/load.ts'
import type { Kind, ServerWord, Visitor } from './http/shop.ts'
import type { Bench, Part } from './part.ts'
import { print, progress } from './progress.ts'
import type { RedisReading, RedisServer } from './redis-server.ts'
import { median, warmUp } from './rounds.ts'
import { figure, table, times } from './table.ts'

const FRAMEWORKS = ['fastify', 'express'] as const
const KINDS: readonly Kind[] = ['bare', 'hot', 'LMDB', 'Redis']
const ON_REDIS: readonly Kind[] = ['hot', 'Redis']
const ROUNDS = 5
const ROUND_MS = 1_000
const WARM_UP_MS = 8_000

interface Server {
  readonly framework: (typeof FRAMEWORKS)[number]
  readonly kind: Kind
  readonly child: ChildProcess
  readonly port: number
  readonly visitors: readonly Visitor[]
  readonly rounds: HttpRound[]
}

interface HttpRound {
  readonly answers: number
  readonly perSecond: number
  readonly micros: number
}

/**
 * Measures requests a second behind `requireSession()`, divided by those of the framework alone.
 * Each server is a process of its own.
 */
export const httpPart: Part = async ({ folder, startRedis }: Bench) => {
  const redis = await startRedis()
  const kinds = redis === undefined ? KINDS.filter((kind) => !ON_REDIS.includes(kind)) : KINDS
  const place = JSON.stringify({ folder, redisPort: redis?.port ?? 0 })
  const children: ChildProcess[] = []
  try {
    progress('starting servers')
    const load = startProcess('./http/load.js')
    children.push(load)
    await wordOf<LoadWord>(load)
    const servers: Server[] = []
    for (const framework of FRAMEWORKS) {
      for (const kind of kinds) {
        const child = startProcess(`./http/${framework}.js`, [kind, place])
        children.push(child)
        const word = await wordOf<ServerWord>(child)
        if (word.kind !== 'ready') throw new Error(`${framework}, ${kind}: ${whyOf(word)}`)
        const { port, visitors } = word
        if (kind !== 'bare') await refusesForgery(framework, word)
        servers.push({ framework, kind, child, port, visitors, rounds: [] })
      }
    }
    progress('warming up')
    for (const server of servers) {
      const some = async (): Promise<number> =>
        (await roundOf(server, { load, redis, ms: ROUND_MS })).answers
      await warmUp(some, { mostMs: WARM_UP_MS })
    }
    for (let turn = 1; turn <= ROUNDS; turn++) {
      progress(`HTTP, round ${turn} of ${ROUNDS}`)
      for (const server of servers) {
        server.rounds.push(await roundOf(server, { load, redis, ms: ROUND_MS }))
      }
    }
    print(
      '\nOver HTTP, 50 connections, 200 sessions. CPU of the server for one request, that of ' +
        'Redis included.\n',
    )
    print(httpTable(servers))
    if (redis === undefined) print('  not measured: Redis: no redis-server was found')
    return { goals: goalsOf(servers) }
  } finally {
    await Promise.all(children.map(stopProcess))
    await redis?.stop()
  }
}

async function refusesForgery(
  framework: string,
  { port, visitors: [visitor] }: Pick<Server, 'port' | 'visitors'>,
): Promise<void> {
  const { token = '' } = visitor ?? {}
  const forged = `${token.slice(0, -1)}${token.endsWith('A') ? 'Q' : 'A'}`
  const headers = { cookie: `__Host-session=${forged}` }
  const { status } = await fetch(`http://127.0.0.1:${port}/orders`, { headers })
  if (status !== 401) throw new Error(`${framework} answered a forged token with ${status}.`)
}

async function roundOf(
  { framework, kind, child, port, visitors }: Server,
  { load, redis, ms }: { load: ChildProcess; redis: RedisServer | undefined; ms: number },
): Promise<HttpRound> {
  const outside = async (): Promise<RedisReading | undefined> =>
    ON_REDIS.includes(kind) ? redis?.read() : undefined
  const redisBefore = await outside()
  const before = await cpuOf(child)
  const order: LoadOrder = { port, visitors, ms }
  load.send(order)
  const word = await wordOf<LoadWord>(load)
  if (word.kind !== 'answered') throw new Error(`${framework}, ${kind}: ${whyOf(word)}`)
  const own = (await cpuOf(child)) - before
  const redisAfter = await outside()
  const micros = own + (redisAfter?.cpuMicros ?? 0) - (redisBefore?.cpuMicros ?? 0)
  const { answers } = word
  return { answers, perSecond: (answers / word.ms) * 1_000, micros: micros / answers }
}

export async function cpuOf(child: ChildProcess): Promise<number> {
  child.send('cpu')
  const word = await wordOf<ServerWord>(child)
  if (word.kind !== 'cpu') throw new Error(whyOf(word))
  return word.micros
}

function httpTable(servers: readonly Server[]): string {
  return table(
    ['', 'requests/s', 'over bare', 'CPU µs', 'over bare'],
    servers.map(({ framework, kind }) => [
      kind === 'bare' ? `${framework} alone` : `${framework}, verified ${VERIFIED_WITH[kind]}`,
      medianOf(servers, { framework, kind }, 'perSecond').toFixed(0),
      kind === 'bare' ? '' : times(overBare(servers, { framework, kind }, 'perSecond')),
      figure(medianOf(servers, { framework, kind }, 'micros')),
      kind === 'bare' ? '' : times(overBare(servers, { framework, kind }, 'micros')),
    ]),
  )
}

const PROMISED = [
  { framework: 'fastify', kind: 'hot', least: 1.2 },
  { framework: 'fastify', kind: 'Redis', least: 0.95 },
  { framework: 'fastify', kind: 'LMDB', least: 0.95 },
  { framework: 'express', kind: 'hot', least: 0.93 },
] as const

function goalsOf(servers: readonly Server[]): readonly Goal[] {
  return PROMISED.map(({ framework, kind, least }) => ({
    code: 'H',
    what: `requests a second of ${framework} with ours, ${VERIFIED_WITH[kind]}, over bare`,
    least,
    measured: overBare(servers, { framework, kind }, 'perSecond'),
    unit: 'x',
  }))
}

const VERIFIED_WITH = {
  hot: 'local copies of Redis',
  LMDB: 'on LMDB',
  Redis: 'on Redis',
} as const

type Which = Pick<Server, 'framework' | 'kind'>
type What = 'perSecond' | 'micros'

function overBare(servers: readonly Server[], which: Which, what: What): number {
  return medianOf(servers, which, what) / medianOf(servers, { ...which, kind: 'bare' }, what)
}

function medianOf(servers: readonly Server[], { framework, kind }: Which, what: What): number {
  const server = servers.find((one) => one.framework === framework && one.kind === kind)
  return median((server?.rounds ?? []).map((round) => round[what]))
}

export function whyOf(word: ServerWord | LoadWord): string {
  return word.kind === 'failed' ? word.why : `"${word.kind}" was not expected`
}
