import type { Database } from '../database.ts'
import type { AuditOutput } from '../outputs/output.ts'
import type { ProblemLog } from '../problem-log.ts'
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
  log,
}: {
  readonly output: AuditOutput
  readonly database: Database
  readonly log: ProblemLog
}): LogReader {
  database.migrate('outputs', STEPS)
  let next = 0
  let noted = 0

  return {
    begin() {
      const [row] = database.all('SELECT next FROM outputs WHERE name = ?', [output.name])
      next = Number(row?.next ?? 0)
      noted = next
    },
    from: () => next,
    take(lines) {
      next = (lines.at(-1)?.index ?? next - 1) + 1
      output.send(lines)
      const delivered = output.delivered()
      if (delivered === null || delivered + 1 < noted + NOTED_EVERY) return
      noted = delivered + 1
      database.run('INSERT OR REPLACE INTO outputs (name, next) VALUES (?, ?)', [
        output.name,
        noted,
      ])
    },
    // It takes everything, and counts what it drops.
    failed(err) {
      log.error({ err, output: output.name }, 'A restart will repeat more for an output.')
    },
  }
}
