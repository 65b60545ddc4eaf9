import { inertJson } from 'holdfast/cli'
import type { SessionEvent } from 'holdfast/maintenance'
import { PARTITIONS } from 'holdfast/store'
import { z } from 'zod'
import type { PublicFinding } from '../finding.ts'
import { type ByClass, CLASSES } from '../retention.ts'
import { type Hash, leafHash } from './tree.ts'

/**
 * The lines of an audit log. Each is one JSON object and one leaf of the tree: the bytes of the
 * line without its line feed. `index` counts lines over all segments, from 0, and `previous` names
 * the line before by its hash, so that what was deleted, doubled, moved or edited can be named.
 */
export type Line = LineContent & {
  readonly v: 1
  readonly index: number
  /** Empty before the first line. */
  readonly previous: string
}

/** What a line says. */
export type LineContent =
  | SegmentContent
  | EventContent
  | GapContent
  | PassedContent
  | FindingContent
  | ErasedContent
  | RetiredContent
  | StubContent

/** First line of a segment: who writes it, and how much of what was written before counts. */
export interface SegmentContent {
  readonly kind: 'segment'
  readonly at: number
  readonly number: number
  readonly epoch: number
  readonly origin: string
  /**
   * The last segment that counts before this one, and how much of it counts: `lines`, which are so
   * many bytes as they were written. They are fewer where stubs have taken the place of lines.
   */
  readonly continues: {
    readonly number: number
    readonly lines: number
    readonly bytes: number
  } | null
  /** Root and right edge of the tree over all lines before this one, in base64. */
  readonly root: string
  readonly edge: readonly string[]
  /**
   * The last sequence of each partition that is accounted for. What lies between this and the
   * earlier lines of the same directory, another writer has.
   */
  readonly positions: readonly number[]
  /** The last segment of which each class is retired. */
  readonly retired?: Partial<ByClass>
}

export interface EventContent {
  readonly kind: 'event'
  readonly partition: number
  /** The last sequence of the partition that earlier lines account for. */
  readonly after: number
  readonly sequence: number
  readonly event: SessionEvent
  /** The sealed personal part. */
  readonly personal?: string
}

export interface FindingContent {
  readonly kind: 'finding'
  readonly finding: PublicFinding
  /** The sealed personal part. */
  readonly personal?: string
}

/**
 * Positions after `after` and up to `sequence` that no line will ever tell of. `rolled_back`: the
 * store has come back with less, and its sequence goes on from a lower one. `unreadable`: the event
 * at `sequence`, whose id the store says is `event`, does not open; before it there was none.
 */
export interface GapContent {
  readonly kind: 'gap'
  readonly at: number
  readonly reason: GapReason
  readonly partition: number
  readonly after: number
  readonly sequence: number
  readonly event?: string
}

export type GapReason = 'dropped' | 'rolled_back' | 'unreadable'

/** Positions up to `sequence` at which there was no event. */
export interface PassedContent {
  readonly kind: 'passed'
  readonly partition: number
  readonly after: number
  readonly sequence: number
}

/** The key of a subject was destroyed. */
export interface ErasedContent {
  readonly kind: 'erased'
  readonly at: number
  readonly subject: string
}

/** Lines of an earlier segment are past their time: stubs take their place from here on. */
export interface RetiredContent {
  readonly kind: 'retired'
  readonly at: number
  readonly segment: number
  /** Why: lines of these classes, which were written before these instants. */
  readonly before: Partial<ByClass>
  readonly count: number
  /** Which lines of the segment: a bit for each, the lowest of a byte first, in base64. */
  readonly lines: string
  /** A note that the key of the log has signed: the segment, and a digest of the stubs. */
  readonly note: string
}

/** Stands in the place of a line that is retired. It is a leaf of no tree itself. */
export interface StubContent {
  readonly kind: 'stub'
  /** Leaf hash of the line whose place this is, in base64. */
  readonly leaf: string
  /** Index of the line that says that it is retired. */
  readonly by: number
  /** Of an event: its partition, and `after` and `sequence` there. */
  readonly position?: readonly [partition: number, after: number, sequence: number]
}

/** A longer line is none of ours. */
export const MAX_LINE_BYTES = 4 * 1_048_576

const MOST_STUB_BYTES = 512

/** The first half of its leaf hash is enough of a name for a line. */
const NAME_BYTES = 16

export function lineName(leaf: Hash): string {
  return leaf.toString('base64url', 0, NAME_BYTES)
}

/** The leaf of a line; of a stub, that of the line whose place it has. */
export function leafOf(bytes: Buffer): Hash {
  const stub = stubIn(bytes)
  return stub === undefined ? leafHash(bytes) : Buffer.from(stub.leaf, 'base64')
}

export function stubIn(bytes: Buffer): (Line & StubContent) | undefined {
  // To read each line as JSON would take ten times as long.
  if (bytes.length > MOST_STUB_BYTES || !bytes.includes('"kind":"stub"')) return undefined
  const line = parseLine(bytes)
  return line?.kind === 'stub' ? line : undefined
}

/** One line of JSON. Names and agents in it are data from strangers, and inert. */
export function lineText(line: Line): string {
  return inertJson(line)
}

/** Undefined for what is not a line of this version. */
export function parseLine(bytes: Buffer): Line | undefined {
  let json: unknown
  try {
    json = JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
  const parsed = LINE.safeParse(json)
  // The schema says no more than what the code relies on.
  return parsed.success ? (json as Line) : undefined
}

const count = z.int().min(0)
const name = z.string().nullable()
const head = { v: z.literal(1), index: count, previous: z.string() }
const partition = count.max(PARTITIONS - 1)
const span = { partition, after: count, sequence: count }

const LINE = z.discriminatedUnion('kind', [
  z.object({
    ...head,
    kind: z.literal('segment'),
    at: count,
    number: count,
    epoch: count,
    origin: z.string(),
    continues: z.object({ number: count, lines: count, bytes: count }).nullable(),
    root: z.base64().length(44),
    edge: z.array(z.base64().length(44)).max(53),
    positions: z.array(count).length(PARTITIONS),
    retired: z.partialRecord(z.enum(CLASSES), count).optional(),
  }),
  z.object({
    ...head,
    kind: z.literal('event'),
    ...span,
    event: z.object({ id: z.string(), type: z.string(), at: count, subject: name, session: name }),
    personal: z.string().optional(),
  }),
  z.object({
    ...head,
    kind: z.literal('gap'),
    at: count,
    reason: z.enum(['dropped', 'rolled_back', 'unreadable']),
    ...span,
    event: z.string().optional(),
  }),
  z.object({ ...head, kind: z.literal('passed'), ...span }),
  z.object({
    ...head,
    kind: z.literal('finding'),
    finding: z.object({ id: z.string(), rule: z.string(), at: count, subject: name }),
    personal: z.string().optional(),
  }),
  z.object({ ...head, kind: z.literal('erased'), at: count, subject: z.string() }),
  z.object({
    ...head,
    kind: z.literal('retired'),
    at: count,
    segment: count,
    before: z.partialRecord(z.enum(CLASSES), z.int()),
    count,
    lines: z.base64(),
    note: z.string(),
  }),
  z.object({
    ...head,
    kind: z.literal('stub'),
    leaf: z.base64().length(44),
    by: count,
    position: z.tuple([partition, count, count]).optional(),
  }),
])
