import { setImmediate as turn } from 'node:timers/promises'
import type { FeedItem, SealedEvent } from '../../core/feed.ts'
import type { SessionId } from '../../core/ids.ts'
import { type Entries, type Found, type Page, UNKNOWN_ENDED_MS } from '../../core/store.ts'
import {
  checkedAttached,
  checkedEntry,
  checkedId,
  checkedSubject,
  checkedTime,
  invalidPosition,
  pageSize,
} from '../input.ts'
import { locate } from '../partition.ts'
import {
  foundOf,
  isExpired,
  isReadable,
  keptUntil,
  type LiveRecord,
  type StoredRecord,
} from '../stored-record.ts'
import type { LocalContext } from './store.ts'
import type { IndexEntry } from './tables.ts'
import { gatheredTouches } from './touches.ts'

/** A page ends after so many index entries, so that a list of dead sessions holds nobody up. */
export const MAX_EXAMINED = 1_000

export interface LocalEntries extends Entries {
  /** Writes activity that still waits for others. */
  flush(): Promise<void>
}

/** `Entries` over the tables of this machine. */
export function localEntries({
  tables,
  transaction,
  read,
  now,
  admit,
  publish,
  touchEveryMs,
}: LocalContext): LocalEntries {
  function current(id: SessionId, at: number): StoredRecord | undefined {
    const record = tables.record(id)
    return record !== undefined && keptUntil(record) > at ? record : undefined
  }

  function readable(id: SessionId, at: number): LiveRecord | undefined {
    const record = current(id, at)
    const generation = tables.generation(locate(id).subject)
    return isReadable(record, { generation, now: at }) ? record : undefined
  }

  function live(id: SessionId, at: number): LiveRecord | undefined {
    const record = readable(id, at)
    return record !== undefined && !isExpired(record, at) ? record : undefined
  }

  function reachesLimit(id: SessionId, { limit, at }: { limit: number; at: number }): boolean {
    const subject = locate(id).subject
    const generation = tables.generation(subject)
    let counted = 0
    for (const entry of [...tables.indexEntries(subject, { generation, after: undefined })]) {
      if (live(entry.id, at) !== undefined) counted++
      else tables.removeIndexEntry(subject, entry)
      if (counted >= limit) return true
    }
    return counted >= limit
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
      const record = live(id, at)
      if (record !== undefined) items.push(foundOf(id, record, at))
      last = position
      examined++
    }
    return { items }
  }

  function readNow(id: SessionId): Found | undefined {
    checkedId(id)
    return read(() => {
      const at = now()
      const record = readable(id, at)
      if (record === undefined) return undefined
      return foundOf(id, record, at)
    })
  }

  const touches = gatheredTouches(
    (seen) =>
      transaction(() => {
        const time = now()
        for (const { id, at } of seen) {
          const record = live(id, time)
          if (record === undefined || at <= record.lastActivity) continue
          tables.putRecord(id, { ...record, lastActivity: at })
        }
      }),
    touchEveryMs,
  )

  return {
    flush: touches.flush,

    read: Object.assign(async (id: SessionId) => readNow(id), { now: readNow }),

    async write(entry, { limit, attributes, seenAt = 0, events = [] } = {}) {
      const { id, version, sealed, ...times } = checkedEntry(entry)
      checkedAttached(attributes)
      checkedTime(seenAt, 'seenAt')
      const subject = locate(id).subject
      return transaction(() => {
        const at = now()
        const generation = tables.generation(subject)
        const before = live(id, at)
        const isNew = version === 1
        if (times.deadline <= at) return 'gone'
        if (before === undefined && (!isNew || current(id, at) !== undefined)) return 'gone'
        if ((before?.version ?? 0) !== version - 1) return 'conflict'
        if (isNew && times.generation < generation) return 'gone'
        admit(locate(id).partition)
        if (isNew && limit !== undefined && reachesLimit(id, { limit, at })) return 'limit'

        const record: LiveRecord = {
          kind: 'live',
          version,
          ...times,
          generation: Math.max(before?.generation ?? 0, times.generation),
          lastActivity: Math.max(before?.lastActivity ?? times.createdAt, seenAt),
          attributes: attributes ?? before?.attributes,
          sealed,
        }
        if (before === undefined || !isIndexed(before, { record, at })) {
          if (before !== undefined) tables.removeIndexEntry(subject, indexEntryOf(id, before))
          tables.putIndexEntry(subject, indexEntryOf(id, record))
        }
        tables.putRecord(id, record)
        if (before?.deadline !== record.deadline) {
          tables.queueExpiry(record.deadline, { kind: 'entry', key: id })
        }
        const changed: FeedItem = { kind: 'changed', session: id, version, at }
        publish(locate(id).partition, [...(isNew ? [] : [changed]), ...itemsOf(events)])
        return 'written'
      })
    },

    async revoke(id, { reason, at, events = [] }) {
      checkedId(id)
      return transaction(() => {
        const time = now()
        const before = current(id, time)
        if (before?.kind === 'dead') return false
        const found = readable(id, time)
        const until = before?.deadline ?? time + UNKNOWN_ENDED_MS
        if (until <= time) tables.removeRecord(id)
        else {
          tables.putRecord(id, { kind: 'dead', until })
          tables.queueExpiry(until, { kind: 'entry', key: id })
        }
        if (before !== undefined)
          tables.removeIndexEntry(locate(id).subject, indexEntryOf(id, before))
        if (found === undefined) return false
        publish(locate(id).partition, [
          { kind: 'revoked', session: id, reason, at },
          ...itemsOf(events),
        ])
        return true
      })
    },

    async expire(id, { reason, at, events = [] }) {
      checkedId(id)
      return transaction(() => {
        const record = readable(id, now())
        if (record === undefined || record.lastActivity === 0) return false
        tables.putRecord(id, { ...record, lastActivity: 0, attributes: undefined })
        tables.removeIndexEntry(locate(id).subject, indexEntryOf(id, record))
        publish(locate(id).partition, [
          { kind: 'revoked', session: id, reason, at },
          ...itemsOf(events),
        ])
        return true
      })
    },

    async touch(seen) {
      for (const { id, at } of seen) checkedTime(at, `seen ${checkedId(id)}`)
      if (seen.length > 0) await touches.touch(seen)
    },

    async list({ limit, after, ...of }) {
      const page = { limit: pageSize(limit), at: now() }
      if ('subject' in of) {
        const subject = checkedSubject(of.subject)
        return read(() => {
          const generation = tables.generation(subject)
          const from = {
            generation,
            after: after === undefined ? undefined : parseIndexEntry(after),
          }
          return collect(withPositions(tables.indexEntries(subject, from)), page)
        })
      }
      const from = after === undefined ? undefined : checkedId(after)
      // Who walks a partition asks for page after page, and none of them waits for anything.
      await turn()
      return read(() => collect(asPositions(tables.inPartition(of.partition, from)), page))
    },
  }
}

/** Events as they stand in the feed. */
export function itemsOf(events: readonly SealedEvent[]): readonly FeedItem[] {
  return events.map(({ id, at, sealed }) => ({ kind: 'event', id, at, sealed }))
}

/**
 * Whether a record has its place in the index already. A process whose clock is ahead may have
 * taken a session that was silent for long out of it.
 */
function isIndexed(
  { generation, createdAt, lastActivity, idleMs }: LiveRecord,
  { record, at }: { readonly record: LiveRecord; readonly at: number },
): boolean {
  const same = generation === record.generation && createdAt === record.createdAt
  return same && at - lastActivity <= idleMs / 2
}

export function indexEntryOf(id: SessionId, { generation, createdAt }: LiveRecord): IndexEntry {
  return { generation, createdAt, id }
}

/** Each id of a subject's index with its position in a list. */
function* withPositions(entries: Iterable<IndexEntry>): Iterable<readonly [SessionId, string]> {
  for (const { generation, createdAt, id } of entries) {
    yield [id, `${generation}.${createdAt}.${id}`]
  }
}

/** In the list of a partition an id is its own position. */
function* asPositions(ids: Iterable<SessionId>): Iterable<readonly [SessionId, string]> {
  for (const id of ids) yield [id, id]
}

/** Throws `invalid_input` for a position that this store has not given out. */
function parseIndexEntry(position: string): IndexEntry {
  const [, generation, createdAt, id] = /^(\d{1,15})\.(\d{1,15})\.([\w-]{43})$/.exec(position) ?? []
  if (id === undefined) throw invalidPosition()
  return { generation: Number(generation), createdAt: Number(createdAt), id }
}
