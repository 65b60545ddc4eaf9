import type { Redis } from 'ioredis'
import { open } from 'lmdb'

/** The content of a store by key or table, in the terms of the database itself. */
export type Raw = Readonly<Record<string, RawValue>>

/** A string, a sorted set or a stream of Redis; or the entries of an LMDB table. */
export type RawValue =
  | { readonly string: string }
  | { readonly sortedSet: readonly (readonly [member: string, score: string])[] }
  | { readonly stream: readonly (readonly [id: string, fields: readonly string[]])[] }
  | { readonly table: readonly (readonly [key: string, value: string])[] }

/** More than the tables of the store. */
const MAX_TABLES = 32

/** Every key of a Redis, but for their expiry. */
export async function dumpRedis(client: Redis): Promise<Raw> {
  const raw: Record<string, RawValue> = {}
  for (const key of (await client.keys('*')).sort()) raw[key] = await redisValue(client, key)
  return raw
}

async function redisValue(client: Redis, key: string): Promise<RawValue> {
  const type = await client.type(key)
  if (type === 'string') return { string: base64(await client.getBuffer(key)) }
  if (type === 'zset') {
    const flat = await client.zrange(key, '0', '-1', 'WITHSCORES')
    return { sortedSet: pairsOf(flat) }
  }
  if (type !== 'stream') throw new Error(`golden files know no ${type}`)
  const entries = await client.xrangeBuffer(key, '-', '+')
  return { stream: entries.map(([id, fields]) => [id.toString(), fields.map(base64)]) }
}

export async function restoreRedis(client: Redis, raw: Raw): Promise<void> {
  for (const [key, value] of Object.entries(raw)) {
    if ('string' in value) await client.set(key, bytes(value.string))
    else if ('sortedSet' in value) {
      await client.zadd(key, ...value.sortedSet.flatMap(([member, score]) => [score, member]))
    } else if ('stream' in value) {
      for (const [id, fields] of value.stream) await client.xadd(key, id, ...fields.map(bytes))
    }
  }
}

/** Every table of an LMDB directory that nobody has open. */
export async function dumpLmdb(path: string): Promise<Raw> {
  const root = open({ path, maxDbs: MAX_TABLES, noSubdir: false })
  const raw: Record<string, RawValue> = {}
  for (const name of [...root.getKeys()].map(String)) {
    const table = root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' })
    raw[name] = {
      table: [...table.getRange()].map(({ key, value }) => [base64(key), base64(value)]),
    }
  }
  await root.close()
  return raw
}

export async function restoreLmdb(path: string, raw: Raw): Promise<void> {
  // Nothing here outlives a crash, so nothing waits for the disk.
  const root = open({ path, maxDbs: MAX_TABLES, noSubdir: false, noSync: true })
  for (const [name, value] of Object.entries(raw)) {
    const table = root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' })
    if (!('table' in value)) continue
    await table.transaction(() => {
      for (const [key, content] of value.table) table.putSync(bytes(key), bytes(content))
    })
  }
  await root.close()
}

function pairsOf(flat: readonly string[]): (readonly [string, string])[] {
  return flat.flatMap((member, at) => (at % 2 === 0 ? [[member, flat[at + 1] ?? '']] : []))
}

export function base64(content: Uint8Array | null): string {
  return Buffer.from(content ?? []).toString('base64')
}

export function bytes(text: string): Buffer {
  return Buffer.from(text, 'base64')
}
