import { setTimeout as wait } from 'node:timers/promises'
import { startContender } from './contender.ts'
import { FILL, SESSIONS_A_USER } from './fill.ts'
import type { Goal } from './goals.ts'
import { PACED_ROW, PACED_RUNS } from './pace.ts'
import type { Bench, Part, Results } from './part.ts'
import { progress } from './progress.ts'
import { callsBetween, type RedisServer } from './redis-server.ts'

/** The first letter of a key after the prefix `hf:` is what it holds. */
const KINDS: Readonly<Record<string, string>> = {
  s: 'the record, with attributes and last activity',
  i: 'index of the sessions of a subject',
  g: 'generation of a subject',
  h: 'history of a subject',
  f: 'feed, with the events of logins',
  n: 'counters of the feed',
  p: 'list of subjects',
  q: 'list of histories',
  m: 'replay guard',
}

/** Kinds that there are only where a subject has a past, or somebody follows the feed. */
const OF_PAST = ['f', 'h', 'n', 'q']

/** Measures what Holdfast costs a Redis: commands of a verification, bytes of a session. */
export const memoryPart: Part = async (bench: Bench) => {
  const commands = await onRedis(bench, commandsOfVerify)
  if (commands === undefined) return { goals: goalsOf({ why: 'no redis-server was found' }) }
  const total = commands.reduce((sum, [, count]) => sum + count, 0) / PACED_RUNS

  const fill = (program: string): Promise<Filled | undefined> =>
    onRedis(bench, (redis) => filled(program, bench, redis))
  const ours = await fill('./ours/fill.js')
  const express = await fill('./peers/fill-express.js')
  const homeMade = await fill('./peers/fill-home-made.js')
  if (ours === undefined || express === undefined || homeMade === undefined)
    throw new Error('A Redis did not start.')

  const kinds = [...ours.byLetter].toSorted(([, a], [, b]) => b - a)
  const named = kinds.reduce((sum, [, bytes]) => sum + bytes, 0)
  const past = kinds
    .filter(([letter]) => OF_PAST.includes(letter))
    .reduce((sum, [, bytes]) => sum + bytes, 0)
  const kept = ours.bytes - past
  const row = (name: string, bytes: number): readonly string[] => [
    name,
    bytes.toFixed(0),
    (bytes / express.bytes).toFixed(2),
    (bytes / homeMade.bytes).toFixed(2),
  ]
  const bytes: Results = {
    title:
      `Redis bytes of a session as shipped: ${FILL} logins of ${FILL / SESSIONS_A_USER} people ` +
      'with attributes of 200 bytes through the default store, events and feed included.',
    head: ['', 'bytes', 'over connect-redis', 'over home-made'],
    rows: [
      row('ours', ours.bytes),
      ...kinds.map(([letter, each]) =>
        row(`... ${KINDS[letter] ?? `keys of the kind ${letter}`}`, each),
      ),
      row('... tables of keys and deadlines', ours.bytes - named),
      row('connect-redis, no index', express.bytes),
      row('home-made: AES-GCM as base64 in JSON, a SET for each user', homeMade.bytes),
    ],
    readme: true,
  }
  const paced: Results = {
    title:
      'Redis commands of one verification at one request a second and session, touches included, ' +
      'those inside of scripts too.',
    head: ['', 'commands'],
    rows: [
      ['all', total.toFixed(4)],
      ...commands.map(([name, count]) => [`... ${name}`, (count / PACED_RUNS).toFixed(4)]),
    ],
  }
  return {
    tables: [bytes, paced],
    goals: goalsOf({
      commands: total,
      shipped: ours.bytes / express.bytes,
      express: kept / express.bytes,
      homeMade: kept / homeMade.bytes,
    }),
  }
}

interface Ratios {
  readonly commands?: number
  readonly shipped?: number
  readonly express?: number
  readonly homeMade?: number
  readonly why?: string
}

function goalsOf({
  commands = Number.NaN,
  shipped = Number.NaN,
  express = Number.NaN,
  homeMade = Number.NaN,
  why,
}: Ratios): readonly Goal[] {
  return [
    {
      code: 'M3',
      what: 'Redis bytes of a session as shipped over connect-redis',
      must: 0.8,
      moonshot: 0.5,
      measured: shipped,
      ...(why === undefined ? {} : { why }),
    },
    { code: 'R1', what: 'Redis commands of a verification', most: 1.02, measured: commands },
    {
      code: 'M',
      what: 'Redis bytes of a session without feed and history over connect-redis',
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

/** Bytes of one session. */
interface Filled {
  readonly bytes: number
  readonly byLetter: ReadonlyMap<string, number>
}

async function filled(program: string, { folder }: Bench, redis: RedisServer): Promise<Filled> {
  progress(`filling a Redis: ${program.replace(/^\.\/(.+)\.js$/, '$1')}`)
  const before = await settled(redis)
  const contender = await started(program, { folder, redisPort: redis.port })
  await contender.stop()
  const bytes = ((await settled(redis)) - before) / FILL
  const byLetter = await redis.bytesByLetter('hf:')
  return { bytes, byLetter: new Map([...byLetter].map(([letter, all]) => [letter, all / FILL])) }
}

async function started(program: string, place: { folder: string; redisPort: number }) {
  const contender = await startContender({ program }, place)
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
