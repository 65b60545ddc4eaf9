import type { Database, RootDatabase } from 'lmdb'
import { PARTITIONS, type SessionId, type SubjectKey } from '../../core/ids.ts'
import type { FeedItem } from '../../core/store.ts'
import { homeOf } from '../partition.ts'
import {
  decodeHistory,
  decodeRecord,
  decodeVersioned,
  encodeHistory,
  encodeRecord,
  encodeVersioned,
} from '../stored-record.ts'
import type { Due, Tables } from './tables.ts'

/** Dropped at most so many a step when the bound was lowered; normally one. */
const TRIM = 4

/** Number of tables below, with room for more. */
export const LMDB_TABLES = 16

const HEADS = 'newest'
const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition)

type Bytes = Database<Buffer, string>

/** Tables of an LMDB environment. Writes belong into a transaction. */
export function lmdbTables(root: RootDatabase): Tables {
  const bytes = (name: string): Bytes => root.openDB({ name, encoding: 'binary' })
  const records = bytes('records')
  const attributes = bytes('attributes')
  const histories = bytes('histories')
  const generations: Database<number, string> = root.openDB({ name: 'generations' })
  const marks: Database<number, string> = root.openDB({ name: 'marks' })
  const places: Database<true, (string | number)[]> = root.openDB({ name: 'places' })
  const notes: Database<true, (string | number)[]> = root.openDB({ name: 'notes' })
  const feed: Database<FeedItem, number[]> = root.openDB({ name: 'feed' })
  const heads = bytes('heads')

  function get(table: Bytes, key: string): Buffer | undefined {
    // the fast buffer is longer than it says and overwritten by the next read: its part is copied at once
    const found = table.getBinaryFast(key)
    return found === undefined ? undefined : Buffer.from(found.subarray(0, found.length))
  }

  function end(partition: number, reverse: boolean): number | undefined {
    const [start, until] = [[partition, 0], [partition + 1]]
    const range = reverse ? { start: until, end: start } : { start, end: until }
    for (const key of feed.getKeys({ ...range, reverse, limit: 1 })) return key[1]
    return undefined
  }

  /** One short record beside the feed: 64 searches in the feed would cost a hundred times as much. */
  function headsNow(): number[] {
    const found = get(heads, HEADS)
    return ALL.map((partition) =>
      found === undefined ? (end(partition, true) ?? 0) : found.readUIntBE(partition * 6, 6),
    )
  }

  return {
    record(id) {
      const found = get(records, keyIn(id))
      return found === undefined ? undefined : decodeRecord(found)
    },
    putRecord: (id, record) => records.putSync(keyIn(id), encodeRecord(record)),
    removeRecord: (id) => void records.removeSync(keyIn(id)),

    attributes(id) {
      const found = get(attributes, id)
      return found === undefined ? undefined : decodeVersioned(found)
    },
    putAttributes: (id, value) => attributes.putSync(id, encodeVersioned(value)),
    removeAttributes: (id) => void attributes.removeSync(id),

    generation: (subject) => generations.get(subject) ?? 0,
    putGeneration: (subject, generation) => generations.putSync(subject, generation),

    history(subject) {
      const found = get(histories, keyIn(subject))
      return found === undefined ? undefined : decodeHistory(found)
    },
    putHistory: (subject, history) => histories.putSync(keyIn(subject), encodeHistory(history)),
    removeHistory: (subject) => void histories.removeSync(keyIn(subject)),
    historiesIn: (partition, after) => namesIn(histories, partition, after),

    mark: (key) => marks.get(key),
    putMark: (key, until) => marks.putSync(key, until),
    removeMark: (key) => void marks.removeSync(key),

    *places(subject, { floor, after }) {
      const start =
        after === undefined || after.floor < floor
          ? [subject, floor]
          : [subject, after.floor, after.createdAt, after.id]
      for (const key of places.getKeys({ start, end: [subject, Number.MAX_VALUE] })) {
        const [, lives = 0, createdAt = 0, id = ''] = key
        if (id === after?.id) continue
        yield { floor: Number(lives), createdAt: Number(createdAt), id: String(id) }
      }
    },
    putPlace: (subject, { floor, createdAt, id }) =>
      places.putSync([subject, floor, createdAt, id], true),
    removePlace: (subject, { floor, createdAt, id }) =>
      void places.removeSync([subject, floor, createdAt, id]),
    inPartition: (partition, after) => namesIn(records, partition, after),

    expireAt: (at, { kind, key }) => notes.putSync([at, kind, key], true),
    takeDue(now, limit) {
      const keys = [...notes.getKeys({ end: [now, 'z'], limit })]
      return keys.flatMap((key) => {
        notes.removeSync(key)
        return dueOf(key)
      })
    },

    feedHeads() {
      // lmdb goes on with the view of the turn before; a commit that woke us may be newer than that
      root.resetReadTxn()
      return headsNow()
    },
    feedEnds(partition) {
      const newest = headsNow()[partition] ?? 0
      return { newest, oldest: end(partition, false) ?? newest + 1 }
    },
    feedRange({ partition, after, count }) {
      const range = { start: [partition, after + 1], end: [partition + 1], limit: count }
      return [...feed.getRange(range)].map(({ key, value }) => ({
        sequence: key[1] ?? 0,
        item: value,
      }))
    },
    appendFeed(partition, { sequence, item }, keepFrom) {
      const newest = Buffer.alloc(PARTITIONS * 6)
      for (const [of, head] of headsNow().entries()) newest.writeUIntBE(head, of * 6, 6)
      newest.writeUIntBE(sequence, partition * 6, 6)
      heads.putSync(HEADS, newest)
      feed.putSync([partition, sequence], item)
      if (keepFrom <= 1) return
      const old = { start: [partition, 0], end: [partition, keepFrom], limit: TRIM }
      for (const key of [...feed.getKeys(old)]) feed.removeSync(key)
    },
  }
}

const PREFIXES = Array.from({ length: PARTITIONS + 1 }, (_, partition) =>
  partition.toString(16).padStart(2, '0'),
)

function prefix(partition: number): string {
  return PREFIXES[partition] ?? '~'
}

/** The partition comes first, so that what is of one partition lies together. */
function keyIn(name: SessionId | SubjectKey): string {
  return prefix(homeOf(name).partition) + name
}

function* namesIn(table: Bytes, partition: number, after: string | undefined): Iterable<string> {
  const start = prefix(partition) + (after ?? '')
  for (const key of table.getKeys({ start, end: prefix(partition + 1) })) {
    const name = key.slice(2)
    if (name !== after) yield name
  }
}

function dueOf([, kind, key]: readonly (string | number)[]): Due[] {
  if (typeof key !== 'string') return []
  return kind === 'entry' || kind === 'history' || kind === 'mark' ? [{ kind, key }] : []
}
