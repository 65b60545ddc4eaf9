import { PARTITIONS, type Positions } from 'holdfast/store'
import { type FeedPart, isReadable } from '../entry.ts'
import type { Gap } from '../log/audit-log.ts'
import { type Line, parseLine, type StubContent } from '../log/lines.ts'
import { chainOf, linesOf, type Segment } from '../log/segments.ts'

/**
 * A store that came back with less gives its numbers once more, to other events. So what is read
 * again is told apart by id: what the log has, and what took its number.
 */
export interface Rereading {
  /**
   * Learns what the end of the log has, which stands at these positions. Answers where to read on
   * from: a little before them, so that a store that came back with less shows at once.
   */
  begin(directory: string, positions: Positions): Positions
  /**
   * Reading goes on after `oldest`, the last position that the store no longer has, and the store
   * has come to `heads`. Answers what the log will never get.
   */
  restart(oldest: Positions, heads: Positions): readonly Gap[]
  /** Entries that the log does not have, each part after the gap that it begins with. */
  sort(entries: readonly FeedPart[]): readonly Sorted[]
}

export interface Sorted {
  readonly gap: Gap | undefined
  readonly entries: readonly FeedPart[]
}

export interface RereadingOptions {
  /** Ids that are known of each partition. A fail-over loses far less. */
  readonly known?: number
  /** Lines of the log that are read for that, about. */
  readonly lines?: number
}

const KNOWN = 2_000
const LINES = 20_000
/** Events of each partition that a beginning reads again. */
const AGAIN = 100

/** What the log has of one partition. */
interface Logged {
  /** Where the log is. */
  at: number
  /** From there on up to `at` this directory has everything itself. */
  own: number
  /** What is no younger was logged: no fail-over loses so much. */
  since: number
  /** Ids of the events after `since` that this directory has, by sequence. */
  readonly ids: Map<number, string>
}

export function rereading({ known = KNOWN, lines = LINES }: RereadingOptions = {}): Rereading {
  let logged: readonly Logged[] = []

  function note(
    { partition, sequence }: Pick<FeedPart, 'partition' | 'sequence'>,
    id: string,
  ): void {
    const here = logged[partition]
    if (here === undefined) return
    here.at = sequence
    here.ids.set(sequence, id)
    const [oldest] = here.ids.keys()
    if (here.ids.size <= known || oldest === undefined) return
    here.ids.delete(oldest)
    here.since = Math.max(here.since, oldest)
  }

  function setBack(partition: number, sequence: number): Gap {
    const here = logged[partition]
    if (here !== undefined) {
      here.at = sequence
      here.own = Math.min(here.own, sequence)
      // What takes their numbers is no older than this.
      here.since = Math.min(here.since, sequence)
    }
    return { partition, sequence, reason: 'rolled_back' }
  }

  function noteLine(line: Line): void {
    if (line.kind === 'event') note(line, line.event.id)
    else if (line.kind === 'gap' && line.reason === 'unreadable') note(line, line.event ?? '')
    else if (line.kind === 'gap' && line.reason === 'rolled_back')
      setBack(line.partition, line.sequence)
    else if (line.kind === 'passed') skipTo(line.partition, line.sequence)
    else if (line.kind === 'stub' && line.position !== undefined) noteRetired(line.position)
    else if (line.kind === 'segment') {
      for (const [partition, position] of line.positions.entries()) {
        // What lies between, another directory has.
        if (position !== logged[partition]?.at) skipTo(partition, position, position)
      }
    }
  }

  /** Its id is gone, and no fail-over loses what is that old. */
  function noteRetired([partition, , sequence]: NonNullable<StubContent['position']>): void {
    skipTo(partition, sequence)
    const here = logged[partition]
    if (here !== undefined) here.since = Math.max(here.since, sequence)
  }

  function skipTo(partition: number, sequence: number, own = logged[partition]?.own ?? 0): void {
    const here = logged[partition]
    if (here !== undefined) Object.assign(here, { at: sequence, own })
  }

  return {
    begin(directory, positions) {
      const last = lastSegments(directory, lines)
      // Before the first line of all there is nothing that this directory has.
      const before = last[0]?.header.index === 0 ? undefined : last[0]?.header.positions
      logged = Array.from({ length: PARTITIONS }, (_, at): Logged => {
        return { at: 0, own: 0, since: before?.[at] ?? 0, ids: new Map() }
      })
      for (const segment of last) {
        for (const { bytes, whole } of linesOf(segment)) {
          const line = whole ? parseLine(bytes) : undefined
          if (line !== undefined) noteLine(line)
        }
      }
      return logged.map((here, partition) => {
        skipTo(partition, positions[partition] ?? 0)
        const { at, own, since } = here
        const known = [...here.ids.keys()].filter((one) => one > Math.max(own, since) && one <= at)
        return (known.slice(-AGAIN)[0] ?? at + 1) - 1
      })
    },

    restart(oldest, heads) {
      return logged.flatMap((here, partition): readonly Gap[] => {
        const sequence = oldest[partition] ?? 0
        const head = heads[partition] ?? 0
        if (head < here.at) return [setBack(partition, head)]
        if (sequence <= here.at) return []
        skipTo(partition, sequence)
        return [{ partition, sequence, reason: 'dropped' }]
      })
    },

    sort(entries) {
      const parts: { gap: Gap | undefined; entries: FeedPart[] }[] = []
      for (const entry of entries) {
        const { partition, sequence } = entry
        const id = isReadable(entry) ? entry.event.id : entry.unreadable
        const { at = 0, since = 0, ids } = logged[partition] ?? {}
        if (sequence <= Math.min(at, since) || ids?.get(sequence) === id) continue
        const last = parts.at(-1)
        if (sequence <= at || last === undefined) {
          const gap = sequence <= at ? setBack(partition, sequence - 1) : undefined
          parts.push({ gap, entries: [entry] })
        } else last.entries.push(entry)
        note(entry, id)
      }
      return parts
    },
  }
}

/** As many whole segments as have so many lines. */
function lastSegments(directory: string, lines: number): readonly Segment[] {
  const { segments } = chainOf(directory)
  const newest = segments.at(-1)?.header.index ?? 0
  const first = segments.findLastIndex(({ header }) => header.index <= newest - lines)
  return segments.slice(Math.max(0, first))
}
