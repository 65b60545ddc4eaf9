import { PARTITIONS, type Positions } from 'holdfast/store'
import type { LineContent } from './lines.ts'

/** What lines say of the positions of the store, one after the other. */
export interface Account {
  /** The last sequence of each partition that the lines so far account for. */
  positions(): Positions
  /** Takes a line in. Answers what does not follow from the lines before, in words. */
  take(line: LineContent): string | undefined
}

export function account(start: Positions = []): Account {
  const positions = Array.from({ length: PARTITIONS }, (_, at) => start[at] ?? 0)

  return {
    positions: () => [...positions],
    take(line) {
      if (line.kind === 'segment') {
        const fallen = line.positions.findIndex((position, at) => position < (positions[at] ?? 0))
        for (const [at, position] of line.positions.entries()) positions[at] = position
        return fallen < 0 ? undefined : `partition ${fallen} falls back to ${positions[fallen]}`
      }
      const span = spanOf(line)
      if (span === undefined) return undefined
      const { partition, after, sequence } = span
      const before = positions[partition] ?? 0
      positions[partition] = sequence
      const isBack = line.kind === 'gap' && line.reason === 'rolled_back'
      if (after > before)
        return `positions ${spanText(before, after)} of partition ${partition} are missing`
      if (after < before) return `position ${sequence} of partition ${partition} comes again`
      if (isBack ? sequence < after : sequence > after) return undefined
      return `partition ${partition} does not go on from ${after} to ${sequence}`
    },
  }
}

/** The positions of the store that a line accounts for. */
export function spanOf(
  line: LineContent,
): { readonly partition: number; readonly after: number; readonly sequence: number } | undefined {
  if (line.kind === 'event' || line.kind === 'passed' || line.kind === 'gap') return line
  if (line.kind !== 'stub' || line.position === undefined) return undefined
  const [partition, after, sequence] = line.position
  return { partition, after, sequence }
}

/** The positions after one and up to another. */
export function spanText(after: number, to: number): string {
  return after + 1 === to ? String(to) : `${after + 1} to ${to}`
}
