import type { SessionId } from '../../core/ids.ts'
import type { Entries, FeedItem, Found, Page, SealedEvent } from '../../core/store.ts'
import {
  checkedEntry,
  checkedId,
  checkedSubject,
  checkedTime,
  checkedVersion,
  invalidPosition,
  pageSize,
} from '../input.ts'
import { homeOf } from '../partition.ts'
import {
  foundOf,
  isIdle,
  isReadable,
  type LiveRecord,
  type StoredRecord,
} from '../stored-record.ts'
import type { LocalParts } from './store.ts'
import type { IndexEntry } from './tables.ts'

/** A page may be short, so that a list of the dead holds nobody up. */
export const MAX_EXAMINED = 2_000

/** `Entries` over the tables of this machine. */
export function localEntries({ tables, step, look, now, publish }: LocalParts): Entries {
  function current(id: SessionId, at: number): StoredRecord | undefined {
    const record = tables.record(id)
    if (record === undefined) return undefined
    const until = record.kind === 'dead' ? record.until : record.deadline
    return until > at ? record : undefined
  }

  function readable(id: SessionId, at: number): LiveRecord | undefined {
    const record = current(id, at)
    const generation = tables.generation(homeOf(id).subject)
    return isReadable(record, { generation, now: at }) ? record : undefined
  }

  function reachesLimit(id: SessionId, { limit, at }: { limit: number; at: number }): boolean {
    const subject = homeOf(id).subject
    const floor = tables.generation(subject)
    let live = 0
    for (const place of [...tables.places(subject, { floor, after: undefined })]) {
      const record = readable(place.id, at)
      if (record !== undefined && !isIdle(record, at)) live++
      else tables.removePlace(subject, place)
      if (live >= limit) return true
    }
    return live >= limit
  }

  function collect(
    ids: Iterable<readonly [SessionId, string]>,
    { limit, at }: { readonly limit: number; readonly at: number },
  ): Page<Found> {
    const items: Found[] = []
    let examined = 0
    let last: string | undefined
    for (const [id, position] of ids) {
      if (items.length === limit || examined === MAX_EXAMINED) {
        return last === undefined ? { items } : { items, next: last }
      }
      const record = readable(id, at)
      if (record !== undefined && !isIdle(record, at)) {
        items.push(foundOf(id, record, { attributes: tables.attributes(id), now: at }))
      }
      last = position
      examined++
    }
    return { items }
  }

  return {
    async read(id) {
      checkedId(id)
      return look(() => {
        const at = now()
        const record = readable(id, at)
        if (record === undefined) return undefined
        return foundOf(id, record, { attributes: tables.attributes(id), now: at })
      })
    },

    async write(entry, { limit, seenAt = 0, events = [] } = {}) {
      const { id, version, sealed, ...times } = checkedEntry(entry)
      checkedTime(seenAt, 'seenAt')
      const subject = homeOf(id).subject
      return step(() => {
        const at = now()
        const generation = tables.generation(subject)
        const before = current(id, at)
        const isNew = version === 1
        const live = isReadable(before, { generation, now: at }) ? before : undefined
        if (times.deadline <= at) return 'gone'
        if (before !== undefined ? live === undefined : !isNew) return 'gone'
        if ((live?.version ?? 0) !== version - 1) return 'conflict'
        if (isNew && times.generation < generation) return 'gone'
        if (isNew && limit !== undefined && reachesLimit(id, { limit, at })) return 'limit'

        const record: LiveRecord = {
          kind: 'live',
          version,
          ...times,
          generation: Math.max(live?.generation ?? 0, times.generation),
          lastActivity: Math.max(live?.lastActivity ?? times.createdAt, seenAt),
          sealed,
        }
        if (live !== undefined) tables.removePlace(subject, indexEntryOf(id, live))
        tables.putPlace(subject, indexEntryOf(id, record))
        tables.putRecord(id, record)
        if (live?.deadline !== record.deadline) {
          tables.expireAt(record.deadline, { kind: 'entry', key: id })
        }
        const changed: FeedItem = { kind: 'changed', session: id, version, at }
        publish(homeOf(id).partition, [...(isNew ? [] : [changed]), ...itemsOf(events)])
        return 'written'
      })
    },

    async attach(id, attributes) {
      checkedId(id)
      checkedVersion(attributes.version)
      return step(() => {
        const at = now()
        const record = readable(id, at)
        if (record === undefined) return 'gone'
        if ((tables.attributes(id)?.version ?? 0) !== attributes.version - 1) return 'conflict'
        tables.putAttributes(id, attributes)
        publish(homeOf(id).partition, [
          { kind: 'changed', session: id, version: record.version, at },
        ])
        return 'written'
      })
    },

    async revoke(id, { until, reason, at, events = [] }) {
      checkedId(id)
      checkedTime(until, 'until')
      return step(() => {
        const time = now()
        const before = current(id, time)
        const live = readable(id, time)
        const known = before?.kind === 'dead' ? before.until : (before?.deadline ?? 0)
        const last = Math.max(until, known)
        if (last > time && !(before?.kind === 'dead' && before.until === last)) {
          tables.putRecord(id, { kind: 'dead', until: last })
          tables.expireAt(last, { kind: 'entry', key: id })
        }
        tables.removeAttributes(id)
        if (before?.kind === 'live')
          tables.removePlace(homeOf(id).subject, indexEntryOf(id, before))
        if (live === undefined) return false
        publish(homeOf(id).partition, [
          { kind: 'revoked', session: id, reason, at },
          ...itemsOf(events),
        ])
        return true
      })
    },

    async touch(seen) {
      for (const { id, at } of seen) checkedTime(at, `seen ${checkedId(id)}`)
      if (seen.length === 0) return
      await step(() => {
        const time = now()
        for (const { id, at } of seen) {
          const record = readable(id, time)
          if (record === undefined || isIdle(record, time) || at <= record.lastActivity) continue
          tables.putRecord(id, { ...record, lastActivity: at })
        }
      })
    },

    async list({ limit, after, ...of }) {
      const at = now()
      const page = { limit: pageSize(limit), at }
      if ('subject' in of) {
        const subject = checkedSubject(of.subject)
        return look(() => {
          const floor = tables.generation(subject)
          const from = { floor, after: after === undefined ? undefined : parsePlace(after) }
          return collect(named(tables.places(subject, from)), page)
        })
      }
      const from = after === undefined ? undefined : checkedId(after)
      return look(() => collect(twice(tables.inPartition(of.partition, from)), page))
    },
  }
}

/** Events as they stand in the feed. */
export function itemsOf(events: readonly SealedEvent[]): readonly FeedItem[] {
  return events.map(({ id, at, sealed }) => ({ kind: 'event', id, at, sealed }))
}

export function indexEntryOf(id: SessionId, { generation, createdAt }: LiveRecord): IndexEntry {
  return { floor: generation, createdAt, id }
}

function* named(places: Iterable<IndexEntry>): Iterable<readonly [SessionId, string]> {
  for (const { floor, createdAt, id } of places) yield [id, `${floor}.${createdAt}.${id}`]
}

function* twice(ids: Iterable<SessionId>): Iterable<readonly [SessionId, string]> {
  for (const id of ids) yield [id, id]
}

function parsePlace(position: string): IndexEntry {
  const [, floor, createdAt, id] = /^(\d{1,15})\.(\d{1,15})\.([\w-]{43})$/.exec(position) ?? []
  if (id === undefined) throw invalidPosition()
  return { floor: Number(floor), createdAt: Number(createdAt), id }
}
