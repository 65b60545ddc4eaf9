import { closeSync, fsyncSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SessionError } from 'holdfast'
import type { Positions } from 'holdfast/store'
import { type ByClass, byClass } from '../retention.ts'
import { account } from './account.ts'
import { openCheckpoint } from './checkpoint.ts'
import { lineName, parseLine } from './lines.ts'
import { lastSegment, rawLines } from './segments.ts'
import { leafHash, merkleTree, type Tree } from './tree.ts'

/** Where a log stands. */
export interface LogState {
  readonly tree: Tree
  readonly positions: Positions
  /** Name of the last line; empty in a new log. */
  readonly previous: string
  /** The last segment of which each class is retired. */
  readonly retired: ByClass
  /** The segment that the next one continues. */
  readonly last:
    | {
        readonly number: number
        readonly lines: number
        readonly bytes: number
        readonly epoch: number
        readonly origin: string
      }
    | undefined
}

/** The newest checkpoint of a directory, replaced as a whole by each one. */
export const CHECKPOINT = 'checkpoint'

/** All checkpoints, a line of JSON each. */
export const CHECKPOINTS = 'checkpoints'

/**
 * Reads the newest segment below a number: its first line knows what was before. A line without an
 * end, which a killed writer leaves, does not count. Throws `record_invalid` where lines do not
 * follow from each other, or where the last checkpoint says otherwise: a log that was changed is
 * never written on.
 */
export function recover(directory: string, below: number): LogState {
  const checkpoint = readCheckpoint(directory)
  const segment = lastSegment(directory, below)
  if (segment === undefined) {
    if (checkpoint !== undefined && checkpoint.size > 0) throw changed(directory)
    const tree = merkleTree()
    const nothing = { previous: '', retired: byClass(() => 0), last: undefined }
    return { tree, positions: account().positions(), ...nothing }
  }
  const { header, number } = segment
  const edge = header.edge.map((hash) => Buffer.from(hash, 'base64'))
  const tree = merkleTree(header.index, edge)
  const positions = account()
  let { previous } = header
  let [lines, bytes] = [0, 0]
  if (!tree.root().equals(Buffer.from(header.root, 'base64'))) throw changed(segment.path)
  for (const { bytes: text, end, whole } of rawLines(segment.path)) {
    if (!whole) break
    const line = parseLine(text)
    if (line === undefined || line.index !== tree.size || line.previous !== previous) {
      throw changed(segment.path)
    }
    // Only of complete segments lines are retired.
    if (line.kind === 'stub') throw changed(segment.path)
    if (positions.take(line) !== undefined) throw changed(segment.path)
    const leaf = leafHash(text)
    tree.add(leaf)
    previous = lineName(leaf)
    lines++
    bytes = end
    if (tree.size === checkpoint?.size && !tree.root().equals(checkpoint.root)) {
      throw changed(directory)
    }
  }
  if (checkpoint !== undefined && checkpoint.size > tree.size) throw changed(directory)
  flush(segment.path)
  const { epoch, origin } = header
  const retired = byClass((name) => header.retired?.[name] ?? 0)
  const last = { number, lines, bytes, epoch, origin }
  return { tree, positions: positions.positions(), previous, retired, last }
}

/**
 * A killed writer leaves lines that no disk has yet. What was counted here is acknowledged next,
 * and the store may forget it then.
 */
function flush(path: string): void {
  const file = openSync(path, 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Text of the newest checkpoint, or undefined. */
export function checkpointText(directory: string): string | undefined {
  try {
    return readFileSync(join(directory, CHECKPOINT), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function readCheckpoint(directory: string): { size: number; root: Buffer } | undefined {
  const text = checkpointText(directory)
  if (text === undefined) return undefined
  const opened = openCheckpoint(text, undefined)
  if (!opened.ok) throw changed(join(directory, CHECKPOINT))
  return opened
}

function changed(path: string): SessionError {
  return new SessionError(
    'record_invalid',
    `The audit log ${path} is damaged, or was changed by somebody: it is not written on. ` +
      '"holdfast audit verify DIR" says where. Keep the directory, and name another one.',
  )
}
