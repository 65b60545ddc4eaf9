import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createSessions, newKeyring, parseKeyring } from 'holdfast'
import { connect } from 'holdfast/client'
import { formatKeyring } from 'holdfast/maintenance'
import { redisStore } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { startProcess, stopProcess, wordOf } from './contender.ts'
import { REQUEST, userOf } from './facts.ts'
import type { Goal } from './goals.ts'
import type { Bench, Part } from './part.ts'
import { progress } from './progress.ts'
import { BARE_CHANNEL, clock, type RevocationWord } from './revocation/words.ts'
import { percentile } from './rounds.ts'

const SERVICES = 3
const VERIFIERS = 50
const REVOCATIONS = 400
const OVER_HTTP = 100
/** Before any is counted: who ends a session is no process that has just begun. */
const WARM_UP = 50
const GAP_MS = 20
const KEY = 'the-key-of-the-bench-and-nobody-else'

/**
 * Measures the time from the call of a revocation, and from its answer, until the last verifier or
 * another engine knows it. A bare message takes its turn with the engine.
 */
export const revocationPart: Part = async ({ folder, startRedis }: Bench) => {
  const redis = await startRedis()
  if (redis === undefined) return { goals: goalsOf({ why: 'no redis-server was found' }) }
  const children: ChildProcess[] = []
  const start = async (program: string, args: readonly string[]): Promise<Started> => {
    const child = startProcess(`./revocation/${program}.js`, args)
    children.push(child)
    return { child, url: expectReady(await wordOf<RevocationWord>(child)) }
  }
  const keyring = join(folder, 'keyring.json')
  const ring = formatKeyring(newKeyring())
  writeFileSync(keyring, ring, { mode: 0o600 })
  const client = new Redis({ host: '127.0.0.1', port: redis.port })
  try {
    progress(`${SERVICES} services and ${VERIFIERS} verifiers`)
    const urls: string[] = []
    for (let i = 0; i < SERVICES; i++) {
      urls.push((await start('service', [String(redis.port), keyring, KEY])).url)
    }
    const verifiers = await start('verifiers', [String(VERIFIERS), KEY, ...urls])
    const remote = urls.map((url) => connect({ url, key: KEY }))
    const overHttp: Took[] = []
    for (let i = -WARM_UP; i < OVER_HTTP; i++) {
      const at = remote[(i + WARM_UP) % SERVICES] ?? fail('There is no service.')
      const announce = async (session: string): Promise<void> => {
        verifiers.child.send(session)
        expectReady(await wordOf<RevocationWord>(verifiers.child))
      }
      const took = await timeOf(verifiers.child, { announce, at }, i + WARM_UP)
      if (i >= 0) overHttp.push(took)
    }

    progress('another engine, and a bare message')
    // Each of the two is alone with Redis: who follows the feed would only be woken by one of them.
    await Promise.all(children.splice(0).map(stopProcess))
    const engine = await start('engine', [String(redis.port)])
    const subscriber = await start('subscriber', [String(redis.port)])
    const here = createSessions({ store: redisStore({ client }), keyring: parseKeyring(ring) })
    const inProcess: Took[] = []
    const bare: Took[] = []
    for (let i = -WARM_UP; i < REVOCATIONS; i++) {
      const way = { announce: async () => {}, at: here }
      const told = await timeOf(engine.child, way, i + WARM_UP)
      const least = await bareTime(subscriber.child, client)
      if (i < 0) continue
      inProcess.push(told)
      bare.push(least)
    }

    const sinceCall = (took: readonly Took[]) => sorted(took.map(({ call }) => call))
    const sinceAnswer = (took: readonly Took[]) => sorted(took.map(({ answer }) => answer))
    return {
      tables: [
        {
          title: `${REVOCATIONS} revocations until they are known in another process, ms:`,
          head: ['', 'p50', 'p99', 'most', 'p50 from the answer', 'p99 from the answer'],
          rows: [
            ['to another process with an engine', inProcess],
            ['the floor: one PUBLISH to one SUBSCRIBE', bare],
            [
              `${OVER_HTTP}, to the last of ${VERIFIERS} verifiers over ${SERVICES} services`,
              overHttp,
            ],
          ].map(([name, took]) => {
            const all = took as readonly Took[]
            return [
              String(name),
              ...[0.5, 0.99, 1].map((share) => percentile(sinceCall(all), share)),
              ...[0.5, 0.99].map((share) => percentile(sinceAnswer(all), share)),
            ]
          }),
          readme: true,
        },
      ],
      goals: goalsOf({ overHttp, inProcess, bare }),
    }
  } finally {
    client.disconnect()
    await Promise.all(children.map(stopProcess))
    await redis.stop()
  }
}

interface Started {
  readonly child: ChildProcess
  readonly url: string
}

interface Way {
  /** Tells the measuring process which session to wait for. */
  announce(session: string): Promise<void>
  readonly at: Pick<ReturnType<typeof connect>, 'create' | 'revoke'>
}

/** How long it took from the call, and from its answer, until it was known. */
interface Took {
  readonly call: number
  readonly answer: number
}

async function timeOf(child: ChildProcess, { announce, at }: Way, turn: number): Promise<Took> {
  const created = await at.create({ subject: userOf(turn), request: REQUEST })
  if (!created.ok) throw new Error(`A login was refused: ${created.code}`)
  const { id } = created.session
  await announce(id)
  return knownAfter(child, id, () => at.revoke(id, { reason: 'bench' }))
}

/** The least that tells another process: one message, and no store. */
function bareTime(child: ChildProcess, client: Redis): Promise<Took> {
  const message = randomBytes(32).toString('base64url')
  return knownAfter(child, message, () => client.publish(BARE_CHANNEL, message))
}

async function knownAfter(
  child: ChildProcess,
  wanted: string,
  tell: () => Promise<unknown>,
): Promise<Took> {
  await wait(GAP_MS)
  const known = wordOf<RevocationWord>(child)
  const called = clock()
  await tell()
  const answered = clock()
  const word = await known
  if (word.kind !== 'refused' || word.session !== wanted)
    throw new Error('Another one was heard of.')
  return { call: word.at - called, answer: Math.max(0, word.at - answered) }
}

function sorted(took: readonly number[]): readonly number[] {
  return took.toSorted((a, b) => a - b)
}

interface Measured {
  readonly overHttp: readonly Took[]
  readonly inProcess: readonly Took[]
  readonly bare: readonly Took[]
}

function goalsOf(measured: Measured | { readonly why: string }): readonly Goal[] {
  const because = 'why' in measured ? { why: measured.why } : {}
  const { overHttp, inProcess, bare } =
    'why' in measured ? { overHttp: [], inProcess: [], bare: [] } : measured
  const p99 = (took: readonly Took[], since: keyof Took): number =>
    percentile(sorted(took.map((one) => one[since])), 0.99)
  return [
    {
      code: 'U5',
      what: "a revocation known in another process, p99 from the call, over the floor's",
      must: 4,
      moonshot: 2,
      measured: p99(inProcess, 'call') / p99(bare, 'call'),
      unit: 'x',
      ...because,
    },
    {
      code: 'U',
      what: `a revocation at the last of ${VERIFIERS} verifiers, p99 from the answer`,
      most: 50,
      measured: p99(overHttp, 'answer'),
      unit: ' ms',
    },
    {
      code: 'U',
      what: '... in another process with an engine, p99',
      most: 1,
      measured: p99(inProcess, 'answer'),
      unit: ' ms',
    },
  ]
}

function expectReady(word: RevocationWord): string {
  if (word.kind === 'ready') return word.url
  return fail(word.kind === 'failed' ? word.why : 'A process spoke out of turn.')
}

function fail(why: string): never {
  throw new Error(why)
}
