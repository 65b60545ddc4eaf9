import { hash } from 'node:crypto'

/**
 * The Merkle tree of RFC 6962 (and RFC 9162, section 2.1) with SHA-256.
 *
 * Only the hashes of the full subtrees along the right edge are kept, some 20 for a million leaves.
 * A proof of inclusion is made by hashing all leaves once more in order, in memory that does not
 * grow: some seconds for a million lines. Such proofs are rare, and a file of hashes would be one
 * more thing that a killed writer leaves half written and that can disagree with the lines. A proof
 * of consistency needs the edge of the smaller tree, or of one before, and the leaves behind it.
 */

/** A SHA-256 hash. */
export type Hash = Buffer

export const HASH_BYTES = 32

const LEAF = Buffer.of(0)
const NODE = Buffer.of(1)

/** The root of a tree without leaves. */
export const EMPTY_ROOT: Hash = sha256()

export function leafHash(data: Uint8Array): Hash {
  return sha256(LEAF, data)
}

function nodeHash(left: Uint8Array, right: Uint8Array): Hash {
  return sha256(NODE, left, right)
}

function sha256(...parts: readonly Uint8Array[]): Hash {
  // A string of bytes is made in half of the time of a buffer.
  return Buffer.from(hash('sha256', Buffer.concat(parts), 'binary'), 'binary')
}

/** A tree that grows at its right edge. */
export interface Tree {
  readonly size: number
  add(leaf: Hash): void
  root(): Hash
  /** Hashes of the full subtrees, the largest first: a tree goes on from them and its size. */
  edge(): readonly Hash[]
}

/** Empty, or the tree whose size and edge are given. Throws where these do not fit. */
export function merkleTree(size = 0, edge: readonly Hash[] = []): Tree {
  if (edge.length !== onesIn(size)) throw new RangeError('size and edge are of two trees')
  const subtrees = [...edge]
  let leaves = size

  return {
    get size() {
      return leaves
    },
    add(leaf) {
      let top = leaf
      for (let rest = leaves; rest % 2 === 1; rest = (rest - 1) / 2) {
        top = nodeHash(subtrees.pop() ?? EMPTY_ROOT, top)
      }
      subtrees.push(top)
      leaves++
    },
    root: () => joined(subtrees),
    edge: () => [...subtrees],
  }
}

/** Leaves `start` to `end`, the last not included. */
export interface Range {
  readonly start: number
  readonly end: number
}

/**
 * Parts of the tree whose hashes prove that a leaf is in it, in the order of the proof
 * (RFC 9162, section 2.1.3.1). The index must be below the size.
 */
export function inclusionRanges(index: number, size: number): readonly Range[] {
  if (index < 0 || index >= size) throw new RangeError('there is no such leaf')
  const ranges: Range[] = []
  let [start, end] = [0, size]
  while (end - start > 1) {
    const middle = start + splitOf(end - start)
    if (index < middle) {
      ranges.unshift({ start: middle, end })
      end = middle
    } else {
      ranges.unshift({ start, end: middle })
      start = middle
    }
  }
  return ranges
}

/**
 * Parts of the tree of `size` whose hashes prove that the tree of size `from` is its beginning, in
 * the order of the proof (RFC 9162, section 2.1.4.1). `from` must be 1 to `size`.
 */
export function consistencyRanges(from: number, size: number): readonly Range[] {
  if (from < 1 || from > size) throw new RangeError('there is no such smaller tree')
  const ranges: Range[] = []
  let [start, end] = [0, size]
  while (from < end) {
    const middle = start + splitOf(end - start)
    if (from <= middle) {
      ranges.unshift({ start: middle, end })
      end = middle
    } else {
      ranges.unshift({ start, end: middle })
      start = middle
    }
  }
  // The smaller tree is known to the verifier where it is a subtree by itself.
  if (start > 0) ranges.unshift({ start, end })
  return ranges
}

/**
 * The hashes of ranges that do not overlap, from all leaves in order, or from those behind a tree
 * that is known. Throws where a range is a part of that tree, and none of its edge.
 */
export function rangeHashes(
  ranges: readonly Range[],
  known: Pick<Tree, 'size' | 'edge'> = merkleTree(),
): {
  readonly add: (index: number, leaf: Hash) => void
  readonly hashes: () => readonly Hash[]
} {
  const subtrees = subtreesOf(known)
  const parts = ranges.map(({ start, end }) => {
    const size = Math.max(0, Math.min(end, known.size) - start)
    const inside = subtrees.filter((one) => one.start >= start && one.end <= end)
    return {
      start,
      end,
      tree: merkleTree(
        size,
        inside.map(({ hash: top }) => top),
      ),
    }
  })
  return {
    add(index, leaf) {
      const part = parts.find(({ start, end }) => index >= start && index < end)
      part?.tree.add(leaf)
    },
    hashes: () => parts.map(({ tree }) => tree.root()),
  }
}

/** Where the subtrees of an edge are. */
function subtreesOf(tree: Pick<Tree, 'size' | 'edge'>): readonly (Range & { hash: Hash })[] {
  let start = 0
  return tree.edge().map((top) => {
    let leaves = 1
    while (2 * leaves <= tree.size - start) leaves *= 2
    start += leaves
    return { start: start - leaves, end: start, hash: top }
  })
}

/** RFC 9162, section 2.1.3.2. */
export function includes(
  leaf: { readonly index: number; readonly hash: Hash },
  tree: { readonly size: number; readonly root: Hash },
  proof: readonly Hash[],
): boolean {
  if (leaf.index < 0 || leaf.index >= tree.size) return false
  let [node, last] = [leaf.index, tree.size - 1]
  let result = leaf.hash
  for (const sibling of proof) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      result = nodeHash(sibling, result)
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, half(last)]
    } else {
      result = nodeHash(result, sibling)
    }
    ;[node, last] = [half(node), half(last)]
  }
  return last === 0 && result.equals(tree.root)
}

/** RFC 9162, section 2.1.4.2. Every tree is consistent with itself and with the empty one. */
export function isConsistent(
  first: { readonly size: number; readonly root: Hash },
  second: { readonly size: number; readonly root: Hash },
  proof: readonly Hash[],
): boolean {
  if (first.size > second.size) return false
  if (first.size === second.size) return proof.length === 0 && first.root.equals(second.root)
  if (first.size === 0) return proof.length === 0 && first.root.equals(EMPTY_ROOT)
  const isSubtree = onesIn(first.size) === 1
  const [start, ...rest] = isSubtree ? [first.root, ...proof] : proof
  if (start === undefined) return false
  let [node, last] = [first.size - 1, second.size - 1]
  while (node % 2 === 1) [node, last] = [half(node), half(last)]
  let [before, after] = [start, start]
  for (const sibling of rest) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      before = nodeHash(sibling, before)
      after = nodeHash(sibling, after)
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, half(last)]
    } else {
      after = nodeHash(after, sibling)
    }
    ;[node, last] = [half(node), half(last)]
  }
  return last === 0 && before.equals(first.root) && after.equals(second.root)
}

function joined(subtrees: readonly Hash[]): Hash {
  let root = subtrees.at(-1)
  if (root === undefined) return EMPTY_ROOT
  for (const left of subtrees.slice(0, -1).reverse()) root = nodeHash(left, root)
  return root
}

/** The largest power of two below a number of leaves, which is at least 2. */
function splitOf(leaves: number): number {
  let split = 1
  while (2 * split < leaves) split *= 2
  return split
}

// Sizes may pass 2^31, where the bit operators of the language end.
function half(value: number): number {
  return Math.floor(value / 2)
}

function onesIn(value: number): number {
  let ones = 0
  for (let rest = value; rest > 0; rest = half(rest)) ones += rest % 2
  return ones
}
