import { SessionError } from 'holdfast'
import { type Line, leafOf, parseLine } from './lines.ts'
import { chainOf, linesOf } from './segments.ts'
import type { Hash } from './tree.ts'

/** A line that counts, as bytes. `leafOf` says which leaf of the tree it is. */
export interface CountedLine {
  readonly index: number
  /** Without the line feed. */
  readonly bytes: Buffer
  readonly file: string
  /** In the file, from 1. */
  readonly number: number
  /** Offset in the file after its line feed. */
  readonly end: number
}

/** A line that counts. */
export interface LogLine extends CountedLine {
  readonly line: Line
}

/**
 * The lines that count from an index on, in order. The log may grow meanwhile. Does not look for
 * changes, as `verifyAudit` does. Throws `record_invalid` where segments are missing.
 */
export function* countedLines(directory: string, from = 0): Generator<CountedLine, undefined> {
  const { segments, broken } = chainOf(directory, from)
  if (broken !== undefined) throw new SessionError('record_invalid', broken.message)
  for (const [at, segment] of segments.entries()) {
    const { path, header } = segment
    const next = segments[at + 1]
    if (next !== undefined && next.header.index <= from) continue
    for (const { bytes, number, end, whole } of linesOf(segment)) {
      const index = header.index + number - 1
      if (whole && index >= from) yield { index, bytes, file: path, number, end }
    }
  }
}

/** The leaves of the tree from an index on, in order: what proofs are made of. */
export function* countedLeaves(
  directory: string,
  from = 0,
): Generator<{ readonly index: number; readonly leaf: Hash }, undefined> {
  for (const { index, bytes } of countedLines(directory, from)) yield { index, leaf: leafOf(bytes) }
}

/**
 * As {@link countedLines}, read: for whoever shows the log or makes an index of it anew. Throws
 * `record_invalid` for what is no line.
 */
export function* readLog({
  directory,
  from,
}: {
  readonly directory: string
  readonly from?: number
}): Generator<LogLine, undefined> {
  for (const counted of countedLines(directory, from)) {
    const line = parseLine(counted.bytes)
    if (line === undefined) throw notALine(counted)
    yield { ...counted, line }
  }
}

export function notALine({ file, number }: Pick<CountedLine, 'file' | 'number'>): SessionError {
  return new SessionError(
    'record_invalid',
    `${file}, line ${number}, is no line of an audit log. ` +
      '"holdfast audit verify DIR" says what was changed.',
  )
}
