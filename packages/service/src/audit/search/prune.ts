import { EVENT_TYPES } from 'holdfast/maintenance'
import type { Database } from '../database.ts'
import { type ByClass, classOf, earliest } from '../retention.ts'

const STEP = 5_000

/**
 * Removes older events of each class, and sessions and subjects that were last seen before the
 * earliest instant: these sum up events of all classes.
 */
export function pruneOlder(database: Database, older: ByClass): boolean {
  const before = earliest(older)
  return database.transaction(() => {
    const removed = [
      // Of whatever type, and those of a newer version among them.
      database.run(
        'DELETE FROM events WHERE line IN ' +
          `(SELECT line FROM events WHERE at < ? ORDER BY at LIMIT ${STEP})`,
        [before],
      ),
      ...EVENT_TYPES.filter((type) => older[classOf(type)] > before).map((type) =>
        database.run(
          'DELETE FROM events WHERE line IN ' +
            `(SELECT line FROM events WHERE type = ? AND at < ? ORDER BY at LIMIT ${STEP})`,
          [type, older[classOf(type)]],
        ),
      ),
      removeSummaries(database, { table: 'sessions', key: 'line', before }),
      removeSummaries(database, { table: 'subjects', key: 'subject', before }),
      removePlaces(database, before),
    ]
    return removed.every((count) => count < STEP)
  })
}

/** Those of a session go with it, those without one with their subject. */
function removeSummaries(
  database: Database,
  {
    table,
    key,
    before,
  }: {
    readonly table: 'sessions' | 'subjects'
    readonly key: 'line' | 'subject'
    readonly before: number
  },
): number {
  const old =
    `SELECT ${key} FROM ${table} WHERE last_at < ? ` + `ORDER BY last_at, at, line LIMIT ${STEP}`
  database.run(`DELETE FROM places WHERE ${key} IN (${old})`, [before])
  return database.run(`DELETE FROM ${table} WHERE ${key} IN (${old})`, [before])
}

/** Those without a session, of subjects that stay: failed logins come from ever new ones. */
function removePlaces(database: Database, before: number): number {
  const [edge] = database.all(
    `SELECT last_at FROM places WHERE line = -1 ORDER BY last_at LIMIT 1 OFFSET ${STEP}`,
  )
  const until = edge === undefined ? before : Math.min(before, Number(edge.last_at) + 1)
  return database.run('DELETE FROM places WHERE line = -1 AND last_at < ?', [until])
}
