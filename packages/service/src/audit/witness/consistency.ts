import { setImmediate as turn } from 'node:timers/promises'
import { countedLeaves } from '../log/read.ts'
import { chainOf } from '../log/segments.ts'
import { consistencyRanges, type Hash, merkleTree, rangeHashes, type Tree } from '../log/tree.ts'

/** Proofs that an audit log goes on from what it was, for witnesses. */
export interface ConsistencyProofs {
  /** Both trees are of the log as it is on disk; `from` is at least 1. */
  prove(from: number, size: number): Promise<readonly Hash[]>
}

/** Lines that are hashed between two turns of the event loop. */
const AT_ONCE = 1_000

/** Trees that are kept: each is some 20 hashes. More witnesses than that are in no one place. */
const MOST_KEPT = 32

/**
 * Reads no more than it must: the edges of the trees that were proven last are kept, so that the
 * next proof hashes what came since. Without one, as after a start, it begins at the first line of
 * the segment, which has the edge of all lines before.
 */
export function consistencyProofs(directory: string): ConsistencyProofs {
  const kept: Pick<Tree, 'size' | 'edge'>[] = []

  function nearest(from: number): Pick<Tree, 'size' | 'edge'> {
    const last = kept
      .filter(({ size }) => size <= from)
      .sort((a, b) => a.size - b.size)
      .at(-1)
    if (last !== undefined) return last
    const { segments } = chainOf(directory, from)
    const header = segments.findLast(({ header: one }) => one.index <= from)?.header
    if (header === undefined) return merkleTree()
    return merkleTree(
      header.index,
      header.edge.map((hash) => Buffer.from(hash, 'base64')),
    )
  }

  return {
    async prove(from, size) {
      const known = nearest(from)
      const path = rangeHashes(consistencyRanges(from, size), known)
      const tree = merkleTree(known.size, known.edge())
      for (const { index, leaf } of countedLeaves(directory, known.size)) {
        if (index >= size) break
        path.add(index, leaf)
        tree.add(leaf)
        if (index % AT_ONCE === 0) await turn()
      }
      if (!kept.some((one) => one.size === tree.size)) kept.push(tree)
      if (kept.length > MOST_KEPT) kept.shift()
      return path.hashes()
    },
  }
}
