import type { Store } from '../../core/store.ts'
import { type FeedBound, sampledBound } from '../feed/bound.ts'
import { type HeadWatchOptions, headWatch } from '../feed/head-watch.ts'
import { feedHold } from '../feed/hold.ts'
import { feedReader } from '../feed/reader.ts'
import { checkedKey } from '../input.ts'
import { locate } from '../partition.ts'
import type { RedisAsk } from './ask.ts'
import { batchedReads, type ReadKeys } from './batched-reads.ts'
import { batchedUpdates, type Update } from './batched-updates.ts'
import { admitted, feedArguments, redisEntries } from './entries.ts'
import { redisFeed } from './feed.ts'
import { packedEvent } from './feed-items.ts'
import type { RedisKeys } from './keys.ts'
import { rollbackWatch } from './rollback-watch.ts'
import { SCRIPTS } from './scripts.ts'
import { redisReplays, redisSubjects } from './subjects.ts'
import type { WriteState } from './write-state.ts'

const POLL_MS = 200

/** What the contracts of the Redis store share. */
export interface RedisContext {
  readonly ask: RedisAsk
  readonly keys: RedisKeys
  readonly now: () => number
  readonly feed: FeedBound
  readonly readKeys: ReadKeys
  readonly update: (update: Update) => Promise<number>
  /** Tells followers in this process of a write, so that they need not wait for the next poll. */
  readonly wake: () => void
}

export interface StoreParts extends Pick<HeadWatchOptions, 'listen'> {
  readonly cluster: boolean
  readonly state: WriteState
}

/** The store contract in Redis commands. */
export function storeIn(
  shared: Omit<RedisContext, 'wake' | 'readKeys' | 'update'>,
  { cluster, state, listen }: StoreParts,
): Store {
  const { ask, keys } = shared
  const feed = redisFeed(shared, { cluster })
  const rollbacks = rollbackWatch({ ask, heads: feed.heads, state, cluster })
  const source = { ...feed, heads: rollbacks.heads }
  const watch = headWatch(source.heads, {
    everyMs: POLL_MS,
    ...(listen === undefined ? {} : { listen }),
  })
  const readKeys = batchedReads(ask, { cluster })
  const update = batchedUpdates(ask, {
    cluster,
    shared: () => [...feedArguments(shared), keys.wake],
  })
  const context: RedisContext = { ...shared, readKeys, update, wake: watch.wake }

  return {
    entries: redisEntries(context),
    subjects: redisSubjects(context),
    replays: redisReplays(context),
    feed: {
      ...feedReader(source, watch),
      async append(key, events, { sampled = false } = {}) {
        const { partition } = locate(checkedKey(key))
        const [first] = events
        if (first === undefined) return
        const reply = await ask.run(
          SCRIPTS.append,
          [
            ...[keys.feed(partition), keys.counter(partition), keys.confirmed(partition)],
            keys.replay(partition, first.id),
          ],
          [
            ...feedArguments(sampled ? { ...shared, feed: sampledBound(shared.feed) } : shared),
            ...events.map(packedEvent),
          ],
        )
        admitted(reply, partition)
        watch.wake()
      },
      hold: feedHold(source),
    },
    onRollback: rollbacks.onRollback,
    async close() {
      rollbacks.close()
      watch.close()
    },
  }
}
