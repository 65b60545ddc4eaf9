import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import type { Database } from '../database.ts'
import { parametersOf } from './queries.ts'
import type { Answer, Statement, Work } from './work.ts'

/** Writes queries for the embedded database. */
const SQLITE: Kysely<unknown> = new Kysely({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})

/** Runs work on the embedded database, in one go. */
export function runOn<T>(database: Database, work: Work<T>): T {
  let step = work.next()
  while (!step.done) step = work.next(answered(database, step.value))
  return step.value
}

function answered(database: Database, statement: Statement): Answer {
  if (statement.is === 'insert') {
    const { table, columns, rows, conflict } = statement.insertion
    const text =
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?')})` +
      (conflict === undefined ? '' : ` ON CONFLICT ${conflict}`)
    let changed = 0
    for (const values of rows) changed += database.run(text, values)
    return { rows: [], changed }
  }
  const query = statement.query.compile(SQLITE)
  const parameters = parametersOf(query)
  return statement.is === 'read'
    ? { rows: database.all(query.sql, parameters), changed: 0 }
    : { rows: [], changed: database.run(query.sql, parameters) }
}
