import { homeOf } from '../partition.ts'
import { indexEntryOf } from './entries.ts'
import type { Due, Tables } from './tables.ts'

/** At most this many a step, so that nobody waits for a sweep. */
export const SWEEP_SLICE = 500

/** Removes what is past its time, within the step that is running. The number of notes it looked at. */
export function sweepSlice(tables: Tables, now: number, limit: number = SWEEP_SLICE): number {
  const taken = tables.takeDue(now, limit)
  for (const due of taken) sweep(tables, now, due)
  return taken.length
}

/** A note may be older than what it is about: a deadline or a tombstone can have moved since. */
function sweep(tables: Tables, now: number, due: Due): void {
  if (due.kind === 'mark') {
    if ((tables.mark(due.key) ?? 0) <= now) tables.removeMark(due.key)
    return
  }
  if (due.kind === 'history') {
    if ((tables.history(due.key)?.until ?? 0) <= now) tables.removeHistory(due.key)
    return
  }
  const record = tables.record(due.key)
  if (record === undefined) return
  if ((record.kind === 'dead' ? record.until : record.deadline) > now) return
  if (record.kind === 'live')
    tables.removePlace(homeOf(due.key).subject, indexEntryOf(due.key, record))
  tables.removeAttributes(due.key)
  tables.removeRecord(due.key)
}
