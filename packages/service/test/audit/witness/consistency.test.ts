import { expect, test } from 'vitest'
import { countedLeaves } from '../../../src/audit/log/read.ts'
import { EMPTY_ROOT, type Hash, isConsistent, merkleTree } from '../../../src/audit/log/tree.ts'
import { consistencyProofs } from '../../../src/audit/witness/consistency.ts'
import { place } from '../log/support.ts'
import { grow, wholeProof } from './support.ts'

/** A log of many small segments. */
function grown(lines: number) {
  const { directory, open } = place()
  const log = open({ segmentBytes: 3_000 })
  grow(log, lines - log.size())
  return { directory, log, size: log.size() }
}

function rootsOf(directory: string): readonly Hash[] {
  const tree = merkleTree()
  const roots = [EMPTY_ROOT]
  for (const { leaf } of countedLeaves(directory)) {
    tree.add(leaf)
    roots.push(tree.root())
  }
  return roots
}

test('from the headers of segments come the proofs of all leaves, for any two sizes', async () => {
  const { directory, size } = grown(34)
  const roots = rootsOf(directory)

  for (let from = 1; from <= size; from++) {
    for (let to = from + 1; to <= size; to++) {
      const proof = await consistencyProofs(directory).prove(from, to)
      expect(proof).toEqual(wholeProof(directory, from, to))
      const [first = EMPTY_ROOT, second = EMPTY_ROOT] = [roots[from], roots[to]]
      expect(isConsistent({ size: from, root: first }, { size: to, root: second }, proof)).toBe(
        true,
      )
    }
  }
})

test('from trees that were kept come the proofs of all leaves, wherever an asker is', async () => {
  const { directory, log } = grown(40)
  const { prove } = consistencyProofs(directory)
  const seen = [7, 23, 39]

  for (let checkpoint = 0; checkpoint < 20; checkpoint++) {
    grow(log, 1 + (checkpoint % 5))
    const size = log.size()
    for (const [at, from] of seen.entries()) {
      expect(await prove(from, size)).toEqual(wholeProof(directory, from, size))
      // One comes along each time, one every third, one never.
      if (at === 0 || (at === 1 && checkpoint % 3 === 0)) seen[at] = size
    }
  }
})
