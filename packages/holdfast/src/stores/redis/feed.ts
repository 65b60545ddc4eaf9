import { PARTITIONS } from '../../core/ids.ts'
import type { HoldSource } from '../feed/hold.ts'
import type { FeedSource, Numbered } from '../feed/reader.ts'
import type { RedisAsk } from './ask.ts'
import { itemOfFields, PACKED_FIELD, unpackedItem } from './feed-items.ts'
import type { RedisKeys } from './keys.ts'
import { bytesOf, listOf, numberOf, textOf } from './replies.ts'
import { SCRIPTS } from './scripts.ts'

const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition)

/**
 * The feed in Redis: one stream for each partition. Its ids are our own gap-free sequence numbers:
 * `17-0` is the 17th entry.
 */
export function redisFeed(
  { ask, keys }: { readonly ask: RedisAsk; readonly keys: RedisKeys },
  { cluster }: { readonly cluster: boolean },
): FeedSource & HoldSource {
  /** What is under one key of each partition. */
  async function values(name: (partition: number) => string): Promise<readonly unknown[]> {
    const names = ALL.map(name)
    if (cluster) return Promise.all(names.map((key) => ask.command(key, ['GET', key])))
    return listOf(await ask.command(names[0] ?? '', ['MGET', ...names]))
  }

  async function heads(): Promise<number[]> {
    return (await values(keys.counter)).map(numberOf)
  }

  async function range(partition: number, from: number, count: number): Promise<Numbered[]> {
    const key = keys.feed(partition)
    const args = ['XRANGE', key, `${from}-0`, '+', 'COUNT', String(count)] as const
    return listOf(await ask.command(key, args)).map(numberedOf)
  }

  return {
    heads,
    async oldest() {
      const newest = await heads()
      return Promise.all(
        newest.map(async (head, partition) => {
          if (head === 0) return 1
          const [first] = await range(partition, 0, 1)
          return first?.sequence ?? head + 1
        }),
      )
    },
    ranges: (asked) =>
      Promise.all(asked.map(({ partition, after, count }) => range(partition, after + 1, count))),

    async confirmed() {
      const found = await values(keys.confirmed)
      return found.map((value) => (bytesOf(value) === undefined ? undefined : numberOf(value)))
    },
    async confirm(moved) {
      await Promise.all(
        moved.map(({ partition, sequence }) =>
          ask.run(SCRIPTS.confirm, [keys.confirmed(partition)], ['', String(sequence)]),
        ),
      )
    },
    async release() {
      const names = ALL.map(keys.confirmed)
      await Promise.all(names.map((key) => ask.command(key, ['DEL', key])))
    },
  }
}

function numberedOf(entry: unknown): Numbered {
  const [id, flat] = listOf(entry)
  const fields = new Map<string, Buffer>()
  const values = listOf(flat)
  for (let i = 0; i < values.length; i += 2) {
    fields.set(textOf(values[i]), bytesOf(values[i + 1]) ?? Buffer.alloc(0))
  }
  const packed = fields.get(PACKED_FIELD)
  const item = packed === undefined ? itemOfFields(fields) : unpackedItem(packed)
  return { sequence: numberOf(textOf(id).replace(/-0$/, '')), item }
}
