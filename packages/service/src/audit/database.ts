import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from '@photostructure/sqlite'

/** A value of SQL. Whole numbers are below 2^53. */
export type SqlValue = string | number | null | Uint8Array

/** A row by the names of its columns. */
export type SqlRow = Readonly<Record<string, SqlValue>>

/**
 * The embedded SQL of a process: the index of the audit log, incidents and the outbox of alerts.
 * Synchronous, so it belongs into a worker.
 */
export interface Database {
  /** All rows of a query. */
  all(sql: string, parameters?: readonly SqlValue[]): readonly SqlRow[]
  /** Answers how many rows changed. */
  run(sql: string, parameters?: readonly SqlValue[]): number
  /** All or nothing. May not be nested. What it answered is on disk, unless `sync` is false. */
  transaction<T>(work: () => T, options?: TransactionOptions): T
  /**
   * Brings the tables of one owner up to date: runs the steps that have not run here yet, each
   * once. A step that was released never changes.
   */
  migrate(owner: string, steps: readonly string[]): void
  close(): void
}

export interface TransactionOptions {
  /**
   * False: nobody waits for the disk. No end of the process takes the transaction back, but a loss
   * of power may, until a later one is on disk. For what is made again from the audit log.
   */
  readonly sync?: boolean
}

const CACHE_KIB = 131_072
const BUSY_MS = 5_000
/** Prepared statements that are kept. Searches have many forms. */
const MOST_STATEMENTS = 500

/** `:memory:` is a database of tests. Throws what SQLite says of a file that it cannot open. */
export function openDatabase(path: string): Database {
  // For its owner alone; the files that SQLite puts beside it are as this one is.
  if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600))
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

  function atomically<T>(work: () => T): T {
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

  function transaction<T>(work: () => T, { sync = true }: TransactionOptions = {}): T {
    if (sync) return atomically(work)
    sqlite.exec('PRAGMA synchronous = NORMAL')
    try {
      return atomically(work)
    } finally {
      sqlite.exec('PRAGMA synchronous = FULL')
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

/** Whether another connection has a database open. Throws what SQLite says of a damaged file. */
export function isOpenElsewhere(path: string): boolean {
  const sqlite = new DatabaseSync(path)
  try {
    // It leaves the write-ahead log only for whoever has it alone.
    sqlite.exec('PRAGMA journal_mode = DELETE')
    return false
  } catch (error) {
    if (error instanceof Error && error.message.includes('locked')) return true
    throw error
  } finally {
    sqlite.close()
  }
}

/** The first row of a query, of a database that is left as it is. */
export function readOnce(path: string, sql: string): SqlRow | undefined {
  const sqlite = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS })
  try {
    return sqlite.prepare(sql).get() as SqlRow | undefined
  } finally {
    sqlite.close()
  }
}
