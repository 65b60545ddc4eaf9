import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { SessionError } from 'holdfast'
import { type Line, MAX_LINE_BYTES, parseLine, type SegmentContent } from './lines.ts'

/**
 * The files of an audit log. Each opening of the log makes a new segment, and says in its first
 * line which segment it continues and how much of that counts. So the chain is read backwards from
 * the newest segment: what a writer adds to an older one after it was taken over does not count,
 * and neither does a segment that nothing continues.
 */
export interface Segment {
  readonly number: number
  readonly path: string
  readonly header: Line & SegmentContent
  /** How many of its lines count. Undefined for the newest, of which every whole line does. */
  readonly counted: number | undefined
}

/** What is in a directory. */
export interface Chain {
  /** In the order of their lines. */
  readonly segments: readonly Segment[]
  /** Files that are no part of it: their writers had lost the log, or were killed at once. */
  readonly others: readonly string[]
  /** Why the chain ends before the first segment. */
  readonly broken?: { readonly path: string; readonly message: string }
}

/** One line of a file, as bytes without the line feed. */
export interface RawLine {
  readonly bytes: Buffer
  /** In its file, from 1. */
  readonly number: number
  /** Offset in the file after its line feed. */
  readonly end: number
  /** False for a rest without a line feed, and for what is too long to be a line. */
  readonly whole: boolean
}

const NAME = /^segment-(\d{8,15})\.jsonl$/
const CHUNK_BYTES = 262_144
const LINE_FEED = 10

export function segmentPath(directory: string, number: number): string {
  return join(directory, `segment-${String(number).padStart(8, '0')}.jsonl`)
}

/** Ascending. Throws what the system says of a directory that cannot be read. */
export function segmentNumbers(directory: string): number[] {
  return readdirSync(directory)
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
}

/** The newest segment below a number, or undefined. Throws `record_invalid` as `headerOf` does. */
export function lastSegment(directory: string, below = Infinity): Segment | undefined {
  for (const number of segmentNumbers(directory).reverse()) {
    if (number >= below) continue
    const path = segmentPath(directory, number)
    const header = headerOf(path, number)
    if (header !== undefined) return { number, path, header, counted: undefined }
  }
  return undefined
}

/** The whole chain, or no more of it than the lines from an index on need. */
export function chainOf(directory: string, from = -1): Chain {
  const numbers = segmentNumbers(directory)
  const segments: Segment[] = []
  let path = directory
  try {
    let next = lastSegment(directory)
    while (next !== undefined) {
      segments.unshift(next)
      const { continues } = next.header
      if (continues === null || next.header.index <= from) break
      const { number, lines } = continues
      path = segmentPath(directory, number)
      const header = number < next.number ? headerOf(path, number) : undefined
      if (header === undefined) {
        throw invalid(path, `${next.path} continues it, and its first line is not there`)
      }
      next = { number, path, header, counted: lines }
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { segments, others: [], broken: { path, message } }
  }
  const known = new Set(segments.map(({ number }) => number))
  const first = from < 0 ? 0 : (segments[0]?.number ?? 0)
  const others = numbers.filter((number) => number > first && !known.has(number))
  return { segments, others: others.map((number) => segmentPath(directory, number)) }
}

/**
 * The first line of a segment; undefined while it has none, because its writer was killed before.
 * Throws `record_invalid` for any other.
 */
function headerOf(path: string, number: number): (Line & SegmentContent) | undefined {
  let first: RawLine | undefined
  try {
    // A loop that is left ends the reading, and closes the file.
    for (const line of rawLines(path)) {
      first = line
      break
    }
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new SessionError('record_invalid', `${path} cannot be read.`, { cause })
  }
  if (first === undefined || !first.whole) return undefined
  const line = parseLine(first.bytes)
  if (line?.kind === 'segment' && line.number === number) return line
  throw invalid(path, 'its first line is not that of a segment')
}

/** The lines of a segment that count. Of the newest one the last may not be whole. */
export function* linesOf({ path, counted = Infinity }: Segment): Generator<RawLine, undefined> {
  for (const line of rawLines(path)) {
    if (line.number > counted) return
    yield line
  }
}

export interface RawLinesOptions {
  /** How much of the file counts. Default: all. */
  readonly bytes?: number | undefined
  /** The line after which to begin. */
  readonly after?: Pick<RawLine, 'number' | 'end'>
}

/** Lines of a file, in memory for two lines at most. */
export function* rawLines(
  path: string,
  { bytes = Infinity, after = { number: 0, end: 0 } }: RawLinesOptions = {},
): Generator<RawLine, undefined> {
  const file = openSync(path, 'r')
  try {
    let rest: Buffer = Buffer.alloc(0)
    let { number, end } = after
    let read = end
    while (read < bytes) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, bytes - read))
      const size = readSync(file, chunk, 0, chunk.length, read)
      if (size === 0) break
      read += size
      const from = rest.length
      rest = Buffer.concat([rest, chunk.subarray(0, size)])
      let [start, at] = [0, rest.indexOf(LINE_FEED, from)]
      for (; at >= 0; at = rest.indexOf(LINE_FEED, start)) {
        number++
        end += at + 1 - start
        yield { bytes: rest.subarray(start, at), number, end, whole: true }
        start = at + 1
      }
      rest = rest.subarray(start)
      if (rest.length > MAX_LINE_BYTES) break
    }
    if (rest.length > 0) yield { bytes: rest, number: number + 1, end: read, whole: false }
  } finally {
    closeSync(file)
  }
}

function invalid(path: string, problem: string): SessionError {
  return new SessionError(
    'record_invalid',
    `${path} is damaged, or was changed by somebody: ${problem}.`,
  )
}
