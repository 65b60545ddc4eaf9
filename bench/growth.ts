import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { newKeyring } from 'holdfast'
import { formatKeyring } from 'holdfast/maintenance'
import { startProcess, stopProcess, wordOf } from './contender.ts'
import { requestFrom } from './facts.ts'
import type { JudgedGoal } from './goals.ts'
import { type Grown, pathOf, samplesOf } from './growth/estate.ts'
import type { GrowthOrder, GrowthWord } from './growth/words.ts'
import { among } from './only.ts'
import type { Bench, Part, Results } from './part.ts'
import { geoFilesIn, writeGeoFiles } from './places.ts'
import { progress } from './progress.ts'
import { freePort, type RedisServer } from './redis-server.ts'
import { median } from './rounds.ts'

const KINDS = ['LMDB', 'Redis'] as const

const SMALL = 1_000
const MIDDLE = 100_000
const LARGE = 1_000_000

const STARTS = 3
const ROUNDS = 7
const ORDERS: readonly GrowthOrder[] = ['verify', 'list', 'revoke']

/** One store, as large as it is to be. */
interface Stage {
  readonly grown: Grown
  readonly redis: RedisServer | undefined
  readonly filledMs: number
  readonly bytes: number
  /** Of a new process until it has verified a session. */
  readonly starts: readonly Start[]
  readonly services: readonly ServiceStart[]
  readonly rounds: Readonly<Record<GrowthOrder, number[]>>
  resident?: Resident
}

interface Start {
  readonly ms: number
  readonly cpuMs: number
}

interface ServiceStart {
  /** ms until a session is verified. */
  readonly servesMs: number
  /** ms until `/readyz` says so. */
  readonly readyMs: number
  readonly cpuMs: number
  readonly resident: Resident
}

interface Resident {
  readonly bytes: number
  /** Of it pages of a file, which the system takes back when it needs them. */
  readonly mapped: number
}

/**
 * Measures what grows with the number of sessions, on LMDB and on Redis: a store is filled by
 * logging in, and each session is opened when it is verified. By its name alone the part goes on to
 * a million.
 */
export const growthPart: Part = async (bench: Bench) => {
  const { folder, byName, only } = bench
  const sizes = byName && !only.includes('100k') ? [SMALL, MIDDLE, LARGE] : [SMALL, MIDDLE]
  writeFileSync(join(folder, 'keyring.json'), formatKeyring(newKeyring()), { mode: 0o600 })
  await writeGeoFiles(folder)
  const stages: Stage[] = []
  const children: ChildProcess[] = []
  const notes: string[] = []
  try {
    for (const kind of KINDS.filter((one) => among(only, KINDS, one))) {
      for (const size of sizes) {
        const redis = kind === 'Redis' ? await bench.startRedis() : undefined
        if (kind === 'Redis' && redis === undefined) {
          notes.push('not measured: Redis: no redis-server was found')
          break
        }
        const grown: Grown = { kind, size, folder, redisPort: redis?.port ?? 0 }
        stages.push(await stageOf(grown, redis))
      }
    }
    await takeTurns(stages, children)
    const swept = await sweepOf(stages)
    return {
      tables: [growthTable(stages, notes), serviceTable(stages), ...sweepTables(swept)],
      goals: [...growthGoals(stages), ...serviceGoals(stages), ...sweepGoals(swept)],
    }
  } finally {
    await Promise.all(children.map(stopProcess))
    await Promise.all(stages.map(({ redis }) => redis?.stop()))
  }
}

/** Filled, and started on at once: the feed is full of what happened lately. */
async function stageOf(grown: Grown, redis: RedisServer | undefined): Promise<Stage> {
  const name = nameOf(grown)
  progress(`filling ${name}`)
  const before = (await redis?.read())?.usedBytes ?? 0
  const child = startProcess('./growth/fill.js', [JSON.stringify(grown)])
  const word = await lastWordOf(child, name)
  await stopProcess(child)
  if (word.kind !== 'filled') throw new Error(whyOf(name, word))
  const filledMs = word.ms

  progress(`starting on ${name}`)
  const starts: Start[] = []
  const services: ServiceStart[] = []
  for (let turn = 0; turn < STARTS; turn++) {
    services.push(await serviceStart(grown))
    starts.push(await engineStart(grown))
  }
  const after = (await redis?.read())?.usedBytes ?? 0
  const bytes =
    redis === undefined ? statSync(join(pathOf(grown), 'data.mdb')).size : after - before
  const rounds = { verify: [], list: [], revoke: [] }
  return { grown, redis, filledMs, bytes, starts, services, rounds }
}

async function engineStart(grown: Grown): Promise<Start> {
  const started = performance.now()
  const child = startProcess('./growth/start.js', [JSON.stringify(grown)])
  const word = await wordOf<GrowthWord>(child)
  const ms = performance.now() - started
  await stopProcess(child)
  if (word.kind !== 'ready') throw new Error(whyOf(nameOf(grown), word))
  return { ms, cpuMs: word.micros / 1_000 }
}

const API_KEY = 'a-key-of-the-bench'
const ASK_EVERY_MS = 5
const START_PATIENCE_MS = 120_000

/** `holdfast serve`, as an operator starts it. */
async function serviceStart(grown: Grown): Promise<ServiceStart> {
  const { kind, folder, redisPort } = grown
  const [port, management] = [await freePort(), await freePort()]
  const program = fileURLToPath(new URL('../../packages/service/bin/holdfast.mjs', import.meta.url))
  const { city, asn } = geoFilesIn(folder)
  const started = performance.now()
  const child = spawn(process.execPath, [program, 'serve'], {
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      HOLDFAST_API_KEYS: `bench:app:${API_KEY}`,
      HOLDFAST_LISTEN: `127.0.0.1:${port}`,
      HOLDFAST_MANAGEMENT_LISTEN: `127.0.0.1:${management}`,
      HOLDFAST_GATE_LISTEN: 'off',
      HOLDFAST_STORE: kind === 'LMDB' ? `lmdb:${pathOf(grown)}` : `redis://127.0.0.1:${redisPort}`,
      HOLDFAST_STORE_TIMEOUT: '20s',
      HOLDFAST_KEYRING: join(folder, 'keyring.json'),
      HOLDFAST_GEO_CITY: city,
      HOLDFAST_GEO_ASN: asn,
      HOLDFAST_DRAIN: '0s',
    },
  })
  try {
    const [{ token, ip } = { token: '', ip: '' }] = samplesOf(grown)
    const body = JSON.stringify({ token, request: requestFrom(ip) })
    const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' }
    const asked = { method: 'POST', headers, body }
    const until = async (answers: () => Promise<boolean>): Promise<number> => {
      for (;;) {
        if (await answers().catch(() => false)) return performance.now() - started
        if (child.exitCode !== null || performance.now() - started > START_PATIENCE_MS)
          throw new Error(`The service on ${nameOf(grown)} did not start.`)
        await wait(ASK_EVERY_MS)
      }
    }
    const [servesMs, readyMs] = await Promise.all([
      until(async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/v1/verify`, asked)
        return (await answer.text()).includes('"ok":true')
      }),
      until(async () => (await fetch(`http://127.0.0.1:${management}/readyz`)).status === 200),
    ])
    return { servesMs, readyMs, cpuMs: cpuMsOf(child), resident: residentOf(child) }
  } finally {
    const gone = once(child, 'exit')
    if (child.exitCode === null) {
      child.kill('SIGKILL')
      await gone
    }
  }
}

/** Of Linux; elsewhere not known. */
function residentOf({ pid }: ChildProcess): Resident {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const kilobytes = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) * 1_024
    return { bytes: kilobytes('VmRSS'), mapped: kilobytes('RssFile') }
  } catch {
    return { bytes: Number.NaN, mapped: Number.NaN }
  }
}

/** Hundredths of a second, of Linux; elsewhere not known. */
function cpuMsOf({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return Number.NaN
  }
}

/** All sizes by turns, each by a process of its own. */
async function takeTurns(stages: readonly Stage[], children: ChildProcess[]): Promise<void> {
  const used: { readonly stage: Stage; readonly child: ChildProcess }[] = []
  for (const stage of stages) {
    const child = startProcess('./growth/use.js', [JSON.stringify(stage.grown)])
    children.push(child)
    const word = await wordOf<GrowthWord>(child)
    if (word.kind !== 'ready') throw new Error(whyOf(nameOf(stage.grown), word))
    used.push({ stage, child })
  }
  // The first rounds warm up.
  for (let turn = 1 - WARM_UP_ROUNDS; turn <= ROUNDS; turn++) {
    progress(turn <= 0 ? 'warming up' : `growth, round ${turn} of ${ROUNDS}`)
    for (const { stage, child } of used) {
      for (const order of ORDERS) {
        const micros = await microsOf(stage, child, order)
        if (turn > 0) stage.rounds[order].push(micros)
      }
    }
  }
  for (const { stage, child } of used) stage.resident = residentOf(child)
}

const WARM_UP_ROUNDS = 5

async function microsOf(
  { grown, redis }: Stage,
  child: ChildProcess,
  order: GrowthOrder,
): Promise<number> {
  const before = (await redis?.read())?.cpuMicros ?? 0
  child.send(order)
  const word = await wordOf<GrowthWord>(child)
  if (word.kind !== 'took') throw new Error(whyOf(nameOf(grown), word))
  const after = (await redis?.read())?.cpuMicros ?? 0
  return (word.micros + after - before) / word.runs
}

type Swept = Extract<GrowthWord, { readonly kind: 'swept' }>

async function sweepOf(stages: readonly Stage[]): Promise<Swept | undefined> {
  const stage = stages.find(({ grown }) => grown.kind === 'LMDB' && grown.size === MIDDLE)
  if (stage === undefined) return undefined
  progress(`sweeping ${nameOf(stage.grown)}`)
  const child = startProcess('./growth/sweep.js', [JSON.stringify(stage.grown)])
  const word = await lastWordOf(child, 'sweep, s')
  await stopProcess(child)
  if (word.kind !== 'swept') throw new Error(whyOf('the sweep', word))
  return word
}

/** What a child says at the end, while it tells how far it is. */
async function lastWordOf(child: ChildProcess, name: string): Promise<GrowthWord> {
  for (;;) {
    const word = await wordOf<GrowthWord>(child)
    if (word.kind !== 'progress') return word
    progress(`${name}: ${word.done}`)
  }
}

function nameOf({ kind, size }: Grown): string {
  return `${kind}, ${size.toLocaleString('en-US')} sessions`
}

function whyOf(name: string, word: GrowthWord): string {
  return `${name}: ${'why' in word ? word.why : `"${word.kind}" was not expected`}`
}

function growthTable(stages: readonly Stage[], notes: readonly string[]): Results {
  return {
    title:
      'Growth: CPU of one verification of a session at random, whose record is opened; of a list ' +
      'of the 5 sessions of a subject; of a revocation of all of them, that of Redis included. ' +
      'Start: a new process until it has verified a session.',
    head: [
      '',
      'verify µs',
      'list µs',
      'revoke µs',
      'start ms',
      'CPU ms',
      'resident MB',
      'of it mapped',
      'bytes a session',
      'filled in s',
    ],
    rows: stages.map((stage) => [
      nameOf(stage.grown),
      ...ORDERS.map((order) => median(stage.rounds[order])),
      median(stage.starts.map(({ ms }) => ms)).toFixed(0),
      median(stage.starts.map(({ cpuMs }) => cpuMs)).toFixed(0),
      megabytes(stage.resident?.bytes),
      megabytes(stage.resident?.mapped),
      (stage.bytes / stage.grown.size).toFixed(0),
      (stage.filledMs / 1_000).toFixed(0),
    ]),
    notes,
  }
}

function serviceTable(stages: readonly Stage[]): Results {
  return {
    title:
      'The service as it starts right after the store was filled, with what the logins left in ' +
      'its feed, ms: until it verifies a session, and until /readyz says so.',
    head: ['', 'serves', 'ready', 'first of all', 'CPU ms', 'resident MB', 'of it mapped'],
    rows: stages.map(({ grown, services }) => [
      nameOf(grown),
      median(services.map(({ servesMs }) => servesMs)).toFixed(0),
      median(services.map(({ readyMs }) => readyMs)).toFixed(0),
      (services[0]?.readyMs ?? Number.NaN).toFixed(0),
      median(services.map(({ cpuMs }) => cpuMs)).toFixed(0),
      megabytes(median(services.map(({ resident }) => resident.bytes))),
      megabytes(median(services.map(({ resident }) => resident.mapped))),
    ]),
  }
}

function sweepTables(swept: Swept | undefined): readonly Results[] {
  if (swept === undefined) return []
  const { count, ms, longestMs, longestCpuMs, idleMs } = swept
  return [
    {
      title: `A sweep of ${MIDDLE.toLocaleString('en-US')} sessions that have expired, LMDB.`,
      head: ['', 'items', 's', 'longest stall, ms', 'while idle', 'CPU of the longest turn, ms'],
      rows: [['sweep', count.toFixed(0), (ms / 1_000).toFixed(1), longestMs, idleMs, longestCpuMs]],
    },
  ]
}

/** Of the largest size over the smallest. */
function growthGoals(stages: readonly Stage[]): readonly JudgedGoal[] {
  return KINDS.flatMap((kind) => {
    const same = stages.filter(({ grown }) => grown.kind === kind)
    const [small, large] = [same[0], same.at(-1)]
    if (small === undefined || large === undefined) return []
    const goal = (what: string, of: (stage: Stage) => number): JudgedGoal => ({
      code: 'G',
      what: `${what} at ${nameOf(large.grown)}, over ${small.grown.size.toLocaleString('en-US')}`,
      must: 1.3,
      moonshot: 1.1,
      measured: of(large) / of(small),
      unit: 'x',
    })
    return [
      ...ORDERS.map((order) => goal(order, ({ rounds }) => median(rounds[order]))),
      goal('CPU of a start', ({ starts }) => median(starts.map(({ cpuMs }) => cpuMs))),
      ...(Number.isNaN(small.services[0]?.cpuMs ?? Number.NaN)
        ? []
        : [
            goal('CPU of a start of the service', ({ services }) =>
              median(services.map(({ cpuMs }) => cpuMs)),
            ),
          ]),
    ]
  })
}

/** The first start of all reads most. */
function serviceGoals(stages: readonly Stage[]): readonly JudgedGoal[] {
  const largest = Math.max(...stages.map(({ grown }) => grown.size))
  return stages
    .filter(({ grown }) => grown.size === largest)
    .map(({ grown, services }) => ({
      code: 'G',
      what: `the service is ready on ${nameOf(grown)}`,
      must: 2_000,
      moonshot: 1_000,
      measured: Math.max(...services.map(({ readyMs }) => readyMs)),
      unit: ' ms',
    }))
}

function sweepGoals(swept: Swept | undefined): readonly JudgedGoal[] {
  if (swept === undefined) return []
  return [
    {
      code: 'G',
      what: `longest stall during a sweep of ${MIDDLE.toLocaleString('en-US')} expired sessions`,
      must: 20,
      moonshot: 10,
      measured: swept.longestMs,
      unit: ' ms',
    },
  ]
}

function megabytes(bytes = Number.NaN): string {
  return Number.isNaN(bytes) ? '-' : (bytes / 1_048_576).toFixed(0)
}
