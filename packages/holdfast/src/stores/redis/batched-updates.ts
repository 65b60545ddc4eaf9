import { PARTITIONS } from '../../core/ids.ts'
import type { RedisAsk } from './ask.ts'
import { batches } from './batches.ts'
import { listOf, textOf } from './replies.ts'
import { SCRIPTS } from './scripts.ts'

/** One update of a record, as the script takes it. */
export interface Update {
  readonly partition: number
  readonly keys: readonly string[]
  readonly args: readonly (string | Buffer)[]
}

/** So many keep Redis busy for less than a millisecond. */
const MOST_UPDATES = 64

/**
 * Puts the updates of one turn of the event loop into one run of their script. Each has an outcome
 * of its own. In a Cluster each partition has a run of its own, because it is one slot.
 */
export function batchedUpdates(
  ask: RedisAsk,
  { cluster, shared }: { readonly cluster: boolean; readonly shared: () => readonly string[] },
): (update: Update) => Promise<number> {
  const { update: script } = SCRIPTS
  const run = batches<Update, number>({
    queues: cluster ? PARTITIONS : 1,
    most: MOST_UPDATES,
    later: process.nextTick,
    async send(batch) {
      const keys: string[] = []
      const args: (string | Buffer)[] = [...shared()]
      for (const update of batch) {
        keys.push(...update.keys)
        args.push(...update.args)
      }
      const outcomes = listOf(await ask.run(script, keys, args))
      return outcomes.map((outcome) =>
        typeof outcome === 'number' ? outcome : ask.failure(script.name, textOf(outcome)),
      )
    },
  })
  return (update) => run(update, cluster ? update.partition : 0)
}
