import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from 'holdfast'
import { lmdbStore } from 'holdfast/lmdb'
import { memoryStore } from 'holdfast/memory'
import { type Case, measure, table } from './measure.ts'
import { overHttp } from './over-http.ts'
import { primitives } from './primitives.ts'
import { redisServer } from './redis-server.ts'
import { estateOn, isRefused, NEXT_STREET, passes, REQUEST } from './subjects.ts'

const UNIT = 'JSON.parse of a record'
const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
const redis = await redisServer(folder)

try {
  const { sessions, next } = await estateOn(memoryStore())
  const [session] = (await sessions.list({ subject: 'subject-0' })).items
  if (session === undefined) throw new Error('The session that was just made is not there.')
  const garbage = forged(next())

  const cases: Case[] = [
    ...primitives(session),
    { name: 'refuse a forged token', run: () => isRefused(sessions, garbage) },
    ...(await verifications('memory', memoryStore())),
    ...(await verifications('LMDB', lmdbStore({ path: join(folder, 'lmdb') }))),
  ]
  if (redis !== undefined) {
    cases.push(...(await verifications('Redis', redis.store, redis.cpuMicros)))
  }

  print(`Node ${process.versions.node}, ${availableParallelism()} cores, 64 in flight.`)
  print('CPU of one run, that of Redis included; the ratio is to the first line.\n')
  print(table(await measure(cases), UNIT))
  if (redis === undefined) print('\n  (no redis-server found: Redis was not measured)')

  const { bare, verified } = await overHttp()
  print('\nServer CPU of one HTTP request, node:http, memory store:\n')
  print(`  bare handler          ${bare.toFixed(1)} µs`)
  print(`  handler with verify   ${verified.toFixed(1)} µs   ${(verified / bare).toFixed(2)}x`)
} finally {
  await redis?.stop()
  rmSync(folder, { recursive: true, force: true })
}

/** `unchanged`: the fast path. `changed`: another network than the last one at every call, so that all signals look and the record is written. */
async function verifications(
  name: string,
  store: Store,
  outside?: () => Promise<number>,
): Promise<readonly Case[]> {
  const still = await estateOn(store)
  const moving = await estateOn(store)
  let turn = 0
  const move = (): Promise<void> => {
    const lap = Math.floor(turn++ / moving.tokens.length)
    return passes(moving.sessions, moving.next(), lap % 2 === 0 ? NEXT_STREET : REQUEST)
  }
  const stay = (): Promise<void> => passes(still.sessions, still.next(), REQUEST)
  const extra = outside === undefined ? {} : { outside }
  return [
    { name: `verify on ${name}, unchanged`, run: stay, ...extra },
    { name: `verify on ${name}, changed`, run: move, ...extra },
  ]
}

/** A well-formed token whose tag is wrong. */
function forged(token: string): string {
  const last = token.endsWith('A') ? 'Q' : 'A'
  return `${token.slice(0, -1)}${last}`
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
