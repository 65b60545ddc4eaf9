import { measureField } from './field.ts'
import { ROTATION } from './ours/names.ts'
import type { Part } from './part.ts'
import { AUTH_UPDATE, JOSE_PAIR } from './peers/names.ts'
import { print } from './progress.ts'
import { figure, table } from './table.ts'

const PROGRAMS = ['./ours/refresh.js', './peers/jose-pair.js', './peers/auth-update.js']

/**
 * Measures the exchange of a refresh token for its successor, reuse detection included.
 */
export const refreshPart: Part = async ({ folder, startRedis }) => {
  const redis = await startRedis()
  if (redis === undefined) {
    print('\nRefresh was not measured: no redis-server was found.')
    return { goals: goalsOf() }
  }
  const { measured, missing } = await measureField(
    PROGRAMS,
    { folder, redisPort: redis.port },
    redis,
  )
  await redis.stop()
  print(
    '\nOne rotation of a refresh token, 64 in flight. CPU of all threads, that of Redis ' +
      'included.\n',
  )
  print(
    table(
      ['', 'CPU µs', 'of it Redis', 'commands'],
      measured.map(({ name, micros, redisMicros, commands }) => [
        name,
        figure(micros),
        figure(redisMicros),
        commands.toFixed(2),
      ]),
    ),
  )
  for (const line of missing) print(`  ${line}`)
  const of = (row: string): number =>
    measured.find(({ name }) => name === row)?.micros ?? Number.NaN
  const own = measured.find(({ name }) => name === ROTATION)
  const perSecond = own === undefined ? Number.NaN : 1e6 / (own.micros - own.redisMicros)
  return {
    goals: goalsOf(perSecond, of(JOSE_PAIR) / of(ROTATION), of(AUTH_UPDATE) / of(ROTATION)),
    failed: missing.some((line) => line.startsWith('FAILED')),
  }
}

function goalsOf(perSecond = Number.NaN, pair = Number.NaN, update = Number.NaN) {
  return [
    { code: 'F', what: 'rotations a second of one CPU', least: 25_000, measured: perSecond },
    { code: 'F', what: `CPU of ${JOSE_PAIR} over a rotation`, least: 6, measured: pair, unit: 'x' },
    { code: 'F', what: `CPU of ${AUTH_UPDATE} over it`, least: 2, measured: update, unit: 'x' },
  ]
}
