import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { open } from 'lmdb'
import { contend, type Place } from '../contender-process.ts'
import type { Row } from '../rounds.ts'
import { rowOn, WORKING_SETS, walkThrough } from '../working-sets.ts'
import { primitives, readOf } from './primitives.ts'

/** One sealed record: about what a peer's 570 bytes of JSON come to, with a nonce and a tag. */
const RECORD = randomBytes(600)

await contend(async ({ redisPort, folder }: Place): Promise<readonly Row[]> => {
  const lmdb = open<Buffer, string>({ path: join(folder, 'bare'), encoding: 'binary' })
  const rows: Row[] = [...primitives()]
  for (const set of WORKING_SETS) {
    const keys = Array.from(
      { length: set.sessions },
      () => `bare:${randomBytes(32).toString('base64url')}`,
    )
    const walk = walkThrough(set)
    const key = (): string => keys[walk.next()] ?? ''

    const map = new Map(keys.map((name) => [name, RECORD]))
    await Promise.all(keys.map((name) => lmdb.put(name, RECORD)))
    rows.push(
      { name: rowOn(readOf('memory'), set), run: () => found(map.get(key())) },
      { name: rowOn(readOf('LMDB'), set), run: () => found(lmdb.getBinary(key())) },
    )
    if (redisPort === 0) continue
    const client = new Redis({ host: '127.0.0.1', port: redisPort })
    await Promise.all(keys.map((name) => client.set(name, RECORD)))
    const run = async (): Promise<void> => found(await client.getBuffer(key()))
    rows.push({ name: rowOn(readOf('Redis'), set), run })
  }
  return rows
})

function found(value: { readonly length: number } | null | undefined): void {
  if (value?.length !== RECORD.length)
    throw new Error('A record that was just written is not there.')
}
