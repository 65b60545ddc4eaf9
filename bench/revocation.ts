import type { ChildProcess } from 'node:child_process'
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
import { print, progress } from './progress.ts'
import { clock, type RevocationWord } from './revocation/words.ts'
import { figure, table } from './table.ts'

const SERVICES = 3
const VERIFIERS = 50
const REVOCATIONS = 100
const GAP_MS = 20
const KEY = 'the-key-of-the-bench-and-nobody-else'

/**
 * Measures the time from the answer to a revocation until the last verifier, or another engine,
 * refuses the session.
 */
export const revocationPart: Part = async ({ folder, startRedis }: Bench) => {
  const redis = await startRedis()
  if (redis === undefined) {
    print('\nThe reach of a revocation was not measured: no redis-server was found.')
    return { goals: goalsOf([], []) }
  }
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
    const overHttp = await timesOf(verifiers.child, {
      async announce(session) {
        verifiers.child.send(session)
        expectReady(await wordOf<RevocationWord>(verifiers.child))
      },
      at: (i) => remote[i % SERVICES] ?? fail('There is no service.'),
    })

    progress('another engine')
    const engine = await start('engine', [String(redis.port)])
    const here = createSessions({ store: redisStore({ client }), keyring: parseKeyring(ring) })
    const inProcess = await timesOf(engine.child, { announce: async () => {}, at: () => here })

    print(`\n${REVOCATIONS} revocations, ms from the answer until it is known:\n`)
    print(
      table(
        ['', 'p50', 'p99', 'most'],
        [
          [`to the last of ${VERIFIERS} verifiers, over ${SERVICES} services`, ...row(overHttp)],
          ['to another process with an engine', ...row(inProcess)],
        ],
      ),
    )
    return { goals: goalsOf(overHttp, inProcess) }
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
  at(i: number): Pick<ReturnType<typeof connect>, 'create' | 'revoke'>
}

async function timesOf(child: ChildProcess, { announce, at }: Way): Promise<readonly number[]> {
  const took: number[] = []
  for (let i = 0; i < REVOCATIONS; i++) {
    const created = await at(i).create({ subject: userOf(i), request: REQUEST })
    if (!created.ok) throw new Error(`A login was refused: ${created.code}`)
    const { id } = created.session
    await announce(id)
    await wait(GAP_MS)
    const known = wordOf<RevocationWord>(child)
    await at(i).revoke(id, { reason: 'bench' })
    const answeredAt = clock()
    const word = await known
    if (word.kind !== 'refused' || word.session !== id) throw new Error('Another one was heard of.')
    took.push(Math.max(0, word.at - answeredAt))
  }
  return took.toSorted((a, b) => a - b)
}

function row(took: readonly number[]): readonly string[] {
  return [0.5, 0.99, 1].map((share) => figure(percentile(took, share)))
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN
}

function goalsOf(overHttp: readonly number[], inProcess: readonly number[]): readonly Goal[] {
  return [
    {
      code: 'U',
      what: `a revocation at the last of ${VERIFIERS} verifiers, p99`,
      most: 50,
      measured: percentile(overHttp, 0.99),
      unit: ' ms',
    },
    {
      code: 'U',
      what: '... in another process with an engine, p99',
      most: 1,
      measured: percentile(inProcess, 0.99),
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
