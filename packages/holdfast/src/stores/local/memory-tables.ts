import { PARTITIONS, type SessionId, type SubjectKey } from '../../core/ids.ts'
import type { Numbered } from '../feed/reader.ts'
import { locate } from '../partition.ts'
import type { History, StoredRecord, Versioned } from '../stored-record.ts'
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
  const records = new Map<SessionId, StoredRecord>()
  const attributes = new Map<SessionId, Versioned>()
  const generations = new Map<SubjectKey, number>()
  const histories = new Map<SubjectKey, History>()
  const replays = new Map<string, number>()
  const indexes = new Map<SubjectKey, Map<SessionId, IndexEntry>>()
  const expiryQueue = new Map<number, Expiring[]>()
  const feeds = new Map<number, PartitionFeed>()
  let sweptBefore = 0

  return {
    record: (id) => records.get(id),
    putRecord: (id, record) => void records.set(id, record),
    removeRecord: (id) => void records.delete(id),

    attributes: (id) => attributes.get(id),
    putAttributes: (id, value) => void attributes.set(id, value),
    removeAttributes: (id) => void attributes.delete(id),

    generation: (subject) => generations.get(subject) ?? 0,
    putGeneration: (subject, generation) => void generations.set(subject, generation),

    history: (subject) => histories.get(subject),
    putHistory: (subject, history) => void histories.set(subject, history),
    removeHistory: (subject) => void histories.delete(subject),
    historiesIn: (partition, after) => sortedIn(partition, histories.keys(), after),

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
    inPartition: (partition, after) => sortedIn(partition, records.keys(), after),

    queueExpiry(at, expiring) {
      const slot = Math.floor(at / SLOT_MS)
      sweptBefore = Math.min(sweptBefore, slot)
      const queued = expiryQueue.get(slot)
      if (queued === undefined) expiryQueue.set(slot, [expiring])
      else queued.push(expiring)
    },
    takeExpired(now, limit) {
      const taken: Expiring[] = []
      const first = Math.floor(now / SLOT_MS)
      if (sweptBefore >= first) return taken
      for (const [slot, queued] of expiryQueue) {
        if (slot >= first) continue
        if (taken.length === limit) return taken
        taken.push(...queued.splice(0, limit - taken.length))
        if (queued.length === 0) expiryQueue.delete(slot)
      }
      sweptBefore = first
      return taken
    },

    feedHeads: () =>
      Array.from({ length: PARTITIONS }, (_, partition) => feeds.get(partition)?.newest ?? 0),
    feedEnds(partition) {
      const { entries = [], newest = 0 } = feeds.get(partition) ?? {}
      return { newest, oldest: entries[0]?.sequence ?? newest + 1 }
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
  }
}

function sortedIn(partition: number, keys: Iterable<string>, after = ''): string[] {
  return [...keys].filter((key) => key > after && locate(key).partition === partition).sort()
}

function inOrder(a: IndexEntry, b: IndexEntry): number {
  return (
    a.generation - b.generation ||
    a.createdAt - b.createdAt ||
    (a.id < b.id ? -1 : Number(a.id > b.id))
  )
}
