import { attributesCost } from './attributes.ts'
import type { Program } from './contender.ts'
import { type Field, type Measured, measureField } from './field.ts'
import { FLOOR_ROWS } from './floor/names.ts'
import { type FloorKind, importFloor } from './floor.ts'
import type { Goal } from './goals.ts'
import { among } from './only.ts'
import {
  changedOn,
  FORGERY,
  lotsOf,
  ON_COPIES,
  OURS,
  type OurStore,
  oursOn,
  rowOfLot,
} from './ours/names.ts'
import { AES, HMAC, readOf, SHA } from './ours/primitives.ts'
import type { Bench, Part, Results } from './part.ts'
import {
  AUTH_COOKIE,
  AUTH_REDIS,
  AUTH_SQLITE,
  EXCHANGE,
  EXPRESS_MEMORY,
  EXPRESS_REDIS,
  FAST_JWT,
  IRON_SESSION,
  JOSE_EDDSA,
  JOSE_HS256,
  SECURE_SESSION,
} from './peers/names.ts'
import { writeGeoFiles } from './places.ts'
import { progress } from './progress.ts'
import { type Cell, figure, times } from './table.ts'
import {
  AT_RANDOM,
  EACH_OPENED,
  IN_TURN,
  rowOn,
  WORKING_SETS,
  type WorkingSet,
} from './working-sets.ts'

const NEEDS_REDIS: readonly OurStore[] = [ON_COPIES, 'Redis', 'Redis (node-redis)']

/** The floor that does the same as ours on a store, with the same client. */
const FLOOR_OF: Partial<Readonly<Record<OurStore, FloorKind>>> = {
  [ON_COPIES]: 'hot-open+fast',
  memory: 'hot-sealed+fast',
  LMDB: 'lmdb+fast',
  Redis: 'redis+fast',
}

const PEERS = [
  './peers/express-memory.js',
  './peers/auth-sqlite.js',
  './peers/jose-hs256.js',
  './peers/jose-eddsa.js',
  './peers/fast-jwt.js',
  './peers/secure-session.js',
  './peers/iron-session.js',
]
const PEERS_ON_REDIS = [
  './peers/express-redis.js',
  './peers/auth-redis.js',
  './peers/auth-cookie.js',
]

/** What an earlier design promised: the cost of a peer over ours, 1,000 sessions in turn. */
const RIVALS = [
  { code: 'P1', peer: JOSE_HS256, store: ON_COPIES, least: 12 },
  { code: 'P1', peer: JOSE_EDDSA, store: ON_COPIES, least: 30 },
  { code: 'P1', peer: FAST_JWT, store: ON_COPIES, least: 2.5 },
  { code: 'P1', peer: SECURE_SESSION, store: ON_COPIES, least: 2 },
  { code: 'P1', peer: IRON_SESSION, store: ON_COPIES, least: 80 },
  { code: 'P1', peer: AUTH_COOKIE, store: ON_COPIES, least: 80 },
  { code: 'P2', peer: EXPRESS_REDIS, store: 'Redis', least: 3.5 },
  { code: 'P2', peer: AUTH_REDIS, store: 'Redis', least: 10 },
  { code: 'P3', peer: AUTH_SQLITE, store: 'LMDB', least: 25 },
  { code: 'P3', peer: EXPRESS_MEMORY, store: 'LMDB', least: 3.5 },
] as const

/** Measures the authentication of one request, in process, on both working sets. */
export const verifyPart: Part = async ({ folder, startRedis, only }: Bench) => {
  const redis = await startRedis()
  progress('writing geo data')
  await writeGeoFiles(folder)
  const place = { folder, redisPort: redis?.port ?? 0 }
  const wanted = programs(redis !== undefined).filter(({ program, kind }) =>
    among(only, CONTENDERS, contenderOf(program, kind)),
  )
  const field = await measureField(wanted, place, redis)
  const attributes = among(only, CONTENDERS, ATTRIBUTES)
    ? await attributesCost(place)
    : { tables: [], goals: [], failed: false }
  await redis?.stop()

  const failed = attributes.failed || field.missing.some((line) => line.startsWith('FAILED'))
  const floor = await importFloor()
  const why = {
    floor: 'absent' in floor ? floor.absent : undefined,
    redis: redis === undefined ? 'no redis-server was found' : undefined,
  }
  return {
    tables: [mainTable(field, why.redis), detailTable(field), ...attributes.tables],
    goals: [...goalsOf(field, why), ...attributes.goals, ...earlierGoals(field)],
    failed,
  }
}

const ATTRIBUTES = 'attributes'
const PEER = 'peers'
const OTHERS = 'primitives'

/** What `--only` takes: ours and the floor by the kind of store, each with its floor. */
const CONTENDERS = ['hot', 'memory', 'lmdb', 'redis', PEER, ATTRIBUTES, OTHERS] as const

function contenderOf(program: string, kind = ''): (typeof CONTENDERS)[number] {
  if (program.startsWith('./peers/')) return PEER
  const isOf = (store: OurStore): boolean =>
    kind === FLOOR_OF[store] || lotsOf(store).some((lot) => rowOfLot(lot) === kind)
  if (isOf(ON_COPIES)) return 'hot'
  if (isOf('memory')) return 'memory'
  if (isOf('LMDB')) return 'lmdb'
  return kind === '' ? OTHERS : 'redis'
}

function programs(withRedis: boolean): readonly Program[] {
  const ours = withRedis ? OURS : OURS.filter((store) => !NEEDS_REDIS.includes(store))
  const floors = (Object.keys(FLOOR_ROWS) as FloorKind[]).filter(
    (kind) => withRedis || !kind.startsWith('redis'),
  )
  return [
    { program: './ours/bare.js' },
    { program: './ours/forgeries.js' },
    ...ours.flatMap((store) =>
      lotsOf(store).map((lot) => ({ program: './ours/verify.js', kind: rowOfLot(lot) })),
    ),
    ...floors.map((kind) => ({ program: './floor/verify.js', kind })),
    ...PEERS.map((program) => ({ program })),
    ...(withRedis ? PEERS_ON_REDIS.map((program) => ({ program })) : []),
  ]
}

/** One line a contender: what a user compares. */
function mainTable(field: Field, noRedis: string | undefined): Results {
  const names = [
    ...OURS.flatMap((store) =>
      store === ON_COPIES ? [oursOn(store)] : [oursOn(store), changedOn(store)],
    ),
    ...Object.values(FLOOR_ROWS),
    FORGERY,
    ...[EXPRESS_REDIS, EXPRESS_MEMORY, AUTH_REDIS, AUTH_SQLITE, AUTH_COOKIE],
    ...[JOSE_HS256, JOSE_EDDSA, FAST_JWT, SECURE_SESSION, IRON_SESSION],
  ]
  const rows = names
    .filter((name) => known(field, name))
    .map((name) => [name, ...SETS.flatMap((set) => cellsOf(field, name, set))])
  return {
    title:
      'Authenticating one request, in process, 64 in flight: CPU µs of all threads and of Redis. ' +
      'Each session has its own address, attributes, geo data and three contexts; one request in ' +
      'ten comes from another address of its network. No secret is due: rotations have rows of ' +
      'their own. As shipped, a process remembers what it opened of some 20,000 sessions; "each ' +
      'opened" is a process that remembers nothing. The floor opens each record, but in the row ' +
      '"opened records in the process".',
    head: ['', ...SETS.flatMap(({ name }) => [name, 'beside'])],
    rows,
    notes: [
      ...(noRedis === undefined ? [] : [`not measured: everything on Redis: ${noRedis}`]),
      'not measured: supertokens-node: its keys come from its core, a server of its own',
      ...field.missing,
    ],
    readme: true,
  }
}

const SETS = [...WORKING_SETS, EACH_OPENED]

function cellsOf(field: Field, name: string, set: WorkingSet): readonly Cell[] {
  const micros = microsOf(field, name, set)
  return Number.isNaN(micros) ? ['', ''] : [micros, beside(field, name, set)]
}

/** Ours over the floor on a like store; a peer over ours. */
function beside(field: Field, name: string, set: WorkingSet): string {
  const micros = microsOf(field, name, set)
  const store = OURS.find((one) => oursOn(one) === name)
  if (store !== undefined) {
    const floor = floorMicros(field, store, set)
    return Number.isNaN(floor) ? '' : `${times(micros / floor)} the floor`
  }
  const rival = RIVALS.find(({ peer }) => peer === name)
  if (rival === undefined) return ''
  const ours = microsOf(field, oursOn(rival.store), set)
  return Number.isNaN(ours) ? '' : `${times(micros / ours)} ours`
}

/** Every row as it was measured, primitives too. */
function detailTable({ measured }: Field): Results {
  const unit = measured.find(({ name }) => name === AES)?.micros ?? Number.NaN
  return {
    title:
      'All rows. ratio: to one AES-256-GCM open. commands: of Redis, for one request. rounds: ' +
      'the lowest and the highest.',
    head: ['', 'CPU µs', 'of it Redis', 'commands', 'rounds', 'ratio'],
    rows: measured.map(({ name, micros, redisMicros, commands, range: [low, high] }) => [
      name,
      micros,
      redisMicros > 0 ? redisMicros : '',
      commands > 0.005 ? commands.toFixed(2) : '',
      `${figure(low)} to ${figure(high)}`,
      times(micros / unit),
    ]),
    notes: [
      `${AES}, ${HMAC}, ${SHA} and "${readOf('...')}" are what no verification can do without.`,
      `"${EXCHANGE}" is part of both rows of express-session.`,
    ],
  }
}

interface Why {
  readonly floor: string | undefined
  readonly redis: string | undefined
}

const OPENED = [
  { store: 'memory', must: 3, moonshot: 2 },
  { store: 'LMDB', must: 2.5, moonshot: 1.8 },
  { store: 'Redis', must: 1.8, moonshot: 1.4 },
] as const

function goalsOf(field: Field, why: Why): readonly Goal[] {
  const because = (store: OurStore, overFloor: boolean): { readonly why?: string } => {
    const text =
      (NEEDS_REDIS.includes(store) ? why.redis : undefined) ?? (overFloor ? why.floor : undefined)
    return text === undefined ? {} : { why: text }
  }
  const overFloor = (store: OurStore, set: WorkingSet) => ({
    measured: microsOf(field, oursOn(store), set) / floorMicros(field, store, set),
    unit: 'x',
    ...because(store, true),
  })
  const overOurs = (peer: string, store: OurStore, set: WorkingSet) => ({
    measured: microsOf(field, peer, set) / microsOf(field, oursOn(store), set),
    unit: 'x',
    ...because(store, false),
  })
  return [
    ...OPENED.map(({ store, must, moonshot }) => ({
      code: 'P4',
      what: `CPU over the floor's, ${store}, ${EACH_OPENED.name}`,
      must,
      moonshot,
      ...overFloor(store, EACH_OPENED),
    })),
    ...WORKING_SETS.map((set) => ({
      code: 'P5',
      what: `CPU over the floor's, ${ON_COPIES}, ${set.name}`,
      must: 2.5,
      moonshot: 1.8,
      ...overFloor(ON_COPIES, set),
    })),
    {
      code: 'P6',
      what: `${EXPRESS_REDIS} over ours on Redis, ${EACH_OPENED.name}`,
      must: 2.5,
      moonshot: 3.5,
      ...overOurs(EXPRESS_REDIS, 'Redis', EACH_OPENED),
    },
    ...WORKING_SETS.map((set) => ({
      code: 'P6',
      what: `${JOSE_HS256} over ours on ${ON_COPIES}, ${set.name}`,
      must: 3.5,
      moonshot: 6,
      ...overOurs(JOSE_HS256, ON_COPIES, set),
    })),
  ]
}

function earlierGoals(field: Field): readonly Goal[] {
  const hot = field.measured.find(({ name }) => name === rowOn(oursOn(ON_COPIES), IN_TURN))
  const commands: Goal = {
    code: 'R1',
    what: 'Redis commands of a verification from local copies, 1,000 sessions under load',
    most: 0.02,
    measured: hot?.commands ?? Number.NaN,
  }
  const rivals = RIVALS.map(({ code, peer, store, least }) => ({
    code,
    what: `CPU of ${peer} over ours on ${store}`,
    least,
    measured: microsOf(field, peer, IN_TURN) / microsOf(field, oursOn(store), IN_TURN),
    unit: 'x',
  }))
  return [commands, ...rivals]
}

function floorMicros(field: Field, store: OurStore, set: WorkingSet): number {
  const kind = FLOOR_OF[store]
  return kind === undefined ? Number.NaN : microsOf(field, FLOOR_ROWS[kind], set)
}

function known(field: Field, name: string): boolean {
  return SETS.some((set) => rowOf(field, name, set) !== undefined)
}

function microsOf(field: Field, name: string, set: WorkingSet): number {
  return rowOf(field, name, set)?.micros ?? Number.NaN
}

/** Whose rows at random are of records that were opened before. */
function remembers(name: string): boolean {
  return name.startsWith('ours ') || name === FLOOR_ROWS['hot-open+fast']
}

/**
 * A row that knows no sessions is the same on all working sets, and who opens each record anyway is
 * so at random.
 */
function rowOf(field: Field, name: string, set: WorkingSet): Measured | undefined {
  const { measured } = field
  const row = measured.find((one) => one.name === rowOn(name, set) || one.name === name)
  if (row !== undefined || set !== EACH_OPENED || remembers(name)) return row
  return rowOf(field, name, AT_RANDOM)
}
