import { setTimeout as wait } from 'node:timers/promises'
import { startContender } from './contender.ts'
import { FEED_FILL, FILL } from './fill.ts'
import { PACED_ROW, PACED_RUNS } from './pace.ts'
import type { Bench, Part } from './part.ts'
import { print, progress } from './progress.ts'
import { callsBetween, type RedisServer } from './redis-server.ts'
import { figure, table } from './table.ts'

/** Measures what Holdfast costs a Redis: commands of a verification, bytes of a session. */
export const memoryPart: Part = async (bench: Bench) => {
  const commands = await onRedis(bench, commandsOfVerify)
  if (commands === undefined) {
    print('\nRedis was not measured: no redis-server was found.')
    return { goals: goalsOf() }
  }
  const total = commands.reduce((sum, [, count]) => sum + count, 0) / PACED_RUNS
  print(
    '\nRedis commands of one verification at one request a second and session, touches included, ' +
      'those inside of',
  )
  print('scripts too:\n')
  print(
    `  ${total.toFixed(3)}: ` +
      `${commands.map(([name, count]) => `${name} ${(count / PACED_RUNS).toFixed(4)}`).join(', ')}`,
  )

  const fill = (program: string): Promise<Filled | undefined> =>
    onRedis(bench, (redis) => filled(program, bench, redis))
  const ours = await fill('./ours/fill.js')
  const express = await fill('./peers/fill-express.js')
  const homeMade = await fill('./peers/fill-home-made.js')
  const event = await onRedis(bench, (redis) => bytesOfEvent(bench, redis))
  if (ours === undefined || express === undefined || homeMade === undefined) {
    return { goals: goalsOf(), failed: true }
  }

  const kept = ours.bytes - ours.historyBytes
  print(
    `\nRedis memory of one session, ${FILL} sessions, 5 of each user, index and expiry included:\n`,
  )
  print(
    table(
      ['', 'bytes', 'over connect-redis', 'over home-made'],
      [
        ['ours, records and indexes', kept],
        ['ours, with the history of the subjects', ours.bytes],
        ['connect-redis, no index', express.bytes],
        ['home-made: AES-GCM as base64 in JSON, a SET for each user', homeMade.bytes],
      ].map(([name, bytes]) => [
        String(name),
        Number(bytes).toFixed(0),
        (Number(bytes) / express.bytes).toFixed(3),
        (Number(bytes) / homeMade.bytes).toFixed(3),
      ]),
    ),
  )
  print(
    `\n  The history of a subject's places and browsers costs ${figure(ours.historyBytes)} bytes ` +
      'a session, and an event',
  )
  print(`  in the bounded feed ${figure(event ?? Number.NaN)}. No peer keeps either.`)
  return { goals: goalsOf(total, kept / express.bytes, kept / homeMade.bytes) }
}

function goalsOf(commands = Number.NaN, express = Number.NaN, homeMade = Number.NaN) {
  return [
    { code: 'R1', what: 'Redis commands of a verification', most: 1.02, measured: commands },
    {
      code: 'M',
      what: 'Redis bytes of a session over connect-redis',
      most: 0.46,
      measured: express,
    },
    { code: 'M', what: '... over a home-made encrypted layout', most: 0.36, measured: homeMade },
  ]
}

/** Measures each layout in a Redis of its own, so that none counts what another left. */
async function onRedis<T>(
  { startRedis }: Bench,
  use: (redis: RedisServer) => Promise<T>,
): Promise<T | undefined> {
  const redis = await startRedis()
  if (redis === undefined) return undefined
  try {
    return await use(redis)
  } finally {
    await redis.stop()
  }
}

async function commandsOfVerify(
  redis: RedisServer,
): Promise<readonly (readonly [string, number])[]> {
  progress('counting Redis commands')
  const contender = await started('./ours/paced.js', { folder: '', redisPort: redis.port })
  const before = await redis.read()
  await contender.round(PACED_ROW, { runs: PACED_RUNS })
  const calls = callsBetween(before, await redis.read())
  await contender.stop()
  return calls
}

interface Filled {
  /** Without the bytes that the event feed takes at its smallest. */
  readonly bytes: number
  readonly historyBytes: number
}

async function filled(program: string, { folder }: Bench, redis: RedisServer): Promise<Filled> {
  progress(`filling a Redis: ${program.replace(/^\.\/(.+)\.js$/, '$1')}`)
  const before = await settled(redis)
  const contender = await started(program, { folder, redisPort: redis.port })
  await contender.stop()
  const bytes = (await settled(redis)) - before
  const history = await redis.bytesOf('hf:h*')
  const feed = await redis.bytesOf('hf:f*')
  return { bytes: (bytes - feed.bytes) / FILL, historyBytes: history.bytes / FILL }
}

async function bytesOfEvent({ folder }: Bench, redis: RedisServer): Promise<number> {
  progress(`filling a Redis: ${FEED_FILL} sessions with the event feed`)
  const contender = await started('./ours/fill-feed.js', { folder, redisPort: redis.port })
  await contender.stop()
  const { bytes, keys } = await redis.bytesOf('hf:f*')
  const lengths = await Promise.all(keys.map((key) => redis.lengthOf(key)))
  return bytes / lengths.reduce((sum, length) => sum + length, 0)
}

async function started(program: string, place: { folder: string; redisPort: number }) {
  const contender = await startContender(program, place)
  if ('absent' in contender) throw new Error(`${program} cannot take part: ${contender.absent}`)
  return contender
}

/** Waits until tables do not grow any more and the buffers of closed clients are free. */
async function settled(redis: RedisServer): Promise<number> {
  let same = 0
  let last = -1
  for (let tries = 0; same < 3 && tries < 60; tries++) {
    await wait(100)
    const { usedBytes } = await redis.read()
    same = Math.abs(usedBytes - last) < 1_024 ? same + 1 : 0
    last = usedBytes
  }
  return last
}
