import { type Field, type Measured, measureField } from './field.ts'
import type { Goal } from './goals.ts'
import { AES, HMAC, readOf, SHA } from './ours/primitives.ts'
import type { Bench, Part } from './part.ts'
import {
  AUTH_COOKIE,
  AUTH_REDIS,
  AUTH_SQLITE,
  EXPRESS_MEMORY,
  EXPRESS_REDIS,
  FAST_JWT,
  IRON_SESSION,
  JOSE_EDDSA,
  JOSE_HS256,
  SECURE_SESSION,
} from './peers/names.ts'
import { print } from './progress.ts'
import { figure, table, times } from './table.ts'

const WITHOUT_REDIS = [
  './ours/bare.js',
  './ours/memory.js',
  './ours/lmdb.js',
  './peers/express-memory.js',
  './peers/auth-sqlite.js',
  './peers/jose-hs256.js',
  './peers/jose-eddsa.js',
  './peers/fast-jwt.js',
  './peers/secure-session.js',
  './peers/iron-session.js',
]
const WITH_REDIS = [
  './ours/hot.js',
  './ours/redis.js',
  './ours/node-redis.js',
  './peers/express-redis.js',
  './peers/auth-redis.js',
  './peers/auth-cookie.js',
]

const COPIES = 'local copies'

/** The cost of the peers divided by that of Holdfast, by the kind of store. */
const RIVALS = [
  { code: 'P1', peer: JOSE_HS256, store: COPIES, least: 12 },
  { code: 'P1', peer: JOSE_EDDSA, store: COPIES, least: 30 },
  { code: 'P1', peer: FAST_JWT, store: COPIES, least: 2.5 },
  { code: 'P1', peer: SECURE_SESSION, store: COPIES, least: 2 },
  { code: 'P1', peer: IRON_SESSION, store: COPIES, least: 80 },
  { code: 'P1', peer: AUTH_COOKIE, store: COPIES, least: 80 },
  { code: 'P2', peer: EXPRESS_REDIS, store: 'Redis', least: 3.5 },
  { code: 'P2', peer: AUTH_REDIS, store: 'Redis', least: 10 },
  { code: 'P3', peer: AUTH_SQLITE, store: 'LMDB', least: 25 },
  { code: 'P3', peer: EXPRESS_MEMORY, store: 'LMDB', least: 3.5 },
] as const

/** Measures the authentication of one request, in process. */
export const verifyPart: Part = async ({ folder, startRedis }: Bench) => {
  const redis = await startRedis()
  const programs = redis === undefined ? WITHOUT_REDIS : [...WITHOUT_REDIS, ...WITH_REDIS]
  const field = await measureField(programs, { folder, redisPort: redis?.port ?? 0 }, redis)
  await redis?.stop()

  print(
    '\nAuthenticating one request, in process, 64 in flight. CPU of all threads, that of Redis ' +
      'included.\n',
  )
  print(fieldTable(field))
  print(
    '\n  ratio: to one AES-256-GCM open. beside: ours over the bare store read, AES open, ' +
      'SHA-256 and HMAC',
  )
  print(
    '  that it cannot do without; a peer over ours on a like store (jose: on Redis), unchanged.',
  )
  if (redis === undefined) print('  not measured: everything on Redis: no redis-server was found')
  print('  not measured: supertokens-node: its keys come from its core, a server of its own')
  print(
    '  not measured: records opened at every request: ours opens an unchanged one once (decision ' +
      '13)',
  )
  for (const line of field.missing) print(`  ${line}`)
  return { goals: goalsOf(field), failed: field.missing.some((line) => line.startsWith('FAILED')) }
}

function goalsOf(field: Field): readonly Goal[] {
  const hot = field.measured.find(({ name }) => name === `verify on ${COPIES}, unchanged`)
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
    measured: microsOf(field, peer) / microsOf(field, `verify on ${store}, unchanged`),
    unit: 'x',
  }))
  return [commands, ...rivals]
}

function fieldTable(field: Field): string {
  const unit = microsOf(field, AES)
  return table(
    ['', 'CPU µs', 'of it Redis', 'commands', 'rounds', 'ratio', 'beside'],
    field.measured.map((one) => [
      one.name,
      figure(one.micros),
      one.redisMicros > 0 ? figure(one.redisMicros) : '',
      one.commands > 0.005 ? one.commands.toFixed(2) : '',
      `${figure(one.range[0])} to ${figure(one.range[1])}`,
      times(one.micros / unit),
      beside(field, one),
    ]),
  )
}

function beside(field: Field, { name, micros }: Measured): string {
  const store = /^verify on (.+), /.exec(name)?.[1]
  if (store !== undefined && store !== COPIES) {
    const needed = [readOf(store), AES, SHA, HMAC].map((primitive) => microsOf(field, primitive))
    return `${times(micros / needed.reduce((sum, one) => sum + one, 0))} its needs`
  }
  const rival = RIVALS.find(({ peer }) => peer === name)
  if (rival === undefined && !name.startsWith('jose')) return ''
  const ours = microsOf(field, `verify on ${rival?.store ?? 'Redis'}, unchanged`)
  return `${times(micros / ours)} ours`
}

function microsOf({ measured }: Field, row: string): number {
  return measured.find(({ name }) => name === row)?.micros ?? Number.NaN
}
