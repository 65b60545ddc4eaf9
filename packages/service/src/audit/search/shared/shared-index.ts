import { SessionError } from 'holdfast'
import { sql } from 'kysely'
import type { SqlRow } from '../../database.ts'
import type { LoggedEntry } from '../../entry.ts'
import type { ByClass } from '../../retention.ts'
import { forgetSubject } from '../forget.ts'
import { addEntries } from '../ingest.ts'
import { pruneOlder } from '../prune.ts'
import type { Searches } from '../search.ts'
import { moveCursor, type SearchingOptions, searching } from '../searching.ts'
import { keyText } from '../stored-text.ts'
import { changedBy, rowsOf, type Work } from '../work.ts'
import { connectPostgres, type PostgresAddress, SCHEMA } from './postgres.ts'
import { ERASED, MADE_AGAIN, STEPS } from './tables.ts'

/** The index of the audit logs of a store in PostgreSQL, which all its processes search. */
export interface SharedIndex {
  readonly searches: Searches
  /**
   * Makes the tables where there are none. Throws `config_invalid` for a schema with other tables,
   * or of a later version.
   */
  prepare(): Promise<void>
  /** The next line of a log that it wants. From now on it takes nothing of earlier writers. */
  cursor(source: Source): Promise<number>
  /** The same, of the log that this names, for who only looks. */
  indexedTo(origin: string): Promise<number>
  /**
   * Adds lines of a log, all or nothing. Those that it has, or has by another log, are left out.
   * Answers the next line that it wants, which is an earlier one where some are missing between.
   * Throws `store_contended` where a later writer has the same log.
   */
  ingest(source: Source, batch: Batch): Promise<number>
  /** Erases what tells who a subject was until an instant, also in what comes later. */
  forget(subject: string, at: number): Promise<void>
  /** Goes on where a {@link forget} was interrupted. */
  forgetRest(): Promise<void>
  prune(before: ByClass): Promise<void>
  /** Empties it: those who write the logs fill it anew. Who was erased stays known. */
  renew(): Promise<void>
  close(): Promise<void>
}

/** A log, and who reads it. */
export interface Source {
  /** Names the log of a directory among all. */
  readonly origin: string
  /** Of the last one who began to write it. */
  readonly epoch: number
  /** The first line of that one. What the index has from there on, an earlier one had not. */
  readonly first: number
}

/** Lines of a log, in order. */
export interface Batch {
  readonly from: number
  /** The line after the last one. */
  readonly to: number
  readonly entries: readonly LoggedEntry[]
  /** The last line says that a subject was erased. */
  readonly erased?: { readonly subject: string; readonly at: number }
}

export interface SharedIndexOptions extends SearchingOptions {
  readonly address: PostgresAddress
  /** How long a statement may take, ms (default 15 s). */
  readonly statementMs?: number
}

/** Ids and keys that one query asks for. */
const AT_ONCE = 500

export function openSharedIndex({
  address,
  statementMs,
  ...options
}: SharedIndexOptions): SharedIndex {
  const { read, write, close } = connectPostgres(address, statementMs)
  const { events, sessions, subjects } = searching(options)
  let isKnown = false

  async function found<T>(work: () => Work<T>): Promise<T> {
    const checked = function* (): Work<T> {
      if (!isKnown) yield* checkVersion()
      return yield* work()
    }
    const answer = await read(checked)
    isKnown = true
    return answer
  }

  async function untilDone(step: () => Work<boolean>): Promise<void> {
    while (!(await write(step)));
  }

  async function forgetRest(): Promise<void> {
    for (;;) {
      const [next] = await write(() =>
        rowsOf(sql`SELECT subject FROM search_erased WHERE pending = 1 LIMIT 1`),
      )
      if (next === undefined) return
      const subject = String(next.subject)
      await untilDone(function* () {
        yield* locked()
        if (!(yield* forgetSubject(subject))) return false
        yield* changedBy(sql`UPDATE search_erased SET pending = 0 WHERE subject = ${subject}`)
        return true
      })
    }
  }

  return {
    searches: {
      events: (search) => found(() => events(search)),
      sessions: (search) => found(() => sessions(search)),
      subjects: (search) => found(() => subjects(search)),
    },
    prepare: () => write(() => prepare()),
    cursor: (source) =>
      write(function* () {
        yield* locked()
        const next = yield* wanted(source)
        yield* note(source, next)
        return next
      }),
    indexedTo: (origin) =>
      found(function* () {
        return Number((yield* knownOf(origin))?.next ?? 0)
      }),
    ingest: (source, batch) => write(() => ingest(source, batch)),
    async forget(subject, at) {
      await write(() => erased({ subject, at }))
      await forgetRest()
    },
    forgetRest,
    prune: (before) =>
      untilDone(function* () {
        yield* locked()
        return yield* pruneOlder(before)
      }),
    renew: () =>
      write(function* () {
        yield* lockSchema()
        yield* checkOwner()
        for (const table of MADE_AGAIN) {
          yield* changedBy(sql`DROP TABLE IF EXISTS ${sql.table(table)}`)
        }
        yield* prepare({ anew: true })
      }),
    close,
  }
}

/** Makes and changes tables one process after the other. */
function* lockSchema(): Work<void> {
  yield* rowsOf(sql`SELECT pg_advisory_xact_lock(hashtext('holdfast audit index'))`)
}

function* prepare({ anew = false } = {}): Work<void> {
  yield* lockSchema()
  const [schema] = yield* rowsOf(
    sql`SELECT 1 AS one FROM pg_catalog.pg_namespace WHERE nspname = ${SCHEMA}`,
  )
  if (schema === undefined) yield* changedBy(sql`CREATE SCHEMA ${sql.id(SCHEMA)}`)
  yield* checkOwner()
  yield* changedBy(sql`CREATE TABLE IF NOT EXISTS search_version (steps BIGINT NOT NULL)`)
  const steps = anew ? 0 : yield* versionOf()
  if (steps < STEPS.length) {
    for (const step of STEPS.slice(steps)) {
      for (const statement of step.split(';')) {
        if (statement.trim() !== '') yield* changedBy(sql.raw(statement))
      }
    }
    yield* changedBy(sql`DELETE FROM search_version`)
    yield* changedBy(sql`INSERT INTO search_version (steps) VALUES (${STEPS.length})`)
  }
  yield* changedBy(sql.raw(ERASED))
}

/** Refuses a schema with tables of somebody else. */
function* checkOwner(): Work<void> {
  const tables = yield* rowsOf(
    sql`SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = ${SCHEMA}`,
  )
  const names = tables.map(({ tablename }) => String(tablename))
  const ours = new Set([...MADE_AGAIN, 'search_version', 'search_erased'])
  const isOurs = names.length === 0 || names.includes('search_version')
  if (isOurs && names.every((name) => ours.has(name))) return
  throw new SessionError(
    'config_invalid',
    `The schema "${SCHEMA}" of the PostgreSQL in auditDatabase has tables that are not of the ` +
      'index. Name a database without it.',
  )
}

function* versionOf(): Work<number> {
  const [row] = yield* rowsOf(sql`SELECT steps FROM search_version`)
  const steps = Number(row?.steps ?? 0)
  if (steps <= STEPS.length) return steps
  throw new SessionError(
    'config_invalid',
    `The index in PostgreSQL was made by a later version (${steps}, and this one knows ` +
      `${STEPS.length}): update this service.`,
  )
}

/** For who only searches: another process makes the tables. */
function* checkVersion(): Work<void> {
  const [there] = yield* rowsOf(
    sql`SELECT to_regclass(${`${SCHEMA}.search_version`}) IS NOT NULL AS is_there`,
  )
  const steps = there?.is_there ? yield* versionOf() : 0
  if (steps === STEPS.length) return
  throw new SessionError(
    'store_unavailable',
    'The index in PostgreSQL is not made yet: the process that writes the audit log does it.',
  )
}

/** Writers come one after the other. Answers the line that the index waits for. */
function* locked(): Work<number> {
  const [row] = yield* rowsOf(sql`SELECT value FROM search_state WHERE name = 'cursor' FOR UPDATE`)
  return Number(row?.value ?? 0)
}

function* knownOf(origin: string): Work<SqlRow | undefined> {
  const [known] = yield* rowsOf(
    sql`SELECT next, epoch FROM search_origins WHERE origin = ${keyText(origin)}`,
  )
  return known
}

function* wanted({ origin, epoch, first }: Source): Work<number> {
  const known = yield* knownOf(origin)
  if (known === undefined) return 0
  const [next, latest] = [Number(known.next), Number(known.epoch)]
  if (latest > epoch) {
    throw new SessionError('store_contended', 'A later writer of the same log is at the index.')
  }
  // What an earlier writer has added after this one had begun does not count. Of its events, those
  // that do are known by their ids.
  return latest < epoch ? Math.min(next, first) : next
}

function* ingest(source: Source, { from, to, entries, erased: gone }: Batch): Work<number> {
  const base = yield* locked()
  const next = yield* wanted(source)
  if (from > next || to <= next) return next
  if (gone !== undefined) yield* erased(gone)
  const fresh = yield* unknown(entries.filter(({ index }) => index >= next))
  const told = yield* withoutErased(fresh)
  yield* addEntries(
    told.map((entry) => ({ ...entry, index: base + entry.index - next })),
    { withIds: true },
  )
  yield* moveCursor(base + to - next)
  yield* note(source, to)
  return to
}

function* note({ origin, epoch }: Source, next: number): Work<void> {
  yield* changedBy(
    sql`INSERT INTO search_origins (origin, next, epoch)
      VALUES (${keyText(origin)}, ${next}, ${epoch})
      ON CONFLICT (origin) DO UPDATE SET next = excluded.next, epoch = excluded.epoch`,
  )
}

function* erased({ subject, at }: { readonly subject: string; readonly at: number }): Work<void> {
  yield* changedBy(
    sql`INSERT INTO search_erased (subject, at, pending) VALUES (${keyText(subject)}, ${at}, 1)
      ON CONFLICT (subject) DO UPDATE SET
        at = GREATEST(search_erased.at, excluded.at), pending = 1`,
  )
}

/** Those whose events the index does not have: two logs may have the last ones of a writer. */
function* unknown(entries: readonly LoggedEntry[]): Work<readonly LoggedEntry[]> {
  const known = new Set<string>()
  for (let at = 0; at < entries.length; at += AT_ONCE) {
    const ids = entries.slice(at, at + AT_ONCE).map(({ event }) => keyText(event.id))
    const rows = yield* rowsOf(sql`SELECT id FROM events WHERE id IN (${sql.join(ids)})`)
    for (const { id } of rows) known.add(String(id))
  }
  return entries.filter(({ event }) => {
    const id = keyText(event.id)
    if (known.has(id)) return false
    known.add(id)
    return true
  })
}

function* withoutErased(entries: readonly LoggedEntry[]): Work<readonly LoggedEntry[]> {
  const until = new Map<string, number>()
  const subjects = [...new Set(entries.flatMap(({ event }) => event.subject ?? []))].map(keyText)
  for (let at = 0; at < subjects.length; at += AT_ONCE) {
    const some = sql.join(subjects.slice(at, at + AT_ONCE))
    const rows = yield* rowsOf(
      sql`SELECT subject, at FROM search_erased WHERE subject IN (${some})`,
    )
    for (const row of rows) until.set(String(row.subject), Number(row.at))
  }
  return entries.map((entry) => {
    const { subject, at } = entry.event
    const isErased = subject !== null && at <= (until.get(keyText(subject)) ?? -Infinity)
    return isErased ? { ...entry, personal: null } : entry
  })
}
