import type { Database } from '../database.ts'
import type { FirstSeen } from './evaluate.ts'

/** What subjects, and anybody, were seen with: the memory of rules that ask what is new. */
export interface Sightings {
  readonly firstSeen: FirstSeen
  /** Forgets what was not seen since an instant; at most a thousand at once. Answers how many. */
  prune(before: number): number
  /** Forgets a subject, by its key. */
  erase(subject: string): void
}

const STEPS = [
  `
  CREATE TABLE sightings (
    rule TEXT NOT NULL,
    owner TEXT NOT NULL,
    value TEXT NOT NULL,
    event TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (rule, owner, value)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sightings_by_owner ON sightings (owner);
  CREATE INDEX sightings_by_seen ON sightings (seen_at);
  `,
]

/** Of an owner and rule. The one that was not seen for longest makes room. */
const MOST_VALUES = 64
/** A sighting is written anew no more often. */
const FRESH_MS = 86_400_000
const PRUNED_AT_ONCE = 1_000

export function sightings(database: Database): Sightings {
  const { all, run } = database
  database.migrate('sightings', STEPS)

  return {
    firstSeen({ rule, owner, value, event, at }) {
      const rows = all('SELECT value, event FROM sightings WHERE rule = ? AND owner = ?', [
        rule,
        owner,
      ])
      const known = rows.find((row) => row.value === value)
      if (known !== undefined) {
        run(
          `UPDATE sightings SET seen_at = ?
           WHERE rule = ? AND owner = ? AND value = ? AND seen_at < ?`,
          [at, rule, owner, value, at - FRESH_MS],
        )
        return known.event === event && rows.length > 1
      }
      if (rows.length >= MOST_VALUES) {
        run(
          `DELETE FROM sightings WHERE rule = ? AND owner = ? AND value = (
             SELECT value FROM sightings WHERE rule = ? AND owner = ? ORDER BY seen_at LIMIT 1)`,
          [rule, owner, rule, owner],
        )
      }
      run('INSERT INTO sightings (rule, owner, value, event, seen_at) VALUES (?, ?, ?, ?, ?)', [
        rule,
        owner,
        value,
        event,
        at,
      ])
      return rows.length > 0
    },
    prune: (before) =>
      run(
        `DELETE FROM sightings WHERE (rule, owner, value) IN (SELECT rule, owner, value
           FROM sightings WHERE seen_at < ? ORDER BY seen_at LIMIT ${PRUNED_AT_ONCE})`,
        [before],
      ),
    erase(subject) {
      run('DELETE FROM sightings WHERE owner = ?', [subject])
    },
  }
}
