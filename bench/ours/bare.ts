import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { open } from 'lmdb'
import { createClient } from 'redis'
import { contend, type Place } from '../contender-process.ts'
import { SESSIONS } from '../facts.ts'
import type { Row } from '../rounds.ts'
import { primitives, readOf } from './primitives.ts'

/** One sealed record: about what a peer's 570 bytes of JSON come to, with a nonce and a tag. */
const RECORD = randomBytes(600)

await contend(async ({ redisPort, folder }: Place): Promise<readonly Row[]> => {
  const keys = Array.from(
    { length: SESSIONS },
    () => `bare:${randomBytes(32).toString('base64url')}`,
  )
  let at = 0
  const key = (): string => keys[at++ % SESSIONS] ?? ''

  const map = new Map(keys.map((name) => [name, RECORD]))
  const lmdb = open<Buffer, string>({ path: join(folder, 'bare'), encoding: 'binary' })
  await Promise.all(keys.map((name) => lmdb.put(name, RECORD)))
  const rows: Row[] = [
    ...primitives(),
    { name: readOf('memory'), run: () => found(map.get(key())) },
    { name: readOf('LMDB'), run: () => found(lmdb.getBinary(key())) },
  ]
  if (redisPort === 0) return rows

  const ioredis = new Redis({ host: '127.0.0.1', port: redisPort })
  await Promise.all(keys.map((name) => ioredis.set(name, RECORD)))
  const plain = await createClient({ socket: { host: '127.0.0.1', port: redisPort } }).connect()
  const client = plain.withTypeMapping({ 36: Buffer })
  return [
    ...rows,
    { name: readOf('Redis'), run: async () => found(await ioredis.getBuffer(key())) },
    { name: readOf('Redis (node-redis)'), run: async () => found(await client.get(key())) },
  ]
})

function found(value: { readonly length: number } | null | undefined): void {
  if (value?.length !== RECORD.length)
    throw new Error('A record that was just written is not there.')
}
