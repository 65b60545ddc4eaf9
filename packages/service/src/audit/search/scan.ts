import { sql } from 'kysely'
import type { SqlRow } from '../database.ts'
import type { Position } from './position.ts'
import { allOf, type Condition, type Query, unindexed } from './queries.ts'
import { rowsOf, type Work } from './work.ts'

/** What is left to look at in the rows of an index. */
export interface Rest {
  /** So that no index is taken for it. */
  readonly rest: readonly Condition[]
  /** To know it of a summary takes a look at its events or places: work as its `events` says. */
  readonly weighed: boolean
}

/** One way into a table: a condition that an index serves. */
export interface Driver extends Rest {
  /** Rows of the index that it matches, as a query that answers one row each. */
  readonly size: Query
  /** For the WHERE of the table. Undefined: all of it. */
  readonly condition: Condition | undefined
  /** The index has its rows in the order of `at`. */
  readonly ordered: boolean
}

export interface ScanOptions {
  readonly table: 'events' | 'sessions' | 'subjects'
  /** Everything that is asked for. */
  readonly all: Rest
  readonly drivers: readonly Driver[]
  /** First instant that counts; of summaries, everything may count. */
  readonly since: number
  readonly before: Position
  readonly limit: number
  /** Most rows that are looked at. */
  readonly slice: number
}

export interface Scanned {
  /** Newest first. */
  readonly lines: readonly number[]
  /** Where it ended, if that is before all was looked at. */
  readonly next: Position | undefined
}

/**
 * Finds rows, newest first, by bounded work. Where one of the drivers matches few rows, those are
 * all that is looked at. Else the rows are looked through in order, from the position backwards.
 * Either goes as far as the bound allows: the result says where to go on. The one row that is
 * always looked at may have more events than that.
 */
export function* scan(options: ScanOptions): Work<Scanned> {
  const { drivers, slice, all } = options
  const [only] = drivers
  const isServed = drivers.length === 1 && only?.ordered === true && only.rest.length === 0
  const sized: { readonly driver: Driver; readonly size: number }[] = []
  for (const driver of drivers) {
    sized.push({ driver, size: isServed ? 0 : yield* sizeOf(driver, slice) })
  }
  sized.sort((a, b) => a.size - b.size)
  const few = sized.find(({ size }) => size <= slice)?.driver
  const ordered = sized.find(({ driver }) => driver.ordered)?.driver
  const way = few ?? ordered ?? { ...all, condition: undefined, ordered: true }
  const isBounded = way.rest.length === 0 || (few !== undefined && !way.weighed)
  return yield* read(options, way, isBounded ? undefined : yield* floorOf(options, way))
}

type Way = Omit<Driver, 'size'>

/** An entry of an index, and a row that lies anywhere. */
const WORK_OF_EVENT = 2

/** The last row that the bound allows; undefined where it allows all. */
function* floorOf(
  { table, since, before, slice }: ScanOptions,
  { condition, ordered, weighed }: Way,
): Work<Position | undefined> {
  const candidates = (columns: Query, part: Query): Query =>
    sql`SELECT ${columns} FROM ${sql.table(table)}
      WHERE ${within(condition, ordered, { since, before })}
      ORDER BY ${inTime(ordered)} ${part}`
  if (!weighed) {
    const last = candidates(sql`at, line`, sql`LIMIT 1 OFFSET ${slice - 1}`)
    return (yield* rowsOf(last)).map(positionOf)[0]
  }
  const rows = yield* rowsOf(candidates(sql`at, line, events`, sql`LIMIT ${slice}`))
  let work = 0
  for (const row of rows) {
    work += WORK_OF_EVENT * Number(row.events)
    if (work >= slice) return positionOf(row)
  }
  return undefined
}

function* read(
  { table, since, before, limit }: ScanOptions,
  { condition, rest, ordered }: Way,
  floor: Position | undefined,
): Work<Scanned> {
  const range = { since, before, ...(floor === undefined ? {} : { floor }) }
  const found = yield* rowsOf(
    sql`SELECT at, line FROM ${sql.table(table)}
      WHERE ${allOf([within(condition, ordered, range), ...rest])}
      ORDER BY ${inTime(ordered)} LIMIT ${limit + 1}`,
  )
  const rows = found.map(positionOf)
  const lines = rows.slice(0, limit).map(({ line }) => line)
  return { lines, next: rows.length > limit ? rows[limit - 1] : floor }
}

function positionOf({ at, line }: SqlRow): Position {
  return { at: Number(at), line: Number(line) }
}

function* sizeOf({ size }: Driver, slice: number): Work<number> {
  const [row] = yield* rowsOf(
    sql`SELECT COUNT(*) AS n FROM (${size} LIMIT ${slice + 1}) AS matches`,
  )
  return Number(row?.n ?? 0)
}

/**
 * Newest first. Where the index does not have that order, no other may be taken for it: the rows of
 * the whole table would be looked through in their order.
 */
function inTime(ordered: boolean): Query {
  return ordered
    ? sql`at DESC, line DESC`
    : sql`${unindexed('at', 0)} DESC, ${unindexed('line', 0)} DESC`
}

function within(condition: Condition | undefined, ordered: boolean, range: Between): Condition {
  const inRange = ordered ? inOrder(range) : unordered(range)
  return allOf(condition === undefined ? inRange : [condition, ...inRange])
}

interface Between {
  readonly since: number
  readonly before: Position
  readonly floor?: Position
}

/** For an index that has the rows in order. */
function inOrder({ since, before, floor }: Between): readonly Condition[] {
  const { at, line } = before
  const from = Math.max(since, floor?.at ?? 0)
  return [
    sql`at >= ${from}`,
    sql`at <= ${at}`,
    sql`(at < ${at} OR line < ${line})`,
    ...(floor === undefined ? [] : [sql`(at > ${floor.at} OR line >= ${floor.line})`]),
  ]
}

function unordered({ since, before, floor }: Between): readonly Condition[] {
  const [at, line] = [unindexed('at', 0), unindexed('line', 0)]
  return [
    sql`${at} >= ${since}`,
    sql`(${at} < ${before.at} OR (${at} = ${before.at} AND ${line} < ${before.line}))`,
    ...(floor === undefined
      ? []
      : [sql`(${at} > ${floor.at} OR (${at} = ${floor.at} AND ${line} >= ${floor.line}))`]),
  ]
}
