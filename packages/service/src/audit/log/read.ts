import { SessionError } from 'holdfast'
import { type Line, parseLine } from './lines.ts'
import { chainOf, rawLines } from './segments.ts'

/** A line that counts, as bytes: the leaf of the tree. */
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
  const { segments, broken } = chainOf(directory)
  if (broken !== undefined) throw new SessionError('record_invalid', broken.message)
  for (const [at, { path, header, counted }] of segments.entries()) {
    const next = segments[at + 1]
    if (next !== undefined && next.header.index <= from) continue
    for (const { bytes, number, end, whole } of rawLines(path, { bytes: counted?.bytes })) {
      const index = header.index + number - 1
      if (whole && index >= from) yield { index, bytes, file: path, number, end }
    }
  }
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
