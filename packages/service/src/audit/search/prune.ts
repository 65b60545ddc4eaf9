import { sql } from 'kysely'
import { changedBy, rowsOf, type Work } from './work.ts'

const STEP = 5_000

/** A step of removing older events, and sessions and subjects that were last seen before. */
export function* pruneOlder(before: number): Work<boolean> {
  const removed = [
    yield* changedBy(
      sql`DELETE FROM events WHERE line IN
        (SELECT line FROM events WHERE at < ${before} ORDER BY at LIMIT ${STEP})`,
    ),
    yield* removeSummaries('sessions', 'line', before),
    yield* removeSummaries('subjects', 'subject', before),
    yield* removePlaces(before),
  ]
  return removed.every((count) => count < STEP)
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
