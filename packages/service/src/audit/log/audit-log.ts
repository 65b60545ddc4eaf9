import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { SessionError } from 'holdfast'
import { makeFolder } from 'holdfast/cli'
import { PARTITIONS, type Positions } from 'holdfast/store'
import { type FeedPart, isReadable, type LoggedEntry, type LoggedFinding } from '../entry.ts'
import { type Finding, partsOf } from '../finding.ts'
import { type ByClass, byClass, earliest } from '../retention.ts'
import { account } from './account.ts'
import { signCheckpoint } from './checkpoint.ts'
import { ioFault, replaceFile } from './files.ts'
import { type GapReason, type LineContent, lineName, lineText } from './lines.ts'
import type { NoteSigner } from './note.ts'
import type { PersonalPart, Vault } from './personal.ts'
import { CHECKPOINT, CHECKPOINTS, recover } from './recover.ts'
import {
  type Due,
  dueSegment,
  emptyOthers,
  removeHalfWritten,
  retiredText,
  rewriteSegment,
} from './retire.ts'
import { claimSegment, takenOver } from './segment-file.ts'
import { chainOf, lastSegment } from './segments.ts'
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
  /** Seals what is personal in them. Answers them with the indexes of their lines. */
  appendFindings(findings: readonly Finding[]): readonly LoggedFinding[]
  /** Tells of positions that the log never got, and never will. Those it has are left out. */
  appendGaps(gaps: readonly Gap[]): void
  /** Destroys the key of a subject, then says so in a line. May be repeated. */
  erase(subject: string): void
  /**
   * Takes a step of putting stubs in the place of lines that were written before these instants:
   * one segment, once the log has said so. True when there is no more of it. Throws
   * `record_invalid` for a segment that was changed; the next call leaves it out.
   */
  retire(before: ByClass): boolean
  /** What the lines account for: acknowledge this much, and follow the feed from here. */
  positions(): Positions
  /** Number of lines. */
  size(): number
  /** Signs the present tree. Answers the signed note; the same one while nothing was added. */
  checkpoint(): string
  /**
   * Keeps a checkpoint with what witnesses have signed of it. Answers whether it is the newest one
   * still: another is left out, because the next has a proof that goes on from it.
   */
  cosigned(note: string): boolean
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
  /** A segment that has so many bytes, or is a day old, is followed by another. Default 64 MiB. */
  readonly segmentBytes?: number
}

const SEGMENT_BYTES = 64 * 1_048_576
/** Lines are retired with their segment: a long one would keep them for longer. */
const SEGMENT_MS = 86_400_000

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
  io(() => removeHalfWritten(directory))
  orGiveUp(() => refuseStale(state.last?.epoch))
  if (state.last !== undefined && state.last.origin !== origin) {
    file.giveUp()
    throw new SessionError(
      'config_invalid',
      `The directory ${directory} is the audit log of "${state.last.origin}", not of "${origin}".`,
    )
  }

  const { tree } = state
  let { previous, last, retired } = state
  let begunAt = now()
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
    begunAt = now()
    const continues = last && { number: last.number, lines: last.lines, bytes: last.bytes }
    const header: LineContent = {
      kind: 'segment',
      at: begunAt,
      number: file.number,
      epoch,
      origin,
      continues: continues ?? null,
      root: tree.root().toString('base64'),
      edge: tree.edge().map((hash) => hash.toString('base64')),
      positions,
      retired,
    }
    commit([header])
  }

  function write(contents: readonly LineContent[]): void {
    makeReady()
    commit(contents)
  }

  /** A full segment is followed by the next, and one that could not be written is left behind. */
  function makeReady(): void {
    const isFull = (last?.bytes ?? 0) >= segmentBytes || now() - begunAt >= SEGMENT_MS
    if (!isFull && !file.failed) return
    file.close()
    file = io(() => claimSegment(directory, file.next))
    orGiveUp(begin)
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

  /** Keeps a checkpoint as the newest one, and among all. */
  function keep(note: string): void {
    io(() => {
      file.assertOurs()
      // What a killed writer or a full disk has left there must not swallow this line.
      const line = `${isHistoryWhole ? '' : '\n'}${JSON.stringify({ at: now(), note })}\n`
      isHistoryWhole = false
      appendFileSync(join(directory, CHECKPOINTS), line, { mode: 0o600, flush: true })
      isHistoryWhole = true
      replaceFile(join(directory, CHECKPOINT), note, epoch)
    })
  }

  /** The log says first what it will no longer have. */
  function retireLines(due: Due, before: ByClass): void {
    file.assertOurs()
    const rewritten = rewriteSegment(due, { by: tree.size, epoch })
    const { count, lines, digest } = rewritten
    const segment = due.segment.number
    try {
      if (count === 0) return
      const why = Object.fromEntries(due.classes.map((name) => [name, before[name]]))
      const note = signer.sign(retiredText(origin, { segment, count, digest }))
      commit([{ kind: 'retired', at: now(), segment, before: why, count, lines, note }])
      file.assertOurs()
      rewritten.commit()
    } finally {
      rewritten.close()
    }
  }

  function passOver({ segment, classes }: Due): void {
    retired = byClass((name) => (classes.includes(name) ? segment.number : retired[name]))
  }

  function sealedOf(parts: readonly PersonalPart[]): readonly { readonly personal?: string }[] {
    const texts = io(() => vault.seal(parts))
    return texts.map((personal) => (personal === undefined ? {} : { personal }))
  }

  return {
    append(entries, through = []) {
      const fresh = unaccounted(entries, positions)
      const opens = fresh.filter(isReadable)
      const sealed = sealedOf(opens.map(({ event, personal }) => ({ of: event, personal })))
      const parts = new Map(opens.map((part, number) => [part, sealed[number]]))
      const at = [...positions]
      const contents = fresh.map((part): LineContent => {
        const { partition, sequence } = part
        const span = { partition, after: at[partition] ?? 0, sequence }
        at[partition] = sequence
        if (isReadable(part))
          return { kind: 'event', ...span, event: part.event, ...parts.get(part) }
        return { kind: 'gap', at: now(), reason: 'unreadable', ...span, event: part.unreadable }
      })
      const passed = through.flatMap((sequence, partition): LineContent[] => {
        const after = at[partition] ?? 0
        if (sequence - after < PASSED_EVERY) return []
        return [{ kind: 'passed', partition, after, sequence }]
      })
      if (contents.length + passed.length > 0) write([...contents, ...passed])
      const first = tree.size - contents.length - passed.length
      return fresh.flatMap((part, number) => {
        if (!isReadable(part)) return []
        const isKept = parts.get(part)?.personal !== undefined
        return { ...part, personal: isKept ? part.personal : null, index: first + number }
      })
    },

    appendFindings(findings) {
      if (findings.length === 0) return []
      const parts = findings.map(partsOf)
      const sealed = sealedOf(parts.map(({ finding, personal }) => ({ of: finding, personal })))
      write(parts.map(({ finding }, at) => ({ kind: 'finding', finding, ...sealed[at] })))
      const first = tree.size - findings.length
      return parts.map(({ finding, personal }, number) => {
        const isKept = sealed[number]?.personal !== undefined
        return { index: first + number, finding, personal: isKept ? personal : null }
      })
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

    retire(before) {
      makeReady()
      const chain = chainOf(directory)
      if (chain.broken !== undefined) {
        throw new SessionError('record_invalid', chain.broken.message)
      }
      const due = dueSegment(chain, before, retired)
      if (due === undefined) {
        io(() => emptyOthers(chain, earliest(before)))
        return true
      }
      try {
        io(() => retireLines(due, before))
        passOver(due)
      } catch (error) {
        if (error instanceof SessionError && error.code === 'record_invalid') passOver(due)
        throw error
      }
      return false
    },

    positions: () => positions,
    size: () => tree.size,

    checkpoint() {
      if (signed?.size === tree.size) return signed.note
      const { size } = tree
      const note = signCheckpoint({ origin, size, root: tree.root() }, signer)
      keep(note)
      signed = { size, note }
      return note
    },

    cosigned(note) {
      if (signed === undefined || !note.startsWith(signed.note)) return false
      keep(note)
      signed = { ...signed, note }
      return true
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
