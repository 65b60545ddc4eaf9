import type { FeedHold } from '../../core/feed.ts'
import { PARTITIONS } from '../../core/ids.ts'
import { decodeCursor, encodeCursor, type Positions, type Step } from './cursor.ts'
import { lostBefore } from './reader.ts'

/** What a store keeps of a held feed: a number for each partition. */
export interface HoldSource {
  heads(): Promise<Positions>
  /** Undefined for a partition that is not held. */
  confirmed(): Promise<readonly (number | undefined)[]>
  /** Holds partitions from there on. Each by itself, and never back. */
  confirm(moved: readonly Step[]): Promise<void>
  release(): Promise<void>
}

export function feedHold(source: HoldSource): FeedHold {
  return {
    async confirm(through) {
      const positions = decodeCursor(through)
      const [confirmed, heads] = await Promise.all([source.confirmed(), source.heads()])
      const ahead = positions.findIndex((position, partition) => position > (heads[partition] ?? 0))
      if (ahead !== -1) throw lostBefore(ahead)
      const moved = positions.flatMap((sequence, partition) =>
        sequence > (confirmed[partition] ?? -1) ? { partition, sequence } : [],
      )
      if (moved.length > 0) await source.confirm(moved)
    },

    async confirmed() {
      // A fail-over may have lost some of the first: then nobody can say where to go on.
      const positions = (await source.confirmed()).flatMap((sequence) => sequence ?? [])
      return positions.length < PARTITIONS ? undefined : encodeCursor(positions)
    },

    release: () => source.release(),
  }
}
