import type { Database } from '../database.ts'

const STEP = 5_000

/** Removes older events, and sessions and subjects that were last seen before. */
export function pruneOlder(database: Database, before: number): boolean {
  return database.transaction(() => {
    const removed = [
      database.run(
        'DELETE FROM events WHERE line IN ' +
          `(SELECT line FROM events WHERE at < ? ORDER BY at LIMIT ${STEP})`,
        [before],
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
