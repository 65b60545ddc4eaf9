import { locate } from '../partition.ts'
import { keptUntil } from '../stored-record.ts'
import { indexEntryOf } from './entries.ts'
import type { Expiring, Tables } from './tables.ts'

/** A sweep takes at most this many items in one transaction, so that no request waits for it. */
export const SWEEP_SLICE = 500

/**
 * Removes what has expired, within the transaction that is running.
 * Answers how many items it took from the expiry queue.
 */
export function sweepSlice(tables: Tables, now: number, limit: number = SWEEP_SLICE): number {
  const taken = tables.takeExpired(now, limit)
  for (const expiring of taken) removeExpired(tables, now, expiring)
  return taken.length
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
  tables.removeAttributes(key)
  const until = keptUntil(record)
  if (until > now) tables.queueExpiry(until, { kind: 'entry', key })
  else tables.removeRecord(key)
}
