import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { SessionError } from 'holdfast'
import { makeFolder } from 'holdfast/cli'
import { PARTITIONS, type Positions } from 'holdfast/store'
import { type FeedPart, isReadable, type LoggedEntry, type LoggedFinding } from '../entry.ts'
import type { Finding } from '../finding.ts'
import { account } from './account.ts'
import { signCheckpoint } from './checkpoint.ts'
import { ioFault, replaceFile } from './files.ts'
import { type GapReason, type LineContent, lineName, lineText } from './lines.ts'
import type { NoteSigner } from './note.ts'
import type { Vault } from './personal.ts'
import { CHECKPOINT, CHECKPOINTS, recover } from './recover.ts'
import { claimSegment, takenOver } from './segment-file.ts'
import { lastSegment } from './segments.ts'
import { leafHash } from './tree.ts'

/**
 * The tamper-evident log of one writer: a directory of segments, whose lines are the leaves of a
 * Merkle tree with signed checkpoints. Synchronous: it belongs into a worker.
 *
 * What a call answered is on disk and counts. A call that throws has added nothing that counts, and
 * the next one goes on: `store_unavailable` where the disk is full or cannot be written,
 * `store_contended` once another writer has taken the directory over, for good.
 */
export interface AuditLog {
  /**
   * Appends entries in the order of the feed, with one write. Answers those that are new: what is
   * at a position that the log accounts for already is left out. One that does not open becomes a
   * gap. `through`: positions that the caller has seen, with or without an event. Entries of a
   * partition must ascend.
   */
  append(entries: readonly FeedPart[], through?: Positions): readonly LoggedEntry[]
  /** Answers them with the indexes of their lines. */
  appendFindings(findings: readonly Finding[]): readonly LoggedFinding[]
  /** Tells of positions that the log never got, and never will. Those it has are left out. */
  appendGaps(gaps: readonly Gap[]): void
  /** Destroys the key of a subject, then says so in a line. May be repeated. */
  erase(subject: string): void
  /** What the lines account for: acknowledge this much, and follow the feed from here. */
  positions(): Positions
  /** Number of lines. */
  size(): number
  /** Signs the present tree. Answers the signed note; the same one while nothing was added. */
  checkpoint(): string
  close(): void
}

/**
 * Positions that have no lines. `dropped`: up to `sequence`. `rolled_back`: the store goes on after
 * `sequence`, which is lower.
 */
export interface Gap {
  readonly partition: number
  readonly sequence: number
  readonly reason: Exclude<GapReason, 'unreadable'>
}

export interface AuditLogOptions {
  readonly directory: string
  readonly signer: NoteSigner
  /** Names this log in checkpoints: another one for each directory. Default: the signer's name. */
  readonly origin?: string
  /** Of the lease. Rises from writer to writer. */
  readonly epoch: number
  readonly vault: Vault
  readonly now: () => number
  /** Positions that writers with other directories have accounted for. */
  readonly elsewhere?: Positions
  /** A segment that has so many bytes is the last one to grow. Default 64 MiB. */
  readonly segmentBytes?: number
}

const SEGMENT_BYTES = 64 * 1_048_576

/** Positions without an event are told of from so many on: a restart reads no more of them anew. */
const PASSED_EVERY = 1_000

/**
 * Opens the log for a new writer, in a new segment: writers of before no longer add anything that
 * counts. Throws `store_contended` where a writer of a later epoch has it, `record_invalid` where
 * the log was changed, and `config_invalid` where the directory cannot be made or is another's.
 */
export function openAuditLog(options: AuditLogOptions): AuditLog {
  const { directory, signer, epoch, vault, now } = options
  const { origin = signer.name, segmentBytes = SEGMENT_BYTES } = options
  const io = <T>(work: () => T): T => ioFault(directory, work)
  try {
    makeFolder(directory, 0o700)
  } catch (cause) {
    throw new SessionError('config_invalid', `The directory ${directory} cannot be made.`, {
      cause,
    })
  }

  // A stale writer must not even begin a segment: that would stop the one that it lost to.
  refuseStale(io(() => lastSegment(directory)?.header.epoch))
  let file = io(() => claimSegment(directory))
  const state = orGiveUp(() => io(() => recover(directory, file.number)))
  orGiveUp(() => refuseStale(state.last?.epoch))
  if (state.last !== undefined && state.last.origin !== origin) {
    file.giveUp()
    throw new SessionError(
      'config_invalid',
      `The directory ${directory} is the audit log of "${state.last.origin}", not of "${origin}".`,
    )
  }

  const { tree } = state
  let { previous, last } = state
  let positions = highest(state.positions, options.elsewhere ?? [])
  let signed: { readonly size: number; readonly note: string } | undefined
  let isHistoryWhole = false

  orGiveUp(begin)

  function orGiveUp<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      file.giveUp()
      throw error
    }
  }

  function refuseStale(latest = epoch): void {
    if (latest > epoch) throw takenOver(directory)
  }

  /** Writes the first line of a claimed file. */
  function begin(): void {
    const continues = last && { number: last.number, lines: last.lines, bytes: last.bytes }
    const header: LineContent = {
      kind: 'segment',
      at: now(),
      number: file.number,
      epoch,
      origin,
      continues: continues ?? null,
      root: tree.root().toString('base64'),
      edge: tree.edge().map((hash) => hash.toString('base64')),
      positions,
    }
    commit([header])
  }

  /** A full segment is followed by the next, and one that could not be written is left behind. */
  function write(contents: readonly LineContent[]): void {
    if (file.failed || (last?.bytes ?? 0) >= segmentBytes) {
      file.close()
      file = io(() => claimSegment(directory, file.next))
      orGiveUp(begin)
    }
    commit(contents)
  }

  function commit(contents: readonly LineContent[]): void {
    const { number } = file
    let name = previous
    const lines = contents.map((content, at) => {
      const line = lineText({ v: 1, index: tree.size + at, previous: name, ...content })
      const bytes = Buffer.from(line)
      const leaf = leafHash(bytes)
      name = lineName(leaf)
      return { bytes, leaf }
    })
    const text = Buffer.concat(lines.flatMap(({ bytes }) => [bytes, LINE_FEED]))
    io(() => file.append(text))
    const next = account(positions)
    for (const { leaf } of lines) tree.add(leaf)
    for (const content of contents) next.take(content)
    positions = next.positions()
    previous = name
    const before = last?.number === number ? last : { lines: 0, bytes: 0 }
    last = {
      ...{ number, epoch, origin },
      lines: before.lines + lines.length,
      bytes: before.bytes + text.length,
    }
  }

  return {
    append(entries, through = []) {
      const fresh = unaccounted(entries, positions)
      const sealed = io(() => vault.seal(fresh.filter(isReadable))).values()
      const at = [...positions]
      const contents = fresh.map((part): LineContent => {
        const { partition, sequence } = part
        const span = { partition, after: at[partition] ?? 0, sequence }
        at[partition] = sequence
        if (!isReadable(part)) {
          return { kind: 'gap', at: now(), reason: 'unreadable', ...span, event: part.unreadable }
        }
        const { value: personal } = sealed.next()
        const rest = personal === undefined ? {} : { personal }
        return { kind: 'event', ...span, event: part.event, ...rest }
      })
      const passed = through.flatMap((sequence, partition): LineContent[] => {
        const after = at[partition] ?? 0
        if (sequence - after < PASSED_EVERY) return []
        return [{ kind: 'passed', partition, after, sequence }]
      })
      if (contents.length + passed.length > 0) write([...contents, ...passed])
      const first = tree.size - contents.length - passed.length
      return fresh.flatMap((part, number) =>
        isReadable(part) ? { ...part, index: first + number } : [],
      )
    },

    appendFindings(findings) {
      if (findings.length === 0) return []
      write(findings.map((finding) => ({ kind: 'finding', finding })))
      const first = tree.size - findings.length
      return findings.map((finding, number) => ({ index: first + number, finding }))
    },

    appendGaps(gaps) {
      const next = [...positions]
      const contents = gaps.flatMap(({ partition, sequence, reason }): LineContent[] => {
        const after = next[partition] ?? 0
        if (reason === 'dropped' ? sequence <= after : sequence >= after) return []
        next[partition] = sequence
        return [{ kind: 'gap', at: now(), reason, partition, after, sequence }]
      })
      if (contents.length > 0) write(contents)
    },

    erase(subject) {
      io(() => vault.erase(subject))
      write([{ kind: 'erased', at: now(), subject }])
    },

    positions: () => positions,
    size: () => tree.size,

    checkpoint() {
      if (signed?.size === tree.size) return signed.note
      const { size } = tree
      const note = signCheckpoint({ origin, size, root: tree.root() }, signer)
      io(() => {
        file.assertOurs()
        // What a killed writer or a full disk has left there must not swallow this line.
        const line = `${isHistoryWhole ? '' : '\n'}${JSON.stringify({ at: now(), note })}\n`
        isHistoryWhole = false
        appendFileSync(join(directory, CHECKPOINTS), line, { mode: 0o600, flush: true })
        isHistoryWhole = true
        replaceFile(join(directory, CHECKPOINT), note, epoch)
      })
      signed = { size, note }
      return note
    },

    close: () => file.close(),
  }
}

const LINE_FEED = Buffer.from('\n')

function highest(one: Positions, other: Positions): Positions {
  return Array.from({ length: PARTITIONS }, (_, at) => Math.max(one[at] ?? 0, other[at] ?? 0))
}

/**
 * Entries at positions that are not accounted for, each once. Throws where they do not ascend: what
 * comes late would be taken for what the log has.
 */
function unaccounted(entries: readonly FeedPart[], positions: Positions): readonly FeedPart[] {
  const taken = new Map<number, Set<number>>()
  const at = [...positions]
  return entries.filter(({ partition, sequence }) => {
    if (sequence <= (positions[partition] ?? 0)) return false
    const here = taken.get(partition) ?? new Set()
    if (here.has(sequence)) return false
    if (sequence <= (at[partition] ?? 0)) {
      throw new RangeError('the entries of a partition must ascend')
    }
    at[partition] = sequence
    taken.set(partition, here.add(sequence))
    return true
  })
}
