import { SessionError } from 'holdfast'
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'
import pg from 'pg'
import type { SqlRow, SqlValue } from '../../database.ts'
import { parametersOf } from '../queries.ts'
import type { Answer, Insertion, Statement, Work } from '../work.ts'

/** Where a PostgreSQL is, and who asks. Holds a secret. */
export interface PostgresAddress {
  /** A name or address, or the folder of a socket. */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password?: string
  /** Undefined: in clear. The certificate is always checked. */
  readonly tls?: { readonly ca?: string }
}

/** A PostgreSQL, with a bounded number of connections. Who makes it closes it. */
export interface Postgres {
  /** Work that only reads, on the tables as they are at its beginning. */
  read<T>(work: () => Work<T>): Promise<T>
  /** Work that is done as a whole or not at all. */
  write<T>(work: () => Work<T>): Promise<T>
  close(): Promise<void>
}

/** The tables of the index lie in a schema of their own. */
export const SCHEMA = 'holdfast'

const MOST_CONNECTIONS = 5
const MOST_WAITING = 100
const CONNECT_MS = 5_000
const STATEMENT_MS = 15_000
/** The other end may be gone without a word: who asks waits a little longer than it would. */
const MORE_MS = 2_000
const IDLE_MS = 30_000
/** Parameters of a statement: it counts them in 16 bits. */
const MOST_PARAMETERS = 60_000

/** Writes queries for PostgreSQL. */
const POSTGRES: Kysely<unknown> = new Kysely({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
})

const INT8 = 20

/** Whole numbers of 64 bits come as text. Those of the index are below 2^53. */
const TYPES: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
}

export function connectPostgres(address: PostgresAddress, statementMs = STATEMENT_MS): Postgres {
  const { host, port, database, user, password, tls } = address
  const pool = new pg.Pool({
    ...{ host, port, database, user, password: password ?? '', types: TYPES },
    // Without `host` a certificate for an address would not be compared with it.
    ssl: tls === undefined ? false : { ...tls, host, rejectUnauthorized: true },
    ...{ max: MOST_CONNECTIONS, idleTimeoutMillis: IDLE_MS, allowExitOnIdle: true },
    ...{ connectionTimeoutMillis: CONNECT_MS, keepAlive: true },
    ...{ statement_timeout: statementMs, query_timeout: statementMs + MORE_MS },
    // A process that was paused within a transaction must not hold up its successor.
    idle_in_transaction_session_timeout: statementMs,
    application_name: 'holdfast',
    options: `-c search_path=${SCHEMA} -c jit=off`,
  })
  // A connection that ends is replaced when it is needed; who waits for its answer is told.
  pool.on('error', () => {})
  pool.on('connect', (client) => void client.on('error', () => {}))

  async function transaction<T>(begin: string, work: () => Work<T>): Promise<T> {
    if (pool.waitingCount >= MOST_WAITING) {
      throw unavailable('has too many searches to answer')
    }
    const client = await pool.connect().catch((error: unknown) => {
      throw faultOf(error)
    })
    try {
      await client.query(begin)
      const answer = await run(client, work())
      await client.query('COMMIT')
      client.release()
      return answer
    } catch (error) {
      const isOurs = error instanceof SessionError
      // On a connection that has not answered nothing more is said.
      const isBroken = !isOurs && !SQLSTATE.test(codeOf(error))
      if (!isBroken) await client.query('ROLLBACK').catch(() => {})
      client.release(isBroken)
      throw isOurs ? error : faultOf(error)
    }
  }

  return {
    read: (work) => transaction('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', work),
    write: (work) => transaction('BEGIN', work),
    close: () => pool.end(),
  }
}

async function run<T>(client: pg.PoolClient, work: Work<T>): Promise<T> {
  let step = work.next()
  while (!step.done) step = work.next(await answered(client, step.value))
  return step.value
}

async function answered(client: pg.PoolClient, statement: Statement): Promise<Answer> {
  if (statement.is !== 'insert') {
    const query = statement.query.compile(POSTGRES)
    return asked(client, query.sql, parametersOf(query))
  }
  const { rows, ...into } = statement.insertion
  const atOnce = Math.floor(MOST_PARAMETERS / into.columns.length)
  let changed = 0
  for (let from = 0; from < rows.length; from += atOnce) {
    const some = rows.slice(from, from + atOnce)
    changed += (await asked(client, insertionOf(into, some.length), some.flat())).changed
  }
  return { rows: [], changed }
}

async function asked(
  client: pg.PoolClient,
  text: string,
  values: readonly SqlValue[],
): Promise<Answer> {
  const { rows, rowCount } = await client.query<SqlRow>(text, [...values])
  return { rows, changed: rowCount ?? 0 }
}

function insertionOf({ table, columns, conflict }: Omit<Insertion, 'rows'>, count: number): string {
  const values = Array.from({ length: count }, (_, row) => {
    const parameters = columns.map((_name, at) => `$${row * columns.length + at + 1}`)
    return `(${parameters.join(', ')})`
  })
  return (
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${values.join(', ')}` +
    (conflict === undefined ? '' : ` ON CONFLICT ${conflict}`)
  )
}

const SQLSTATE = /^[\dA-Z]{5}$/

/** What is missing, or is not as it was made. */
const DAMAGE = /^(?:42P01|42703|3F000|XX00[12])$/

/** Of connections, of who may, and of what it has no room for: these name no value of a row. */
const OUTER = /^(?:08|28|3D|42501|53|55|57|58)/

function codeOf(error: unknown): string {
  return String((error as { readonly code?: unknown }).code ?? '')
}

/**
 * Without what the error quotes: it may be a name or an address. `record_invalid` is for tables
 * that are not what they were made as.
 */
function faultOf(error: unknown): SessionError {
  const code = codeOf(error)
  if (DAMAGE.test(code)) {
    return new SessionError(
      'record_invalid',
      `The tables of the index in PostgreSQL are damaged or gone (${code}). Make them anew with ` +
        '"holdfast audit reindex".',
    )
  }
  if (SQLSTATE.test(code) && !OUTER.test(code)) return unavailable(`refuses a statement (${code})`)
  const message = error instanceof Error ? error.message : ''
  return unavailable(`cannot be used: ${message === '' ? code : message}`)
}

function unavailable(what: string): SessionError {
  return new SessionError('store_unavailable', `The PostgreSQL of the audit log ${what}`)
}
