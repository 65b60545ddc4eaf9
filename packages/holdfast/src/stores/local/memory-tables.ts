import { PARTITIONS, type SessionId, type SubjectKey } from '../../core/ids.ts'
import type { Numbered } from '../feed/reader.ts'
import { homeOf } from '../partition.ts'
import type { History, StoredRecord, Versioned } from '../stored-record.ts'
import type { Due, IndexEntry, Tables } from './tables.ts'

/** Expiry notes of one minute lie together: finding what is due costs nothing until it is. */
const SLOT_MS = 60_000

interface Lane {
  entries: Numbered[]
  newest: number
}

/** Tables as maps. */
export function memoryTables(): Tables {
  const records = new Map<SessionId, StoredRecord>()
  const attributes = new Map<SessionId, Versioned>()
  const generations = new Map<SubjectKey, number>()
  const histories = new Map<SubjectKey, History>()
  const marks = new Map<string, number>()
  const places = new Map<SubjectKey, Map<SessionId, IndexEntry>>()
  const notes = new Map<number, Due[]>()
  const lanes = new Map<number, Lane>()
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

    mark: (key) => marks.get(key),
    putMark: (key, until) => void marks.set(key, until),
    removeMark: (key) => void marks.delete(key),

    places(subject, { floor, after }) {
      return [...(places.get(subject)?.values() ?? [])]
        .filter((place) => place.floor >= floor)
        .filter((place) => after === undefined || inOrder(place, after) > 0)
        .sort(inOrder)
    },
    putPlace(subject, place) {
      const known = places.get(subject) ?? new Map<SessionId, IndexEntry>()
      places.set(subject, known.set(place.id, place))
    },
    removePlace(subject, place) {
      const known = places.get(subject)
      known?.delete(place.id)
      if (known?.size === 0) places.delete(subject)
    },
    inPartition: (partition, after) => sortedIn(partition, records.keys(), after),

    expireAt(at, due) {
      const slot = Math.floor(at / SLOT_MS)
      sweptBefore = Math.min(sweptBefore, slot)
      const noted = notes.get(slot)
      if (noted === undefined) notes.set(slot, [due])
      else noted.push(due)
    },
    takeDue(now, limit) {
      const taken: Due[] = []
      const first = Math.floor(now / SLOT_MS)
      if (sweptBefore >= first) return taken
      for (const [slot, noted] of notes) {
        if (slot >= first) continue
        if (taken.length === limit) return taken
        taken.push(...noted.splice(0, limit - taken.length))
        if (noted.length === 0) notes.delete(slot)
      }
      sweptBefore = first
      return taken
    },

    feedHeads: () =>
      Array.from({ length: PARTITIONS }, (_, partition) => lanes.get(partition)?.newest ?? 0),
    feedEnds(partition) {
      const { entries = [], newest = 0 } = lanes.get(partition) ?? {}
      return { newest, oldest: entries[0]?.sequence ?? newest + 1 }
    },
    feedRange({ partition, after, count }) {
      const { entries = [] } = lanes.get(partition) ?? {}
      const start = after + 1 - (entries[0]?.sequence ?? 1)
      return start < 0 ? entries.slice(0, count) : entries.slice(start, start + count)
    },
    appendFeed(partition, entry, keepFrom) {
      const lane = lanes.get(partition) ?? { entries: [], newest: 0 }
      lanes.set(partition, lane)
      lane.entries.push(entry)
      lane.newest = entry.sequence
      // dropping in bulk: half as much again is kept for a while
      const extra = keepFrom - (lane.entries[0]?.sequence ?? keepFrom)
      if (extra * 2 > lane.entries.length - extra) lane.entries = lane.entries.slice(extra)
    },
  }
}

function sortedIn(partition: number, keys: Iterable<string>, after = ''): string[] {
  return [...keys].filter((key) => key > after && homeOf(key).partition === partition).sort()
}

function inOrder(a: IndexEntry, b: IndexEntry): number {
  return a.floor - b.floor || a.createdAt - b.createdAt || (a.id < b.id ? -1 : Number(a.id > b.id))
}
