import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { freePort } from '../../../../holdfast/test/support/redis.ts'
import { until } from '../../../../holdfast/test/support/until.ts'
import type { PostgresAddress } from '../../../src/audit/search/shared/postgres.ts'
import type { Certificate } from '../alerts/certificate.ts'

/** A real PostgreSQL of a test, on a port of its own. */
export interface PostgresServer {
  /** A new database in it. */
  database(): Promise<PostgresAddress>
  /** What it has told. */
  log(): string
  /** Freezes it: connections stay, nothing answers. */
  pause(): void
  resume(): void
  stop(): Promise<void>
  /** Starts it again on the same port, with what it has on disk. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** Names of the files of its certificate, in its folder of data. */
const TLS = ['server.crt', 'server.key'] as const

/** With what an address has to have encoded. */
const PASSWORD = 'p@ss/w:rd #1%'
const USER = 'holdfast'

/**
 * As that of Redis: the shell reads from us until we end, however we end. It has none of our
 * outputs, or who waits for their end would wait for it. A PostgreSQL that gets SIGQUIT ends with
 * all of its processes at once.
 */
const GUARD =
  '"$@" >"$0/log" 2>&1 & server=$!; echo $server; cat >/dev/null; kill -QUIT $server; ' +
  'wait $server 2>/dev/null; [ -z "$REMOVED" ] || rm -rf "$0"'

let shared: Promise<PostgresServer> | undefined

/** One for all tests of this process that do nothing to it. It ends with the process. */
export function sharedPostgres(): Promise<PostgresServer> {
  shared ??= startPostgres([], { isRemoved: true })
  return shared
}

export async function startPostgres(
  options: readonly string[] = [],
  {
    isRemoved = false,
    certificate,
  }: { readonly isRemoved?: boolean; readonly certificate?: Certificate } = {},
): Promise<PostgresServer> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-postgres-'))
  const programs = programsOf()
  const owner = ownerOf()
  makeCluster(folder, programs, owner)
  if (certificate !== undefined) {
    for (const [name, text] of [
      [TLS[0], certificate.cert],
      [TLS[1], certificate.key],
    ] as const) {
      const path = join(folder, 'data', name)
      writeFileSync(path, text, { mode: 0o600 })
      own(path, owner)
    }
  }
  const start = () =>
    launch({ folder, port, options, isRemoved, programs, owner, isUp: () => answers(port) })
  let running = await start()

  async function stop(): Promise<void> {
    if (running.guard.exitCode !== null) return
    const ended = new Promise<void>((resolve) => running.guard.once('exit', () => resolve()))
    running.guard.stdin?.end()
    await ended
  }

  return {
    async database() {
      const name = `test_${randomBytes(6).toString('hex')}`
      await ask(addressOf(port, 'postgres'), `CREATE DATABASE ${name}`)
      return addressOf(port, name)
    },
    log: () => readFileSync(join(folder, 'log'), 'utf8'),
    pause: () => signal('STOP', running.pid),
    resume: () => signal('CONT', running.pid),
    stop,
    async restart() {
      await stop()
      running = await start()
    },
    async close() {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** As configurations have it. */
export function urlOf({ host, port, database, user, password = '' }: PostgresAddress): string {
  return `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`
}

/** One statement on a connection of its own. */
export async function ask(
  address: PostgresAddress,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ ...address, ssl: false })
  await client.connect()
  try {
    return (await client.query(text, [...values])).rows
  } finally {
    await client.end()
  }
}

function addressOf(port: number, database: string): PostgresAddress {
  return { host: '127.0.0.1', port, database, user: USER, password: PASSWORD }
}

async function answers(port: number): Promise<boolean> {
  return ask(addressOf(port, 'postgres'), 'SELECT 1').then(
    () => true,
    () => false,
  )
}

/** It has a process for each connection, of which a signal to the first one says nothing. */
function signal(name: 'STOP' | 'CONT', pid: number): void {
  spawnSync('sh', ['-c', `kill -${name} $1 $(ps -o pid= --ppid $1)`, 'sh', String(pid)])
}

const DEBIAN = '/usr/lib/postgresql'

/** Where its programs are: of Debian's versions the newest. */
function programsOf(): string {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN) : []
  const newest = versions
    .filter((version) => existsSync(join(DEBIAN, version, 'bin', 'initdb')))
    .sort((a, b) => Number(b) - Number(a))[0]
  if (newest !== undefined) return join(DEBIAN, newest, 'bin')
  throw new Error(
    'These tests need a real PostgreSQL, and there is none. Install the Debian package: ' +
      'apt-get install postgresql',
  )
}

interface Owner {
  readonly uid?: number
  readonly gid?: number
}

/** It refuses to run as root: then it runs as the user of its package. */
function ownerOf(): Owner {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = ['-u', '-g'].map((of) => Number(spawnSync('id', [of, 'postgres']).stdout))
  return { uid: uid ?? Number.NaN, gid: gid ?? Number.NaN }
}

function own(path: string, { uid, gid }: Owner): void {
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid)
}

function makeCluster(folder: string, programs: string, owner: Owner): void {
  const secret = join(folder, 'password')
  writeFileSync(secret, `${PASSWORD}\n`)
  for (const path of [folder, secret]) own(path, owner)
  const made = spawnSync(
    join(programs, 'initdb'),
    [
      ...['--pgdata', join(folder, 'data'), '--username', USER, '--pwfile', secret, '--no-sync'],
      ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C.UTF-8'],
      // Text that compares as people have it: the index must not rely on how a database does.
      ...['--locale-provider', 'icu', '--icu-locale', 'en-US'],
    ],
    { ...owner, cwd: folder, encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`)
}

/** A process, and the sockets that pipes to it are. */
interface Unrefable {
  unref(): void
}

interface Running {
  readonly guard: ChildProcess
  readonly pid: number
}

async function launch({
  folder,
  port,
  options,
  isRemoved,
  programs,
  owner,
  isUp,
}: {
  readonly folder: string
  readonly port: number
  readonly options: readonly string[]
  /** Its files go with it. */
  readonly isRemoved: boolean
  readonly programs: string
  readonly owner: Owner
  readonly isUp: () => Promise<boolean>
}): Promise<Running> {
  const settings = ['fsync=off', 'full_page_writes=off', 'max_connections=100', ...options]
  const args = [
    ...['-D', join(folder, 'data'), '-p', String(port), '-h', '127.0.0.1', '-k', folder],
    ...settings.flatMap((setting) => ['-c', setting]),
  ]
  const guard = spawn('sh', ['-c', GUARD, folder, join(programs, 'postgres'), ...args], {
    ...owner,
    cwd: folder,
    env: { ...process.env, REMOVED: isRemoved ? '1' : '' },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const pid = await new Promise<number>((resolve, reject) => {
    guard.once('error', reject)
    guard.stdout.once('data', (line: Buffer) => resolve(Number(line.toString())))
  })
  await until(`PostgreSQL answers on port ${port}`, isUp)
  // What lives as long as its process must not keep it alive.
  if (isRemoved)
    for (const one of [guard, guard.stdin, guard.stdout]) (one as unknown as Unrefable).unref()
  return { guard, pid }
}
