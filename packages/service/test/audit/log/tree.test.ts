import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  consistencyRanges,
  EMPTY_ROOT,
  type Hash,
  includes,
  inclusionRanges,
  isConsistent,
  leafHash,
  merkleTree,
  type Range,
  rangeHashes,
} from '../../../src/audit/log/tree.ts'

const LEAVES = Array.from({ length: 70 }, (_, at) => leafHash(Buffer.from(`leaf ${at}`)))

function rootOf(size: number): Hash {
  const tree = merkleTree()
  for (const leaf of LEAVES.slice(0, size)) tree.add(leaf)
  return tree.root()
}

function hashesOf(ranges: readonly Range[], size: number): readonly Hash[] {
  const path = rangeHashes(ranges)
  for (const [at, leaf] of LEAVES.slice(0, size).entries()) path.add(at, leaf)
  return path.hashes()
}

function spoilt(hashes: readonly Hash[], at: number): readonly Hash[] {
  return hashes.map((hash, index) => (index === at ? leafHash(hash) : hash))
}

test('the known roots of the test data of Certificate Transparency', () => {
  const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657']
  const roots = inputs.map((_, at) => {
    const tree = merkleTree()
    for (const input of inputs.slice(0, at + 1)) tree.add(leafHash(Buffer.from(input, 'hex')))
    return tree.root().toString('hex').slice(0, 16)
  })

  expect(EMPTY_ROOT.toString('hex').slice(0, 16)).toBe('e3b0c44298fc1c14')
  expect(roots).toEqual([
    ...['6e340b9cffb37a98', 'fac54203e7cc696c', 'aeb6bcfe274b70a1', 'd37ee418976dd957'],
    ...['4e3bbb1f7b478dcf', '76e67dadbcdf1e10', 'ddb89be403809e32'],
  ])
})

test('every leaf of every size is proven, and nothing else is', () => {
  for (let size = 1; size <= LEAVES.length; size++) {
    const tree = { size, root: rootOf(size) }
    for (const [index, hash] of LEAVES.slice(0, size).entries()) {
      const proof = hashesOf(inclusionRanges(index, size), size)

      expect(includes({ index, hash }, tree, proof)).toBe(true)
      expect(includes({ index, hash: leafHash(hash) }, tree, proof)).toBe(false)
      expect(includes({ index, hash }, tree, [...proof, hash])).toBe(false)
      if (size > 1) expect(includes({ index: (index + 1) % size, hash }, tree, proof)).toBe(false)
      if (proof.length > 0) {
        expect(includes({ index, hash }, tree, spoilt(proof, index % proof.length))).toBe(false)
        expect(includes({ index, hash }, tree, proof.slice(1))).toBe(false)
      }
    }
  }
})

test('every tree is proven to go on from every smaller one, and from no other', () => {
  for (let size = 1; size <= LEAVES.length; size++) {
    const second = { size, root: rootOf(size) }
    for (let from = 1; from <= size; from++) {
      const first = { size: from, root: rootOf(from) }
      const proof = hashesOf(consistencyRanges(from, size), size)

      expect(isConsistent(first, second, proof)).toBe(true)
      expect(isConsistent({ ...first, root: leafHash(first.root) }, second, proof)).toBe(false)
      expect(isConsistent(first, { ...second, root: leafHash(first.root) }, proof)).toBe(false)
      if (proof.length > 0) {
        const at = from % proof.length
        expect(isConsistent(first, second, spoilt(proof, at))).toBe(false)
        expect(isConsistent(first, second, proof.slice(1))).toBe(false)
      }
    }
  }
})

test('a tree goes on from its size and edge as from its leaves', () => {
  const sizes = fc.integer({ min: 0, max: LEAVES.length })
  fc.assert(
    fc.property(sizes, (size) => {
      const tree = merkleTree()
      for (const leaf of LEAVES.slice(0, size)) tree.add(leaf)

      const again = merkleTree(tree.size, tree.edge())
      for (const leaf of LEAVES.slice(size)) again.add(leaf)

      expect(again.root()).toEqual(rootOf(LEAVES.length))
    }),
  )
  expect(() => merkleTree(3, [EMPTY_ROOT])).toThrow(RangeError)
})

test('what is in no tree has no proof', () => {
  const tree = { size: 3, root: rootOf(3) }

  expect(() => inclusionRanges(3, 3)).toThrow(RangeError)
  expect(() => consistencyRanges(4, 3)).toThrow(RangeError)
  expect(includes({ index: 3, hash: EMPTY_ROOT }, tree, [])).toBe(false)
  expect(includes({ index: -1, hash: EMPTY_ROOT }, tree, [])).toBe(false)
  expect(isConsistent({ size: 4, root: rootOf(4) }, tree, [])).toBe(false)
})
