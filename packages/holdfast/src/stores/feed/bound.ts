import { SessionError } from '../../core/errors.ts'
import { PARTITIONS } from '../../core/ids.ts'

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

const FEED_LIMIT = 10_000
const FEED_BYTES = 256_000_000
const LEAST_BYTES = 1_000_000

/** Throws `config_invalid` for a bound that is no whole number or that keeps next to nothing. */
export function feedBoundOf({
  feedLimit = FEED_LIMIT,
  feedBytes = FEED_BYTES,
}: FeedOptions): FeedBound {
  if (!Number.isSafeInteger(feedLimit) || feedLimit < 1) {
    throw invalid('"feedLimit" must be a whole number of entries, at least 1')
  }
  if (!Number.isSafeInteger(feedBytes) || feedBytes < LEAST_BYTES) {
    throw invalid(`"feedBytes" must be a whole number of bytes, at least ${LEAST_BYTES}`)
  }
  return { entries: feedLimit, bytes: Math.floor(feedBytes / PARTITIONS) }
}

function invalid(problem: string): SessionError {
  return new SessionError('config_invalid', `A store cannot be made like that: ${problem}.`)
}
