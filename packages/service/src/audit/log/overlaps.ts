import { hash } from 'node:crypto'
import { SessionError } from 'holdfast'
import { spanOf, spanText } from './account.ts'
import type { Covered, Span } from './coverage.ts'
import { type LogLine, readLog } from './read.ts'
import type { Remarks } from './verdict.ts'

/** Positions that two directories both account for. */
interface Overlap extends Span {
  readonly directories: readonly [string, string]
}

/** Bounds the memory of a comparison to some hundred thousand positions: a pass for each lot. */
const SPAN_MOST = 10_000
const SPANS_AT_ONCE = 40

/** What two directories have of one position must be the same: told once, and not changed. */
export function compareOverlaps(covered: readonly Covered[], remarks: Remarks): void {
  const overlaps = overlapsOf(covered)
  try {
    for (let at = 0; at < overlaps.length; at += SPANS_AT_ONCE) {
      compareEvents(covered, overlaps.slice(at, at + SPANS_AT_ONCE), remarks)
    }
  } catch (error) {
    if (!(error instanceof SessionError)) throw error
    remarks.note('not_compared', 'all directories', null, error.message)
  }
}

function overlapsOf(covered: readonly Covered[]): readonly Overlap[] {
  const overlaps: Overlap[] = []
  for (const [at, one] of covered.entries()) {
    for (const other of covered.slice(at + 1)) {
      for (const { partition, ...a } of one.spans) {
        for (const b of other.spans) {
          if (b.partition !== partition) continue
          const end = Math.min(a.to, b.to)
          for (let after = Math.max(a.after, b.after); after < end; after += SPAN_MOST) {
            const to = Math.min(after + SPAN_MOST, end)
            overlaps.push({ partition, after, to, directories: [one.directory, other.directory] })
          }
        }
      }
    }
  }
  return overlaps
}

interface Seen extends Pick<LogLine, 'file' | 'number'> {
  /** Null where the event is retired: it cannot be compared any more. */
  readonly digest: string | null
  readonly directory: string
}

function compareEvents(
  covered: readonly Covered[],
  overlaps: readonly Overlap[],
  remarks: Remarks,
): void {
  const all = overlaps.map((overlap) => ({
    ...{ overlap, single: new Map<number, Seen>() },
    ...{ same: 0, retired: 0 },
  }))
  for (const { directory } of covered) {
    const here = all.filter(({ overlap }) => overlap.directories.includes(directory))
    if (here.length === 0) continue
    for (const { line, file, number } of readLog({ directory })) {
      const span = spanOf(line)
      if (span === undefined || (line.kind !== 'event' && line.kind !== 'stub')) continue
      const digest = line.kind === 'event' ? hash('sha256', JSON.stringify(line.event)) : null
      for (const one of here) {
        const { partition, after, to } = one.overlap
        const { sequence } = span
        if (span.partition !== partition || sequence <= after || sequence > to) continue
        const other = one.single.get(sequence)
        if (other === undefined || other.directory === directory) {
          one.single.set(sequence, { digest, directory, file, number })
          continue
        }
        one.single.delete(sequence)
        if (other.digest === null || digest === null) one.retired++
        else if (other.digest === digest) one.same++
        else differs(one.overlap, sequence, { digest, directory, file, number })
      }
    }
  }
  for (const { overlap, single, same, retired } of all) {
    for (const [sequence, seen] of single) differs(overlap, sequence, seen)
    const { partition, after, to, directories } = overlap
    const where = `positions ${spanText(after, to)} of partition ${partition}`
    if (retired > 0) {
      const message = `${retired} events at ${where} are in ${directories[1]}, too, and are retired`
      remarks.note('not_compared', directories[0], null, message)
    }
    if (same === 0) continue
    const message = `${same} events at ${where} are in ${directories[1]}, too, and are the same`
    remarks.note('in_both', directories[0], null, message)
  }

  function differs({ partition, directories }: Overlap, sequence: number, seen: Seen): void {
    const { file, number, directory } = seen
    const other = directories.find((one) => one !== directory)
    const message = `${other} tells of position ${sequence} of partition ${partition} differently`
    const isRolledBack = covered.some(
      ({ rolledBack }) => sequence > (rolledBack.get(partition) ?? Infinity),
    )
    if (isRolledBack) {
      remarks.note('in_both', file, number, `${message}: the store was rolled back`)
    } else remarks.fault('directories_differ', file, number, message)
  }
}
