import { type CompiledQuery, type RawBuilder, sql } from 'kysely'
import type { SqlValue } from '../database.ts'

/** Kysely writes the SQL; the database runs it. */
export type Query = RawBuilder<unknown>

/** A part of a WHERE. */
export type Condition = RawBuilder<unknown>

/** Values of a query, in the order of its text. */
export function parametersOf({ parameters }: CompiledQuery): readonly SqlValue[] {
  return parameters.map(parameterOf)
}

function parameterOf(value: unknown): SqlValue {
  if (typeof value === 'string' || typeof value === 'number' || value === null) return value
  throw new TypeError(`A query has a parameter of type ${typeof value}.`)
}

export function allOf(conditions: readonly Condition[]): Condition {
  return conditions.length === 0 ? sql`1 = 1` : sql.join(conditions, sql` AND `)
}

export function equal(column: string, value: string | number): Condition {
  return sql`${sql.ref(column)} = ${value}`
}

export function between(column: string, first: SqlValue, last: SqlValue): Condition {
  return sql`${sql.ref(column)} >= ${first} AND ${sql.ref(column)} <= ${last}`
}

/**
 * As {@link equal} and {@link between}, so that no planner takes an index for it: how much work a
 * search is was computed for another one.
 */
export function equalUnindexed(column: string, value: string | number): Condition {
  return sql`${unindexed(column, value)} = ${value}`
}

export function betweenUnindexed(column: string, first: string, last: string): Condition {
  const value = unindexed(column, first)
  return sql`${value} >= ${first} AND ${value} <= ${last}`
}

/** A column that no planner takes an index for. */
export function unindexed(column: string, like: string | number): Condition {
  return typeof like === 'number'
    ? sql`COALESCE(${sql.ref(column)}, -1)`
    : sql`COALESCE(${sql.ref(column)}, '')`
}
