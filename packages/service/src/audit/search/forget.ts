import { sql } from 'kysely'
import { forgetAddresses } from './places.ts'
import { changedBy, type Work } from './work.ts'

const STEP = 5_000

/** A step of blanking what tells who a subject is. True when nothing is left of it. */
export function* forgetSubject(subject: string): Work<boolean> {
  const changed = yield* changedBy(
    sql`UPDATE events SET name = NULL, tenant = NULL, address = NULL, address_key = NULL,
        prefix = NULL, agent = NULL
      WHERE line IN (
        SELECT line FROM events
        WHERE subject = ${subject} AND COALESCE(name, tenant, address, agent) IS NOT NULL
        LIMIT ${STEP})`,
  )
  if (changed === STEP) return false
  yield* forgetAddresses(subject)
  yield* changedBy(sql`UPDATE subjects SET name = NULL, tenant = NULL WHERE subject = ${subject}`)
  return true
}
