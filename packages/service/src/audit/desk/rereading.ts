import { PARTITIONS, type Positions } from 'holdfast/store'
import type { AuditEntry } from '../entry.ts'
import type { Gap } from '../log/audit-log.ts'
import { parseLine } from '../log/lines.ts'
import { chainOf, rawLines } from '../log/segments.ts'

/**
 * A store that came back with less gives its numbers once more, to other events. So what is read
 * again after that is told apart by id: what the log has, and what took its number.
 */
export interface Rereading {
  /** Learns what the end of the log has. */
  begin(directory: string, positions: Positions): void
  /** Reading goes on from these. Answers what the log will never get. */
  restart(positions: Positions): readonly Gap[]
  /** Entries that the log does not have, each part after the gap that it begins with. */
  sort(
    entries: readonly AuditEntry[],
  ): readonly { readonly gap: Gap | undefined; readonly entries: readonly AuditEntry[] }[]
}

/** Ids that are known of each partition. A fail-over loses far less. */
const KNOWN = 2_000
/** Lines of the log that are read for that. */
const LAST_LINES = 20_000

export function rereading(): Rereading {
  let known: Map<number, string>[] = []
  /** Where the log is. */
  let logged: number[] = []

  function note({ partition, sequence, event }: AuditEntry): void {
    const ids = known[partition]
    if (ids === undefined) return
    ids.delete(sequence)
    ids.set(sequence, event.id)
    const [oldest] = ids.keys()
    if (ids.size > KNOWN && oldest !== undefined) ids.delete(oldest)
    logged[partition] = sequence
  }

  /** What is older than everything that is known was logged: no fail-over loses so much. */
  function isLogged({ partition, sequence, event }: AuditEntry): boolean {
    if (sequence > (logged[partition] ?? 0)) return false
    const ids = known[partition]
    const [oldest = Number.POSITIVE_INFINITY] = ids?.keys() ?? []
    return sequence < oldest || ids?.get(sequence) === event.id
  }

  return {
    begin(directory, positions) {
      known = Array.from({ length: PARTITIONS }, () => new Map<number, string>())
      logged = [...positions]
      for (const entry of lastEntries(directory)) {
        note(entry)
        logged[entry.partition] = positions[entry.partition] ?? 0
      }
    },
    restart(positions) {
      return positions.flatMap((sequence, partition): Gap[] => {
        if (sequence <= (logged[partition] ?? 0)) return []
        logged[partition] = sequence
        return [{ partition, sequence, reason: 'dropped' }]
      })
    },
    sort(entries) {
      const parts: { gap: Gap | undefined; entries: AuditEntry[] }[] = []
      let part: { gap: Gap | undefined; entries: AuditEntry[] } | undefined
      for (const entry of entries) {
        if (isLogged(entry)) continue
        const { partition, sequence } = entry
        const taken = sequence <= (logged[partition] ?? 0)
        if (taken || part === undefined) {
          part = { gap: taken ? rolledBack(entry) : undefined, entries: [] }
          parts.push(part)
        }
        part.entries.push(entry)
        note(entry)
      }
      return parts
    },
  }
}

function rolledBack({ partition, sequence }: AuditEntry): Gap {
  return { partition, sequence: sequence - 1, reason: 'rolled_back' }
}

/** Entries near the end of the log, in order. */
function lastEntries(directory: string): readonly AuditEntry[] {
  let lines: Buffer[] = []
  for (const { path, counted } of chainOf(directory).segments.toReversed()) {
    const here: Buffer[] = []
    for (const { bytes, whole } of rawLines(path, counted?.bytes)) {
      if (whole) here.push(bytes)
      if (here.length > 2 * LAST_LINES) here.splice(0, LAST_LINES)
    }
    lines = [...here, ...lines]
    if (lines.length >= LAST_LINES) break
  }
  return lines.flatMap((bytes): AuditEntry[] => {
    const line = parseLine(bytes)
    if (line?.kind !== 'event') return []
    const { partition, sequence, event } = line
    return [{ partition, sequence, event, personal: null }]
  })
}
