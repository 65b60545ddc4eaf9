import { locate } from '../partition.ts'
import { keptUntil } from '../stored-record.ts'
import { indexEntryOf } from './entries.ts'
import type { Expiring, Tables } from './tables.ts'

/**
 * A sweep takes at most this many items in one transaction. LMDB runs a transaction in one turn of
 * the event loop, and an item takes up to a millisecond where its pages have to come from disk.
 */
export const SWEEP_SLICE = 64

/** Items between two looks at the time. */
const STEP = 4

/** How much one transaction of a sweep may do. */
export interface Slice {
  readonly limit?: number
  /** Asked after every few items. True: the rest is left to the next transaction. */
  readonly isOver?: () => boolean
}

/**
 * Removes what has expired, within the transaction that is running.
 * Answers how many items it took from the expiry queue; 0 when there is nothing left.
 */
export function sweepSlice(
  tables: Tables,
  now: number,
  { limit = SWEEP_SLICE, isOver = () => false }: Slice = {},
): number {
  let total = 0
  do {
    const taken = tables.takeExpired(now, Math.min(STEP, limit - total))
    if (taken.length === 0) break
    for (const expiring of taken) removeExpired(tables, now, expiring)
    total += taken.length
  } while (total < limit && !isOver())
  return total
}

/**
 * An item of the queue may be out of date: a deadline or a tombstone can have moved since. An entry
 * past its deadline leaves all lists, and comes into the queue again for its last day.
 */
function removeExpired(tables: Tables, now: number, { kind, key }: Expiring): void {
  if (kind === 'replay') {
    if ((tables.replay(key) ?? 0) <= now) tables.removeReplay(key)
    return
  }
  if (kind === 'history') {
    if ((tables.history(key)?.until ?? 0) <= now) tables.removeHistory(key)
    return
  }
  const record = tables.record(key)
  if (record === undefined) return
  if ((record.kind === 'dead' ? record.until : record.deadline) > now) return
  if (record.kind === 'live')
    tables.removeIndexEntry(locate(key).subject, indexEntryOf(key, record))
  const until = keptUntil(record)
  if (until <= now) {
    tables.removeRecord(key)
    return
  }
  tables.queueExpiry(until, { kind: 'entry', key })
  if (record.kind === 'live' && record.attributes !== undefined)
    tables.putRecord(key, { ...record, attributes: undefined })
}
