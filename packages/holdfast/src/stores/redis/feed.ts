import { PARTITIONS } from '../../core/ids.ts'
import type { FeedItem } from '../../core/store.ts'
import type { FeedSource, Numbered } from '../feed/reader.ts'
import type { RedisAsk } from './ask.ts'
import type { RedisKeys } from './keys.ts'
import { bytesOf, listOf, numberOf, textOf, unexpectedReply } from './replies.ts'

const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition)

/**
 * The feed in Redis: one stream for each partition. Its ids are our own gap-free sequence numbers:
 * `17-0` is the 17th entry.
 */
export function redisFeed(
  { ask, keys }: { readonly ask: RedisAsk; readonly keys: RedisKeys },
  { cluster }: { readonly cluster: boolean },
): FeedSource {
  async function heads(): Promise<number[]> {
    const counters = ALL.map((partition) => keys.counter(partition))
    if (cluster) {
      const replies = await Promise.all(counters.map((key) => ask.command(key, ['GET', key])))
      return replies.map(numberOf)
    }
    return listOf(await ask.command(counters[0] ?? '', ['MGET', ...counters])).map(numberOf)
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
  }
}

function numberedOf(entry: unknown): Numbered {
  const [id, flat] = listOf(entry)
  const fields = new Map<string, Buffer>()
  const values = listOf(flat)
  for (let i = 0; i < values.length; i += 2) {
    fields.set(textOf(values[i]), bytesOf(values[i + 1]) ?? Buffer.alloc(0))
  }
  return { sequence: numberOf(textOf(id).replace(/-0$/, '')), item: itemOf(fields) }
}

function itemOf(fields: ReadonlyMap<string, Buffer>): FeedItem {
  const bytes = (name: string): Buffer => fields.get(name) ?? Buffer.alloc(0)
  const text = (name: string): string => bytes(name).toString()
  const at = numberOf(text('t'))
  switch (text('k')) {
    case 'e':
      return { kind: 'event', id: text('i'), at, sealed: bytes('s') }
    case 'c':
      return { kind: 'changed', session: text('i'), version: numberOf(text('v')), at }
    case 'r':
      return { kind: 'revoked', session: text('i'), reason: text('w'), at }
    case 'g':
      return {
        kind: 'subject',
        subject: text('i'),
        generation: numberOf(text('g')),
        except: text('x') === '' ? null : text('x'),
        reason: text('w'),
        at,
      }
    default:
      throw unexpectedReply()
  }
}
