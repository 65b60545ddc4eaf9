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
}

/** The bounds of one partition. */
export interface FeedBound {
  readonly entries: number
  readonly bytes: number
}

/** Appends between two looks at the size of a partition. */
export const MEASURED_EVERY = 64

const LEAST_BYTES = 1_000_000

/** {@link FeedOptions}, for the tables of the stores. */
export const FEED_FIELDS = {
  feedLimit: withDefault(whole({ min: 1 }), 10_000),
  feedBytes: withDefault(whole({ min: LEAST_BYTES }), 256_000_000),
} satisfies OptionsOf<FeedOptions>

/** The bounds of one partition. */
export function feedBoundOf({ feedLimit, feedBytes }: Required<FeedOptions>): FeedBound {
  return { entries: feedLimit, bytes: Math.floor(feedBytes / PARTITIONS) }
}
