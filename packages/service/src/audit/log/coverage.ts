import { PARTITIONS } from 'holdfast/store'
import { spanOf, spanText } from './account.ts'
import type { Line } from './lines.ts'
import type { Remarks } from './verdict.ts'

/** Positions of the store that a directory accounts for: after one and up to another. */
export interface Span {
  readonly partition: number
  readonly after: number
  readonly to: number
}

/** Which positions the lines of one directory tell of, in few spans. */
export interface Coverage {
  take(line: Line): void
  end(): Covered
}

/** The positions of one directory. */
export interface Covered {
  readonly directory: string
  readonly spans: readonly Span[]
  readonly gaps: readonly Span[]
  /** The lowest position to which a partition was rolled back. */
  readonly rolledBack: ReadonlyMap<number, number>
}

export function coverage(directory: string): Coverage {
  const spans: Span[] = []
  const gaps: Span[] = []
  const rolledBack = new Map<number, number>()
  const open = Array.from({ length: PARTITIONS }, () => ({ after: 0, to: 0 }))

  function restart(partition: number, position: number): void {
    const { after, to } = open[partition] ?? { after: 0, to: 0 }
    if (to > after) spans.push({ partition, after, to })
    open[partition] = { after: position, to: position }
  }

  return {
    take(line) {
      if (line.kind === 'segment') {
        for (const [partition, position] of line.positions.entries()) {
          if (position !== open[partition]?.to) restart(partition, position)
        }
      } else if (line.kind === 'gap') {
        const { partition, after, sequence, reason } = line
        restart(partition, sequence)
        if (reason !== 'rolled_back') gaps.push({ partition, after, to: sequence })
        else rolledBack.set(partition, Math.min(sequence, rolledBack.get(partition) ?? sequence))
      } else {
        const told = spanOf(line)
        const span = open[told?.partition ?? -1]
        if (told !== undefined && span !== undefined) span.to = told.sequence
      }
    },
    end() {
      for (let partition = 0; partition < PARTITIONS; partition++) restart(partition, 0)
      return { directory, spans, gaps, rolledBack }
    },
  }
}

/** No position between the first and the last of a partition may be in none of the directories. */
export function findHoles(covered: readonly Covered[], remarks: Remarks): void {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const spans = covered
      .flatMap((one) => [...one.spans, ...one.gaps])
      .filter((span) => span.partition === partition)
      .sort((a, b) => a.after - b.after)
    let reached = spans[0]?.after ?? 0
    for (const { after, to } of spans) {
      if (after > reached) {
        const which = `positions ${spanText(reached, after)} of partition ${partition}`
        const message = `${which} are in none: name the directories of all writers`
        remarks.fault('positions_missing', 'all directories', null, message)
      }
      reached = Math.max(reached, to)
    }
  }
}
