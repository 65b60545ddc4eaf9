import type { Database, RootDatabase } from 'lmdb'
import type { FeedItem } from '../../core/feed.ts'
import { PARTITIONS, type SessionId, type SubjectKey } from '../../core/ids.ts'
import type { Kinds, Numbered } from '../feed/reader.ts'
import { locate } from '../partition.ts'
import {
  decodeHistory,
  decodeRecord,
  encodeHistory,
  encodeRecord,
  keepsApart,
} from '../stored-record.ts'
import type { Expiring, Tables } from './tables.ts'

/** Feed entries dropped in one transaction: one as a rule, more after the bound was lowered. */
const TRIM = 4

/** Number of tables below, with room for more. */
export const LMDB_TABLES = 16

const HEADS = 'newest'
/** In front of the number of a partition. */
const CONFIRMED = 'confirmed'
const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition)

type Bytes = Database<Buffer, string>

/**
 * Tables of an LMDB environment. Writes belong into a transaction. The names of the databases, the
 * kinds in the keys of the expiry queue and the fields of {@link StoredItem} are the stored format:
 * they stay as they are.
 */
export function lmdbTables(root: RootDatabase): Tables {
  const bytes = (name: string): Bytes => root.openDB({ name, encoding: 'binary' })
  const records = bytes('records')
  /** Attributes of records of before. A write puts them into the record. */
  const apart = bytes('attributes')
  const histories = bytes('histories')
  const generations: Database<number, string> = root.openDB({ name: 'generations' })
  const replays: Database<number, string> = root.openDB({ name: 'marks' })
  const index: Database<true, (string | number)[]> = root.openDB({ name: 'places' })
  const expiryQueue: Database<true, (string | number)[]> = root.openDB({ name: 'notes' })
  const feed: Database<StoredItem, number[]> = root.openDB({ name: 'feed' })
  const heads = bytes('heads')
  const starts = startsOf(feed)

  function get(table: Bytes, key: string): Buffer | undefined {
    // The fast buffer is longer than its content, and the next read overwrites it: copy at once.
    const found = table.getBinaryFast(key)
    return found === undefined ? undefined : Buffer.from(found.subarray(0, found.length))
  }

  function removeApart(id: SessionId): void {
    const found = records.getBinaryFast(keyIn(id))
    if (found !== undefined && keepsApart(found)) apart.removeSync(id)
  }

  function end(partition: number, reverse: boolean): number | undefined {
    const [start, until] = [[partition, 0], [partition + 1]]
    const range = reverse ? { start: until, end: start } : { start, end: until }
    for (const key of feed.getKeys({ ...range, reverse, limit: 1 })) return key[1]
    return undefined
  }

  /** An entry is looked up by its number, because a cursor over a range costs twice as much. */
  function entryAt(partition: number, sequence: number, kinds?: Kinds): Numbered | undefined {
    const key = [partition, sequence]
    if (kinds !== undefined) {
      const found = feed.getBinaryFast(key)
      if (found === undefined) return undefined
      if (starts.some(({ kind, bytes }) => !kinds.has(kind) && startsWith(found, bytes))) {
        return { sequence, item: undefined }
      }
    }
    const stored = feed.get(key)
    return stored === undefined ? undefined : { sequence, item: itemOf(stored) }
  }

  function firstAfter(partition: number, from: number, kinds?: Kinds): Numbered | undefined {
    const range = { start: [partition, from], end: [partition + 1], limit: 1 }
    for (const [, sequence = 0] of feed.getKeys(range)) return entryAt(partition, sequence, kinds)
    return undefined
  }

  /** Reads one short record: 64 searches in the feed would cost a hundred times as much. */
  function headsNow(): number[] {
    const found = get(heads, HEADS)
    return ALL.map((partition) => found?.readUIntBE(partition * 6, 6) ?? end(partition, true) ?? 0)
  }

  function newestOf(partition: number): number {
    return heads.getBinaryFast(HEADS)?.readUIntBE(partition * 6, 6) ?? end(partition, true) ?? 0
  }

  return {
    record(id) {
      const found = get(records, keyIn(id))
      return found === undefined ? undefined : decodeRecord(found, () => get(apart, id))
    },
    putRecord(id, record) {
      removeApart(id)
      records.putSync(keyIn(id), encodeRecord(record))
    },
    removeRecord(id) {
      removeApart(id)
      records.removeSync(keyIn(id))
    },

    generation: (subject) => generations.get(subject) ?? 0,
    putGeneration: (subject, generation) => generations.putSync(subject, generation),

    history(subject) {
      const found = get(histories, keyIn(subject))
      return found === undefined ? undefined : decodeHistory(found)
    },
    putHistory: (subject, history) => histories.putSync(keyIn(subject), encodeHistory(history)),
    removeHistory: (subject) => void histories.removeSync(keyIn(subject)),
    historiesIn: (partition, after) => namesIn(histories, partition, after),

    replay: (key) => replays.get(key),
    putReplay: (key, until) => replays.putSync(key, until),
    removeReplay: (key) => void replays.removeSync(key),

    *indexEntries(subject, { generation, after }) {
      const start =
        after === undefined || after.generation < generation
          ? [subject, generation]
          : [subject, after.generation, after.createdAt, after.id]
      for (const key of index.getKeys({ start, end: [subject, Number.MAX_VALUE] })) {
        const [, lives = 0, createdAt = 0, id = ''] = key
        if (id === after?.id) continue
        yield { generation: Number(lives), createdAt: Number(createdAt), id: String(id) }
      }
    },
    putIndexEntry: (subject, { generation, createdAt, id }) =>
      index.putSync([subject, generation, createdAt, id], true),
    removeIndexEntry: (subject, { generation, createdAt, id }) =>
      void index.removeSync([subject, generation, createdAt, id]),
    inPartition: (partition, after) => namesIn(records, partition, after),

    queueExpiry: (at, { kind, key }) => expiryQueue.putSync([at, STORED_KINDS[kind], key], true),
    takeExpired(now, limit) {
      const keys = [...expiryQueue.getKeys({ end: [now, 'z'], limit })]
      return keys.flatMap((key) => {
        expiryQueue.removeSync(key)
        return expiringOf(key)
      })
    },

    feedHeads: headsNow,
    feedNewest: newestOf,
    feedOldest: (partition) => end(partition, false) ?? newestOf(partition) + 1,
    feedRange({ partition, after, count, kinds }) {
      const first = entryAt(partition, after + 1, kinds) ?? firstAfter(partition, after + 1, kinds)
      if (first === undefined || count < 1) return []
      const entries = [first]
      while (entries.length < count) {
        const next = entryAt(partition, first.sequence + entries.length, kinds)
        if (next === undefined) break
        entries.push(next)
      }
      return entries
    },
    appendFeed(partition, { sequence, item }, keepFrom) {
      const newest = get(heads, HEADS) ?? Buffer.concat(headsNow().map(bytesOf))
      newest.writeUIntBE(sequence, partition * 6, 6)
      heads.putSync(HEADS, newest)
      feed.putSync([partition, sequence], storedItem(item))
      if (keepFrom <= 1) return
      const old = { start: [partition, 0], end: [partition, keepFrom], limit: TRIM }
      for (const key of [...feed.getKeys(old)]) feed.removeSync(key)
    },
    confirmed: (partition) => heads.getBinaryFast(CONFIRMED + partition)?.readUIntBE(0, 6),
    putConfirmed(partition, sequence) {
      heads.putSync(CONFIRMED + partition, bytesOf(sequence))
    },
    removeConfirmed: (partition) => void heads.removeSync(CONFIRMED + partition),
  }
}

/** A sequence number. */
function bytesOf(sequence: number): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeUIntBE(sequence, 0, 6)
  return bytes
}

const PREFIXES = Array.from({ length: PARTITIONS + 1 }, (_, partition) =>
  partition.toString(16).padStart(2, '0'),
)

function prefix(partition: number): string {
  return PREFIXES[partition] ?? '~'
}

/** The partition comes first, so that what is of one partition lies together. */
function keyIn(name: SessionId | SubjectKey): string {
  return prefix(locate(name).partition) + name
}

function* namesIn(table: Bytes, partition: number, after: string | undefined): Iterable<string> {
  const start = prefix(partition) + (after ?? '')
  for (const key of table.getKeys({ start, end: prefix(partition + 1) })) {
    const name = key.slice(2)
    if (name !== after) yield name
  }
}

type EndItem = Extract<FeedItem, { readonly reason: string }>

/** An item of the feed as it is stored: the reason of an end is called `why`. */
type StoredItem =
  | Exclude<FeedItem, EndItem>
  | (Omit<Extract<EndItem, { kind: 'revoked' }>, 'reason'> & { readonly why: string })
  | (Omit<Extract<EndItem, { kind: 'subject' }>, 'reason'> & { readonly why: string })

function storedItem(item: FeedItem): StoredItem {
  if (item.kind === 'revoked') {
    const { kind, session, reason, at } = item
    return { kind, session, why: reason, at }
  }
  if (item.kind === 'subject') {
    const { kind, subject, generation, except, reason, at } = item
    return { kind, subject, generation, except, why: reason, at }
  }
  return item
}

function itemOf(stored: StoredItem): FeedItem {
  if (stored.kind === 'revoked') {
    const { kind, session, why, at } = stored
    return { kind, session, reason: why, at }
  }
  if (stored.kind === 'subject') {
    const { kind, subject, generation, except, why, at } = stored
    return { kind, subject, generation, except, reason: why, at }
  }
  return stored
}

/** The bytes that the entries of a kind start with: their fields, and the name of the kind. */
interface Start {
  readonly kind: FeedItem['kind']
  readonly bytes: Buffer
}

/** For the kinds that most entries are of. They can be passed over without being decoded. */
function startsOf(feed: Database<StoredItem, number[]>): readonly Start[] {
  const sealed = Buffer.alloc(0)
  const samples: readonly StoredItem[] = [
    { kind: 'event', id: '', at: 0, sealed },
    { kind: 'changed', session: '', version: 1, at: 0 },
  ]
  const { encoder } = feed as unknown as { encoder: { encode(value: StoredItem): Uint8Array } }
  return samples.map((sample) => {
    const bytes = Buffer.from(encoder.encode(sample))
    return {
      kind: sample.kind,
      bytes: bytes.subarray(0, bytes.indexOf(sample.kind) + sample.kind.length),
    }
  })
}

function startsWith(found: Buffer, bytes: Buffer): boolean {
  return (
    found.length >= bytes.length && found.compare(bytes, 0, bytes.length, 0, bytes.length) === 0
  )
}

/** What stands in the keys of the expiry queue for each kind. */
const STORED_KINDS = { entry: 'entry', history: 'history', replay: 'mark' } as const

function expiringOf([, stored, key]: readonly (string | number)[]): Expiring[] {
  if (typeof key !== 'string') return []
  if (stored === STORED_KINDS.replay) return [{ kind: 'replay', key }]
  return stored === 'entry' || stored === 'history' ? [{ kind: stored, key }] : []
}
