import { SessionError } from '../../core/errors.ts'
import { PARTITIONS } from '../../core/ids.ts'
import { whole, withDefault } from '../../core/option-kinds.ts'
import type { OptionsOf } from '../../core/options.ts'

/** How much of the feed a store keeps. Whichever bound is reached first counts. */
export interface FeedOptions {
  /** Most feed entries kept, about, for each of the 64 partitions. Default 10000. */
  readonly feedLimit?: number
  /**
   * Most bytes of the feed, about, over all 64 partitions; each has an equal share. At least 1 MB.
   * Default 256 MB. A follower that was cut off for longer than the feed reaches back gets
   * `feed_gap`; verifiers of access tokens need the last 145 s.
   */
  readonly feedBytes?: number
  /**
   * Most bytes, about, that wait for the audit log beyond the two bounds above, over all 64
   * partitions; each has an equal share. At least 1 MB. Default 256 MB. Where it is reached,
   * changes are refused (`store_unavailable`), and endings are not. Of no effect where no audit log
   * is written.
   */
  readonly auditBacklogBytes?: number
}

/** The bounds of one partition. */
export interface FeedBound {
  readonly entries: number
  readonly bytes: number
  /** Beyond these two, of what waits for the audit log. */
  readonly backlogBytes: number
}

/** Appends between two looks at the size of a partition. */
export const MEASURED_EVERY = 64

const LEAST_BYTES = 1_000_000

/** What an entry counts where a store cannot tell its size: few take more. */
export const LARGE_ENTRY_BYTES = 400

/** {@link FeedOptions}, for the tables of the stores. */
export const FEED_FIELDS = {
  feedLimit: withDefault(whole({ min: 1 }), 10_000),
  feedBytes: withDefault(whole({ min: LEAST_BYTES }), 256_000_000),
  auditBacklogBytes: withDefault(whole({ min: LEAST_BYTES }), 256_000_000),
} satisfies OptionsOf<FeedOptions>

/** The bounds of one partition. */
export function feedBoundOf(options: Required<FeedOptions>): FeedBound {
  return {
    entries: options.feedLimit,
    bytes: Math.floor(options.feedBytes / PARTITIONS),
    backlogBytes: Math.floor(options.auditBacklogBytes / PARTITIONS),
  }
}

/** What samples may take of the backlog: the rest is for changes. */
export function sampledBound(bound: FeedBound): FeedBound {
  return { ...bound, backlogBytes: Math.floor(bound.backlogBytes / 2) }
}

/** What a change meets while no more may wait for the audit log. */
export function backlogFull(partition: number): SessionError {
  return new SessionError(
    'store_unavailable',
    `As many events of partition ${partition} wait for the audit log as may ` +
      '(auditBacklogBytes). Start or mend its writer; if there is to be no audit log any more, ' +
      'release the feed. Until then nothing is changed there; sessions can still be ended.',
  )
}
