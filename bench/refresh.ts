import type { Program } from './contender.ts'
import { type Field, measureField } from './field.ts'
import { FLOOR_ROTATIONS, type FloorClient } from './floor/names.ts'
import { importFloor } from './floor.ts'
import type { Goal } from './goals.ts'
import { oursOn, REFRESH_LOTS, rowOfLot } from './ours/names.ts'
import type { Part, Results } from './part.ts'
import { AUTH_UPDATE, JOSE_PAIR } from './peers/names.ts'
import { writeGeoFiles } from './places.ts'
import { times } from './table.ts'
import { IN_TURN, rowOn, WORKING_SETS, type WorkingSet } from './working-sets.ts'

const OURS = [...new Set(REFRESH_LOTS.map(({ store }) => store))]

/** The client that ours and the floor are compared with. */
const CLIENT: FloorClient = 'ioredis'

const PROGRAMS: readonly Program[] = [
  ...REFRESH_LOTS.map((lot) => ({ program: './ours/refresh.js', kind: rowOfLot(lot) })),
  ...Object.keys(FLOOR_ROTATIONS).map((kind) => ({ program: './floor/refresh.js', kind })),
  { program: './peers/jose-pair.js' },
  { program: './peers/auth-update.js' },
]

/**
 * Measures the exchange of a refresh token for its successor, reuse detection included.
 */
export const refreshPart: Part = async ({ folder, startRedis }) => {
  const redis = await startRedis()
  if (redis === undefined) return { goals: goalsOf({ why: 'no redis-server was found' }) }
  await writeGeoFiles(folder)
  const place = { folder, redisPort: redis.port }
  const field = await measureField(PROGRAMS, place, redis)
  await redis.stop()
  const floor = await importFloor()
  return {
    tables: [tableOf(field)],
    goals: goalsOf({ field, ...('absent' in floor ? { why: floor.absent } : {}) }),
    failed: field.missing.some((line) => line.startsWith('FAILED')),
  }
}

function tableOf(field: Field): Results {
  const names = [
    ...OURS.map(oursOn),
    ...Object.values(FLOOR_ROTATIONS),
    ...[JOSE_PAIR, AUTH_UPDATE],
  ]
  const ours = (set: WorkingSet): number => microsOf(field, oursOn('Redis'), set)
  return {
    title:
      'One rotation of a refresh token, 64 in flight: CPU µs of all threads and of Redis. A ' +
      'stolen predecessor is noticed, but not by the peers.',
    head: ['', ...WORKING_SETS.flatMap(({ name }) => [name, 'of it Redis', 'over ours on Redis'])],
    rows: names
      .filter((name) => WORKING_SETS.some((set) => rowOf(field, name, set) !== undefined))
      .map((name) => [
        name,
        ...WORKING_SETS.flatMap((set) => {
          const row = rowOf(field, name, set)
          if (row === undefined) return ['', '', '']
          const { micros, redisMicros } = row
          return [micros, redisMicros > 0 ? redisMicros : '', times(micros / ours(set))]
        }),
      ]),
    notes: field.missing,
    readme: true,
  }
}

function goalsOf({
  field,
  why,
}: {
  readonly field?: Field
  readonly why?: string
}): readonly Goal[] {
  const ours = (set: WorkingSet): number => microsOf(field, oursOn('Redis'), set)
  const because = why === undefined ? {} : { why }
  const overOurs = (peer: string): number => microsOf(field, peer, IN_TURN) / ours(IN_TURN)
  const own = field === undefined ? undefined : rowOf(field, oursOn('Redis'), IN_TURN)
  return [
    ...WORKING_SETS.map((set) => ({
      code: 'F4',
      what: `rotations a second of CPU over the floor's, ${CLIENT}, ${set.name}`,
      must: 0.5,
      moonshot: 0.7,
      measured: microsOf(field, FLOOR_ROTATIONS[CLIENT], set) / ours(set),
      unit: 'x',
      ...because,
    })),
    {
      code: 'F4',
      what: `... over ${AUTH_UPDATE}, ${IN_TURN.name}`,
      must: 1.5,
      moonshot: 2,
      measured: overOurs(AUTH_UPDATE),
      unit: 'x',
      ...because,
    },
    {
      code: 'F',
      what: 'rotations a second of one CPU',
      least: 25_000,
      measured: own === undefined ? Number.NaN : 1e6 / (own.micros - own.redisMicros),
    },
    {
      code: 'F',
      what: `CPU of ${JOSE_PAIR} over a rotation`,
      least: 6,
      measured: overOurs(JOSE_PAIR),
      unit: 'x',
    },
    {
      code: 'F',
      what: `CPU of ${AUTH_UPDATE} over it`,
      least: 2,
      measured: overOurs(AUTH_UPDATE),
      unit: 'x',
    },
  ]
}

function microsOf(field: Field | undefined, name: string, set: WorkingSet): number {
  return field === undefined ? Number.NaN : (rowOf(field, name, set)?.micros ?? Number.NaN)
}

/** The peers know one working set: they keep nothing in the process. */
function rowOf({ measured }: Field, name: string, set: WorkingSet) {
  const wanted = [rowOn(name, set), ...(set === IN_TURN ? [name] : [])]
  return measured.find((row) => wanted.includes(row.name))
}
