import { PARTITIONS } from '../../core/ids.ts'
import type { RedisAsk } from './ask.ts'
import { listOf, unexpectedReply } from './replies.ts'

/** Values of some keys of one partition, in their order. */
export type ReadKeys = (partition: number, names: readonly string[]) => Promise<readonly unknown[]>

/** Keys in one command: so many keep Redis busy for some 50 µs. */
const MAX_NAMES = 192

interface Waiting {
  readonly names: readonly string[]
  resolve(values: readonly unknown[]): void
  reject(error: unknown): void
}

/**
 * Puts the reads of one turn of the event loop into one command: the client's own work for a
 * command costs several times what Redis does for it. In a Cluster each partition has a command of
 * its own, because it is one slot.
 */
export function batchedReads(ask: RedisAsk, { cluster }: { readonly cluster: boolean }): ReadKeys {
  const queues = Array.from({ length: cluster ? PARTITIONS : 1 }, (): Waiting[] => [])
  let due = false

  function flush(): void {
    due = false
    for (const queue of queues) {
      let batch: Waiting[] = []
      let size = 0
      for (const waiting of queue.splice(0)) {
        if (size + waiting.names.length > MAX_NAMES) {
          void send(batch)
          batch = []
          size = 0
        }
        batch.push(waiting)
        size += waiting.names.length
      }
      if (size > 0) void send(batch)
    }
  }

  async function send(batch: readonly Waiting[]): Promise<void> {
    const names = batch.flatMap((waiting) => waiting.names)
    try {
      const values = listOf(await ask.command(names[0] ?? '', ['MGET', ...names]))
      if (values.length !== names.length) throw unexpectedReply()
      let at = 0
      for (const { names, resolve } of batch) {
        resolve(values.slice(at, at + names.length))
        at += names.length
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  return (partition, names) =>
    new Promise((resolve, reject) => {
      queues[cluster ? partition : 0]?.push({ names, resolve, reject })
      if (due) return
      due = true
      setImmediate(flush)
    })
}
