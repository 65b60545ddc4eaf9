import { DatabaseSync } from '@photostructure/sqlite'

/** A value of SQL. Whole numbers are below 2^53. */
export type SqlValue = string | number | null | Uint8Array

/** A row by the names of its columns. */
export type SqlRow = Readonly<Record<string, SqlValue>>

/**
 * The embedded SQL of a process: the index of the audit log, incidents and the outbox of alerts.
 * Synchronous, so it belongs into a worker. What `transaction` answered is on disk.
 */
export interface Database {
  /** All rows of a query. */
  all(sql: string, parameters?: readonly SqlValue[]): readonly SqlRow[]
  /** Answers how many rows changed. */
  run(sql: string, parameters?: readonly SqlValue[]): number
  /** All or nothing. May not be nested. */
  transaction<T>(work: () => T): T
  /**
   * Brings the tables of one owner up to date: runs the steps that have not run here yet, each
   * once. A step that was released never changes.
   */
  migrate(owner: string, steps: readonly string[]): void
  close(): void
}

const CACHE_KIB = 131_072
const BUSY_MS = 5_000
/** Prepared statements that are kept. Searches have many forms. */
const MOST_STATEMENTS = 500

/** `:memory:` is a database of tests. Throws what SQLite says of a file that it cannot open. */
export function openDatabase(path: string): Database {
  const sqlite = new DatabaseSync(path, { timeout: BUSY_MS })
  // What is deleted is overwritten: an erased subject is not to be found in free pages.
  sqlite.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON;
    PRAGMA foreign_keys = ON;
    PRAGMA cache_size = -${CACHE_KIB};
    CREATE TABLE IF NOT EXISTS migrations (owner TEXT PRIMARY KEY, steps INTEGER NOT NULL) STRICT;
  `)
  const statements = new Map<string, ReturnType<typeof sqlite.prepare>>()

  function prepared(sql: string): ReturnType<typeof sqlite.prepare> {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const statement = sqlite.prepare(sql)
    if (statements.size >= MOST_STATEMENTS) statements.clear()
    statements.set(sql, statement)
    return statement
  }

  const all: Database['all'] = (sql, parameters = []) =>
    prepared(sql).all(...parameters) as readonly SqlRow[]

  const run: Database['run'] = (sql, parameters = []) =>
    Number(prepared(sql).run(...parameters).changes)

  function transaction<T>(work: () => T): T {
    sqlite.exec('BEGIN IMMEDIATE')
    try {
      const answer = work()
      sqlite.exec('COMMIT')
      return answer
    } catch (error) {
      if (sqlite.isTransaction) sqlite.exec('ROLLBACK')
      throw error
    }
  }

  return {
    all,
    run,
    transaction,
    migrate(owner, steps) {
      transaction(() => {
        const [row] = all('SELECT steps FROM migrations WHERE owner = ?', [owner])
        const done = Number(row?.steps ?? 0)
        for (const step of steps.slice(done)) sqlite.exec(step)
        run('INSERT OR REPLACE INTO migrations (owner, steps) VALUES (?, ?)', [
          owner,
          Math.max(done, steps.length),
        ])
      })
    },
    close: () => sqlite.close(),
  }
}
