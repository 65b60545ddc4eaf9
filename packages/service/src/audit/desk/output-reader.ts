import type { Database } from '../database.ts'
import type { AuditOutput } from '../outputs/output.ts'
import type { LogReader } from './pump.ts'

const STEPS = [
  'CREATE TABLE outputs (name TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT, WITHOUT ROWID',
]

/** Lines between two notes of where an output is. */
const NOTED_EVERY = 100

/**
 * An output as a reader of the log. What it has delivered is noted now and then, so that a restart
 * repeats some lines and leaves none out.
 */
export function outputReader({
  output,
  database,
}: {
  readonly output: AuditOutput
  readonly database: Database
}): LogReader {
  database.migrate('outputs', STEPS)
  const [row] = database.all('SELECT next FROM outputs WHERE name = ?', [output.name])
  let next = Number(row?.next ?? 0)
  let noted = next

  return {
    from: () => next,
    take(entries) {
      next = (entries.at(-1)?.index ?? next - 1) + 1
      output.send(entries)
      const delivered = output.delivered()
      if (delivered === null || delivered + 1 < noted + NOTED_EVERY) return
      noted = delivered + 1
      database.run('INSERT OR REPLACE INTO outputs (name, next) VALUES (?, ?)', [
        output.name,
        noted,
      ])
    },
    // It takes everything, and counts what it drops.
    failed(error) {
      throw error
    },
  }
}
