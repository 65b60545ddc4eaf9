import type { Numbered, Range } from './reader.ts'

/** An entry that came with a wake-up, and the bytes that it came in. */
export interface Told extends Numbered {
  readonly bytes: Uint8Array
}

/** The newest entries that wake-ups brought, so that nobody has to read them. */
export interface ToldEntries {
  /**
   * Takes entries that follow one another. Answers false where one is not what was told before
   * under its number: the store has lost something, or a message was sent again.
   */
  add(partition: number, run: readonly Told[]): boolean
  /** The entries after a position, as far as they are there; undefined without the first one. */
  after(range: Range): readonly Numbered[] | undefined
}

/** More than one message brings. */
const KEPT = 16

export function toldEntries(): ToldEntries {
  const kept = new Map<number, readonly Told[]>()

  return {
    add(partition, run) {
      const before = kept.get(partition) ?? []
      for (const { sequence, bytes } of run) {
        const known = before.find((told) => told.sequence === sequence)
        if (known !== undefined && Buffer.compare(known.bytes, bytes) !== 0) {
          kept.delete(partition)
          return false
        }
      }
      const newest = before.at(-1)?.sequence ?? 0
      const first = run[0]?.sequence ?? 0
      const fresh = run.filter(({ sequence }) => sequence > newest)
      if (fresh.length > 0) {
        kept.set(partition, first > newest + 1 ? run : [...before, ...fresh].slice(-KEPT))
      }
      return true
    },

    after({ partition, after, count }) {
      const run = kept.get(partition) ?? []
      const start = run.findIndex(({ sequence }) => sequence === after + 1)
      return start === -1 ? undefined : run.slice(start, start + count)
    },
  }
}
