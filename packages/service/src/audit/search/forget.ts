import type { Database } from '../database.ts'
import { forgetAddresses } from './places.ts'

const STEP = 5_000

/**
 * Blanks what tells who a subject is. The database overwrites what it frees; its write-ahead log
 * would keep older pages until it is used again, so it is emptied at the end.
 */
export function forgetSubject(database: Database, subject: string): boolean {
  const done = database.transaction(() => {
    const changed = database.run(
      `UPDATE events SET name = NULL, tenant = NULL, address = NULL, address_key = NULL,
         prefix = NULL, agent = NULL
       WHERE line IN (
         SELECT line FROM events
         WHERE subject = ? AND COALESCE(name, tenant, address, agent) IS NOT NULL
         LIMIT ${STEP})`,
      [subject],
    )
    if (changed === STEP) return false
    forgetAddresses(database, subject)
    database.run('UPDATE subjects SET name = NULL, tenant = NULL WHERE subject = ?', [subject])
    return true
  })
  if (done) database.all('PRAGMA wal_checkpoint(TRUNCATE)')
  return done
}
