import type { SqlRow, SqlValue } from '../database.ts'
import type { Query } from './queries.ts'

/**
 * Work on an index, written once for both databases: it yields statements, and goes on with what
 * each answers. The embedded database runs it in one go (`embedded.ts`), PostgreSQL while the
 * thread does other things (`postgres/connection.ts`).
 */
export type Work<T> = Generator<Statement, T, Answer>

export type Statement =
  | { readonly is: 'read'; readonly query: Query }
  | { readonly is: 'change'; readonly query: Query }
  | { readonly is: 'insert'; readonly insertion: Insertion }

/** Many rows of one table. */
export interface Insertion {
  readonly table: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly SqlValue[])[]
  /** What follows `ON CONFLICT`. No two of the rows may be in conflict with each other. */
  readonly conflict?: string
}

/** What a statement answers. */
export interface Answer {
  readonly rows: readonly SqlRow[]
  readonly changed: number
}

export function* rowsOf(query: Query): Work<readonly SqlRow[]> {
  return (yield { is: 'read', query }).rows
}

/** How many rows a statement has changed. */
export function* changedBy(query: Query): Work<number> {
  return (yield { is: 'change', query }).changed
}

export function* insert(insertion: Insertion): Work<void> {
  if (insertion.rows.length > 0) yield { is: 'insert', insertion }
}
