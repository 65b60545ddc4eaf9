import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openAuditLog } from '../../../src/audit/log/audit-log.ts'
import { openCheckpoint, signCheckpoint } from '../../../src/audit/log/checkpoint.ts'
import { stubIn } from '../../../src/audit/log/lines.ts'
import { newNoteKey, noteSigner, noteVerifier, openNote } from '../../../src/audit/log/note.ts'
import { proveLine } from '../../../src/audit/log/proof.ts'
import { countedLines } from '../../../src/audit/log/read.ts'
import {
  consistencyRanges,
  type Hash,
  includes,
  inclusionRanges,
  isConsistent,
  leafHash,
  merkleTree,
  type Range,
  rangeHashes,
} from '../../../src/audit/log/tree.ts'
import { byClass } from '../../../src/audit/retention.ts'
import { entries, host, place } from '../log/support.ts'
import { goSetting } from './go.ts'

const PROGRAM = fileURLToPath(new URL('oracle.go', import.meta.url))
const KEY = newNoteKey('audit.example/oracle', host.random)
const SIGNER = noteSigner(KEY)

interface Pair {
  readonly from: number
  readonly size: number
}

interface Questions {
  readonly leaves?: readonly Buffer[]
  readonly roots?: readonly number[]
  readonly inclusion?: readonly Pair[]
  readonly consistency?: readonly Pair[]
  readonly text?: string
  readonly notes?: readonly string[]
}

/** Hashes are base64 there. */
interface Answers {
  readonly roots: readonly string[] | null
  readonly inclusion: readonly (readonly string[])[] | null
  readonly consistency: readonly (readonly string[])[] | null
  readonly signed: string
  readonly texts: readonly string[] | null
}

/** What `golang.org/x/mod/sumdb` of Debian says. */
function oracle({ leaves = [], text = 'text\n', ...more }: Questions): Answers {
  const { status, stdout, stderr } = spawnSync('go', ['run', PROGRAM], {
    input: JSON.stringify({
      ...{ leaves: leaves.map((leaf) => leaf.toString('base64')), text, ...more },
      ...{ key: KEY, verifier: SIGNER.verifierKey },
    }),
    encoding: 'utf8',
    maxBuffer: 256 * 1_048_576,
    env: goSetting(),
  })
  if (status !== 0) throw new Error(`the oracle ended with ${status}: ${stderr}`)
  return JSON.parse(stdout)
}

const LEAVES = Array.from({ length: 4_099 }, (_, at) =>
  Buffer.from(`leaf ${at} ${'x'.repeat(at % 90)}`),
)
const HASHES = LEAVES.map(leafHash)

function rootOf(size: number): Hash {
  const tree = merkleTree()
  for (const hash of HASHES.slice(0, size)) tree.add(hash)
  return tree.root()
}

function proofOf(ranges: readonly Range[], size: number): readonly Hash[] {
  const path = rangeHashes(ranges)
  for (const [at, hash] of HASHES.slice(0, size).entries()) path.add(at, hash)
  return path.hashes()
}

function base64(hashes: readonly Hash[]): readonly string[] {
  return hashes.map((hash) => hash.toString('base64'))
}

const SMALL = Array.from({ length: 40 }, (_, at) => at + 1)
const LARGE = [63, 64, 65, 127, 1_000, 1_023, 1_024, 1_025, 4_095, 4_096, 4_097, 4_099]

function pairs(firstOf: (size: number) => readonly number[]): readonly Pair[] {
  return [...SMALL, ...LARGE].flatMap((size) => firstOf(size).map((from) => ({ from, size })))
}

test('the implementation of Go makes the same roots, inclusion and consistency proofs', () => {
  const roots = [...SMALL, ...LARGE]
  const inclusion = pairs((size) =>
    SMALL.includes(size) ? SMALL.slice(0, size).map((at) => at - 1) : [0, 7, size >> 1, size - 1],
  )
  const consistency = pairs((size) =>
    SMALL.includes(size) ? SMALL.slice(0, size) : [1, 8, 31, size >> 1, size - 1, size],
  )

  const told = oracle({ leaves: LEAVES, roots, inclusion, consistency })

  expect(roots.map((size) => rootOf(size).toString('base64'))).toEqual(told.roots)
  expect(
    inclusion.map(({ from, size }) => base64(proofOf(inclusionRanges(from, size), size))),
  ).toEqual(told.inclusion)
  expect(
    consistency.map(({ from, size }) => base64(proofOf(consistencyRanges(from, size), size))),
  ).toEqual(told.consistency)
  for (const [at, { from: index, size }] of inclusion.entries()) {
    const proof = told.inclusion?.[at]?.map((hash) => Buffer.from(hash, 'base64')) ?? []
    const leaf = { index, hash: HASHES[index] ?? Buffer.alloc(32) }
    expect(includes(leaf, { size, root: rootOf(size) }, proof)).toBe(true)
  }
  for (const [at, { from, size }] of consistency.entries()) {
    const proof = told.consistency?.[at]?.map((hash) => Buffer.from(hash, 'base64')) ?? []
    const [first, second] = [from, size].map((one) => ({ size: one, root: rootOf(one) }))
    if (first === undefined || second === undefined) throw new Error('no trees')
    expect(isConsistent(first, second, proof)).toBe(true)
  }
})

test('the implementation of Go signs the same note under our key, and opens ours', () => {
  const text = `audit.example/oracle\n17\n${rootOf(17).toString('base64')}\n`
  const ours = signCheckpoint(
    { origin: 'audit.example/oracle', size: 17, root: rootOf(17) },
    SIGNER,
  )
  const stranger = noteSigner(newNoteKey('stranger.example', host.random)).sign(text)
  const edited = ours.replace('\n17\n', '\n16\n')
  const cosigned = ours + (stranger.split('\n\n')[1] ?? '')

  const told = oracle({ text, notes: [ours, stranger, edited, cosigned] })

  expect(told.signed).toBe(ours)
  expect(told.texts).toEqual([text, '', '', text])
  expect(openNote(told.signed, [noteVerifier(SIGNER.verifierKey)])).toMatchObject({ ok: true })
})

test('the checkpoint of a real log is the root that Go finds over its lines', () => {
  const { directory, vault } = place()
  const log = openAuditLog({ directory, signer: SIGNER, vault, now: host.now, epoch: 1 })
  for (let at = 1; at <= 50; at++) log.append(entries(at % 5, [at]))
  const note = log.checkpoint()
  log.close()
  const lines = [...countedLines(directory)].map(({ bytes }) => Buffer.from(bytes))

  const told = oracle({ leaves: lines, roots: [lines.length], notes: [note] })

  const checkpoint = openCheckpoint(note, undefined)
  expect(checkpoint).toMatchObject({ ok: true, size: 51, origin: 'audit.example/oracle' })
  expect(told.roots).toEqual([note.split('\n')[2]])
  expect(told.texts).toEqual([`${note.split('\n\n')[0]}\n`])
})

test('Go finds the same root and proofs over a log of which lines are retired', () => {
  const { directory, vault } = place()
  const log = openAuditLog({ directory, signer: SIGNER, vault, now: host.now, epoch: 1 })
  for (let at = 1; at <= 30; at++) {
    if (at % 10 === 0) host.advance(86_400_000)
    log.append(entries(at % 5, [at]))
  }
  const kept = log.checkpoint()
  while (!log.retire(byClass(() => host.now() + 1)));
  const note = log.checkpoint()
  log.close()
  const lines = [...countedLines(directory)].map(({ bytes }) => Buffer.from(bytes))
  const size = lines.length
  const inclusion = [...lines.keys()].map((from) => ({ from, size }))
  const [earlier = 0] = [Number(kept.split('\n')[1])]

  const told = oracle({ leaves: lines, roots: [earlier, size], inclusion, notes: [kept, note] })

  expect(lines.filter((line) => stubIn(line) !== undefined)).toHaveLength(29)
  expect(told.roots).toEqual([kept, note].map((one) => one.split('\n')[2]))
  expect(told.texts?.every((text) => text !== '')).toBe(true)
  for (const [index, line] of lines.entries()) {
    if (stubIn(line) !== undefined) continue
    const proof = proveLine(directory, { index }).split('\n\n')[0]?.split('\n').slice(3)
    expect(proof).toEqual(told.inclusion?.[index])
  }
})
