import { PARTITIONS, type SessionId, type SubjectKey } from '../../core/ids.ts'
import type { Numbered } from '../feed/reader.ts'
import { partitionOfKey } from '../partition.ts'
import type { History, StoredRecord } from '../stored-record.ts'
import type { Expiring, IndexEntry, Tables } from './tables.ts'

/** The expiry queue is kept by the minute: finding what has expired costs nothing until then. */
const SLOT_MS = 60_000

/** The feed of one partition. */
interface PartitionFeed {
  entries: Numbered[]
  newest: number
}

/** Tables as maps. */
export function memoryTables(): Tables {
  const records = byPartition<StoredRecord>()
  const generations = new Map<SubjectKey, number>()
  const histories = byPartition<History>()
  const replays = new Map<string, number>()
  const indexes = new Map<SubjectKey, Map<SessionId, IndexEntry>>()
  const expiryQueue = new Map<number, Expiring[]>()
  const feeds = new Map<number, PartitionFeed>()
  const confirmed = new Map<number, number>()
  /** Slots before this one are empty. */
  let lowest = Infinity

  return {
    record: (id) => records.get(id),
    putRecord: (id, record) => void records.set(id, record),
    removeRecord: (id) => void records.delete(id),

    generation: (subject) => generations.get(subject) ?? 0,
    putGeneration: (subject, generation) => void generations.set(subject, generation),

    history: (subject) => histories.get(subject),
    putHistory: (subject, history) => void histories.set(subject, history),
    removeHistory: (subject) => void histories.delete(subject),
    historiesIn: (partition, after) => sorted(histories.keysIn(partition), after),

    replay: (key) => replays.get(key),
    putReplay: (key, until) => void replays.set(key, until),
    removeReplay: (key) => void replays.delete(key),

    indexEntries(subject, { generation, after }) {
      return [...(indexes.get(subject)?.values() ?? [])]
        .filter((entry) => entry.generation >= generation)
        .filter((entry) => after === undefined || inOrder(entry, after) > 0)
        .sort(inOrder)
    },
    putIndexEntry(subject, entry) {
      const index = indexes.get(subject) ?? new Map<SessionId, IndexEntry>()
      indexes.set(subject, index.set(entry.id, entry))
    },
    removeIndexEntry(subject, entry) {
      const index = indexes.get(subject)
      index?.delete(entry.id)
      if (index?.size === 0) indexes.delete(subject)
    },
    inPartition: (partition, after) => sorted(records.keysIn(partition), after),

    queueExpiry(at, expiring) {
      const slot = Math.floor(at / SLOT_MS)
      lowest = Math.min(lowest, slot)
      const queued = expiryQueue.get(slot)
      if (queued === undefined) expiryQueue.set(slot, [expiring])
      else queued.push(expiring)
    },
    takeExpired(now, limit) {
      const taken: Expiring[] = []
      for (const first = Math.floor(now / SLOT_MS); lowest < first; lowest++) {
        const queued = expiryQueue.get(lowest) ?? []
        // From its end: an array gives up its first elements only by moving all others.
        while (taken.length < limit) {
          const expiring = queued.pop()
          if (expiring === undefined) break
          taken.push(expiring)
        }
        if (queued.length > 0) return taken
        expiryQueue.delete(lowest)
      }
      return taken
    },

    feedHeads: () =>
      Array.from({ length: PARTITIONS }, (_, partition) => feeds.get(partition)?.newest ?? 0),
    feedNewest: (partition) => feeds.get(partition)?.newest ?? 0,
    feedOldest(partition) {
      const { entries = [], newest = 0 } = feeds.get(partition) ?? {}
      return entries[0]?.sequence ?? newest + 1
    },
    feedRange({ partition, after, count }) {
      const { entries = [] } = feeds.get(partition) ?? {}
      const start = after + 1 - (entries[0]?.sequence ?? 1)
      return start < 0 ? entries.slice(0, count) : entries.slice(start, start + count)
    },
    appendFeed(partition, entry, keepFrom) {
      const feed = feeds.get(partition) ?? { entries: [], newest: 0 }
      feeds.set(partition, feed)
      feed.entries.push(entry)
      feed.newest = entry.sequence
      // Entries are dropped in bulk, so half as many again may be kept for a while.
      const extra = keepFrom - (feed.entries[0]?.sequence ?? keepFrom)
      if (extra * 2 > feed.entries.length - extra) feed.entries = feed.entries.slice(extra)
    },
    confirmed: (partition) => confirmed.get(partition),
    putConfirmed: (partition, sequence) => void confirmed.set(partition, sequence),
    removeConfirmed: (partition) => void confirmed.delete(partition),
  }
}

interface Partitioned<Value> {
  get(key: string): Value | undefined
  set(key: string, value: Value): void
  delete(key: string): void
  keysIn(partition: number): Iterable<string>
}

/** A map for each partition, so that listing one does not look at all the others. */
function byPartition<Value>(): Partitioned<Value> {
  const maps = Array.from({ length: PARTITIONS }, () => new Map<string, Value>())
  const of = (key: string): Map<string, Value> | undefined => maps[partitionOfKey(key)]
  return {
    get: (key) => of(key)?.get(key),
    set: (key, value) => void of(key)?.set(key, value),
    delete: (key) => void of(key)?.delete(key),
    keysIn: (partition) => maps[partition]?.keys() ?? [],
  }
}

function sorted(keys: Iterable<string>, after = ''): string[] {
  return [...keys].filter((key) => key > after).sort()
}

function inOrder(a: IndexEntry, b: IndexEntry): number {
  return (
    a.generation - b.generation ||
    a.createdAt - b.createdAt ||
    (a.id < b.id ? -1 : Number(a.id > b.id))
  )
}
