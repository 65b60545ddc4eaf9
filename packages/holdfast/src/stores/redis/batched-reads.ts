import { PARTITIONS } from '../../core/ids.ts'
import type { RedisAsk } from './ask.ts'
import { batches } from './batches.ts'
import { listOf, unexpectedReply } from './replies.ts'

/** Values of some keys of one partition, in their order. */
export type ReadKeys = (partition: number, names: readonly string[]) => Promise<readonly unknown[]>

/** Reads in one command, of two or three keys each: so many keep Redis busy for some 50 µs. */
const MOST_READS = 64

/**
 * Puts the reads of one turn of the event loop into one command. In a Cluster each partition has a
 * command of its own, because it is one slot.
 */
export function batchedReads(ask: RedisAsk, { cluster }: { readonly cluster: boolean }): ReadKeys {
  const read = batches<readonly string[], readonly unknown[]>({
    queues: cluster ? PARTITIONS : 1,
    most: MOST_READS,
    later: setImmediate,
    async send(batch) {
      const names = batch.flat()
      const values = listOf(await ask.command(names[0] ?? '', ['MGET', ...names]))
      if (values.length !== names.length) throw unexpectedReply()
      let at = 0
      return batch.map(({ length }) => {
        at += length
        return values.slice(at - length, at)
      })
    },
  })
  return (partition, names) => read(names, cluster ? partition : 0)
}
