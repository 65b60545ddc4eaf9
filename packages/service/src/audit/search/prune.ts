import { EVENT_TYPES } from 'holdfast/maintenance'
import { sql } from 'kysely'
import { type ByClass, classOf, earliest } from '../retention.ts'
import type { Condition } from './queries.ts'
import { changedBy, rowsOf, type Work } from './work.ts'

const STEP = 5_000

/**
 * A step of removing older events of each class, and sessions and subjects that were last seen
 * before the earliest instant: these sum up events of all classes.
 */
export function* pruneOlder(older: ByClass): Work<boolean> {
  const before = earliest(older)
  const removed = [
    // Of whatever type, and those of a newer version among them.
    yield* removeEvents(sql`at < ${before}`),
    yield* removeSummaries('sessions', 'line', before),
    yield* removeSummaries('subjects', 'subject', before),
    yield* removePlaces(before),
  ]
  for (const type of EVENT_TYPES) {
    const until = older[classOf(type)]
    if (until > before) removed.push(yield* removeEvents(sql`type = ${type} AND at < ${until}`))
  }
  return removed.every((count) => count < STEP)
}

function removeEvents(which: Condition): Work<number> {
  return changedBy(
    sql`DELETE FROM events WHERE line IN
      (SELECT line FROM events WHERE ${which} ORDER BY at LIMIT ${STEP})`,
  )
}

/** Places of a session go with it, those without one with their subject. */
function* removeSummaries(
  table: 'sessions' | 'subjects',
  key: 'line' | 'subject',
  before: number,
): Work<number> {
  const column = sql.ref(key)
  const old = sql`SELECT ${column} FROM ${sql.table(table)} WHERE last_at < ${before}
    ORDER BY last_at, at, line LIMIT ${STEP}`
  yield* changedBy(sql`DELETE FROM places WHERE ${column} IN (${old})`)
  return yield* changedBy(sql`DELETE FROM ${sql.table(table)} WHERE ${column} IN (${old})`)
}

/** Those without a session, of subjects that stay: failed logins come from ever new ones. */
function* removePlaces(before: number): Work<number> {
  const [edge] = yield* rowsOf(
    sql`SELECT last_at FROM places WHERE line = -1 ORDER BY last_at LIMIT 1 OFFSET ${STEP}`,
  )
  const until = edge === undefined ? before : Math.min(before, Number(edge.last_at) + 1)
  return yield* changedBy(sql`DELETE FROM places WHERE line = -1 AND last_at < ${until}`)
}
