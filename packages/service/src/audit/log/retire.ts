import { createHash } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { SessionError } from 'holdfast'
import { syncFolder } from 'holdfast/cli'
import { type ByClass, CLASSES, classOf, type EventClass } from '../retention.ts'
import { type Line, leafOf, lineText, parseLine } from './lines.ts'
import { type Chain, linesOf, type Segment, segmentPath } from './segments.ts'
import { merkleTree } from './tree.ts'

/** A complete segment, and the classes of which its lines are past their time. */
export interface Due {
  readonly segment: Segment
  /** The segment that continues it. */
  readonly next: Segment
  readonly classes: readonly EventClass[]
}

/** A segment with stubs, in a file beside it. */
export interface Rewritten {
  /** New stubs. */
  readonly count: number
  /** As a line of kind `retired` has it. */
  readonly lines: string
  /** Over the new stubs. */
  readonly digest: string
  /** Puts it in the place of the segment, at once. */
  commit(): void
  /** Removes the file, unless it has that place. */
  close(): void
}

const WRITE_BYTES = 1_048_576

/**
 * The first segment that has to be rewritten. The age of its lines is that of the segment that
 * follows it. `done`: the last segment of which each class is retired.
 */
export function dueSegment({ segments }: Chain, before: ByClass, done: ByClass): Due | undefined {
  const due = CLASSES.flatMap((name) => {
    const at = segments.findIndex(({ number }) => number > done[name])
    const [segment, next] = [segments[at], segments[at + 1]]
    if (segment === undefined || next === undefined) return []
    return next.header.at < before[name] ? [{ segment, next, name }] : []
  }).sort((a, b) => a.segment.number - b.segment.number)
  const [first] = due
  if (first === undefined) return undefined
  const { segment, next } = first
  const here = due.filter((one) => one.segment === segment)
  return { segment, next, classes: here.map(({ name }) => name) }
}

/**
 * Writes a segment anew, with a stub for each line of some classes and without what does not count.
 * `by` is the index of the line that will say so. Throws `record_invalid` for a segment that was
 * changed: it is evidence, and stays as it is.
 */
export function rewriteSegment(
  { segment, next, classes }: Due,
  { by, epoch }: { readonly by: number; readonly epoch: number },
): Rewritten {
  const { path, header, counted = 0 } = segment
  const fresh = join(dirname(path), `${FRESH}${epoch}.new`)
  const edge = header.edge.map((hash) => Buffer.from(hash, 'base64'))
  const tree = merkleTree(header.index, edge)
  const digest = createHash('sha256')
  const bits = Buffer.alloc(Math.ceil(counted / 8))
  const file = openSync(fresh, 'w', 0o600)
  let count = 0
  let texts: Buffer[] = []
  let waiting = 0

  function flush(): void {
    const bytes = Buffer.concat(texts)
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
    texts = []
    waiting = 0
  }

  try {
    for (const { bytes, number } of linesOf(segment)) {
      const line = parseLine(bytes)
      if (line === undefined || line.index !== tree.size) throw changed(path)
      const leaf = leafOf(bytes)
      tree.add(leaf)
      const stub = isOf(line, classes) ? stubOf(line, leaf.toString('base64'), by) : undefined
      const text = Buffer.concat([stub === undefined ? bytes : Buffer.from(stub), LINE_FEED])
      texts.push(text)
      waiting += text.length
      if (waiting >= WRITE_BYTES) flush()
      if (stub === undefined) continue
      count++
      digest.update(text)
      setBit(bits, number - 1)
    }
    const isWhole = tree.size === next.header.index
    if (!isWhole || tree.root().toString('base64') !== next.header.root) throw changed(path)
    flush()
    fsyncSync(file)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
  return {
    ...{ count, lines: bits.toString('base64'), digest: digest.digest('base64') },
    commit() {
      renameSync(fresh, path)
      syncFolder(dirname(path))
    },
    close: () => rmSync(fresh, { force: true }),
  }
}

/** Removes what a killed writer has left half written. */
export function removeHalfWritten(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (name.startsWith(FRESH)) rmSync(join(directory, name), { force: true })
  }
}

/**
 * Empties files that are no part of the log, because their writers had lost it, once nothing of
 * their time is kept. Their names stay: they tell writers of before that they have lost.
 */
export function emptyOthers({ segments, others }: Chain, before: number): void {
  const over = segments.findLast(({ header }) => header.at < before)
  for (const path of others) {
    if (over !== undefined && path < segmentPath(dirname(path), over.number)) truncateSync(path)
  }
}

/** What the note of a line `retired` says. No checkpoint has such a second line. */
export function retiredText(
  origin: string,
  of: { readonly segment: number; readonly count: number; readonly digest: string },
): string {
  return `${origin}\nretired ${of.count} lines of segment ${of.segment}\n${of.digest}\n`
}

export function setBit(bits: Buffer, at: number): void {
  bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7))
}

export function hasBit(bits: Buffer, at: number): boolean {
  return ((bits[at >> 3] ?? 0) & (1 << (at & 7))) !== 0
}

const FRESH = 'retiring.'
const LINE_FEED = Buffer.from('\n')

function isOf(line: Line, classes: readonly EventClass[]): boolean {
  if (line.kind === 'finding') return classes.includes('detection')
  return line.kind === 'event' && classes.includes(classOf(line.event.type))
}

function stubOf(line: Line, leaf: string, by: number): string {
  const { index, previous } = line
  const position =
    line.kind === 'event' ? ([line.partition, line.after, line.sequence] as const) : undefined
  const stub = { kind: 'stub', leaf, by } as const
  return lineText({ v: 1, index, previous, ...stub, ...(position && { position }) })
}

function changed(path: string): SessionError {
  return new SessionError(
    'record_invalid',
    `${path} is damaged, or was changed by somebody: nothing of it is retired. ` +
      '"holdfast audit verify DIR" says what.',
  )
}
