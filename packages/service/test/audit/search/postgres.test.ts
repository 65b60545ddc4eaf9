import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { PostgresAddress } from '../../../src/audit/search/shared/postgres.ts'
import { openSharedIndex, type SharedIndex } from '../../../src/audit/search/shared/shared-index.ts'
import { certificateFor } from '../alerts/certificate.ts'
import { ask, type PostgresServer, startPostgres } from './postgres-server.ts'
import { asTested, entry, NOW } from './support.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(() => server.close())

async function opened(
  address: PostgresAddress,
  { statementMs = 15_000 } = {},
): Promise<SharedIndex> {
  const index = openSharedIndex({ address, statementMs, now: () => NOW })
  onTestFinished(() => index.close())
  return index
}

async function prepared(options = {}): Promise<SharedIndex & { address: PostgresAddress }> {
  const address = await server.database()
  const index = await opened(address, options)
  await index.prepare()
  return { ...index, address }
}

test('over TLS it answers to who knows its authority, under its own name alone', async () => {
  const certificate = certificateFor('localhost')
  const encrypted = await startPostgres(['ssl=on'], { certificate })
  onTestFinished(() => encrypted.close())
  const plain = await encrypted.database()
  const ca = certificate.cert
  const unknown = await opened({ ...plain, host: 'localhost', tls: {} })
  const byAddress = await opened({ ...plain, tls: { ca } })
  const byName = await opened({ ...plain, host: 'localhost', tls: { ca } })

  await expect(unknown.prepare()).rejects.toMatchObject({
    code: 'store_unavailable',
    message: expect.stringContaining('self-signed certificate'),
  })
  await expect(byAddress.prepare()).rejects.toMatchObject({
    message: expect.stringContaining("IP: 127.0.0.1 is not in the cert's list"),
  })
  await byName.prepare()
  await asTested(byName).ingest([entry(0)])
  expect((await byName.searches.events({})).items).toHaveLength(1)
})

test('who asks for TLS says nothing to a server without it', async () => {
  const index = await opened({ ...(await server.database()), tls: {} })

  await expect(index.prepare()).rejects.toMatchObject({
    message: expect.stringContaining('does not support SSL'),
  })
})

test.for([
  [{ password: 'wrong' }, 'password authentication failed'],
  [{ database: 'nowhere' }, 'database "nowhere" does not exist'],
  [{ port: 1 }, 'ECONNREFUSED'],
] as const)(
  'with %j it is not to be had, and no secret is in what is told',
  async ([part, why]) => {
    const address = { ...(await server.database()), ...part }
    const index = await opened(address)

    const failure = await index.prepare().catch((error: unknown) => error)

    expect(failure).toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining(why),
    })
    expect(JSON.stringify(Object.entries(failure as Error))).not.toContain(address.password)
  },
)

test('who may not make the tables is told so', async () => {
  const address = await server.database()
  await ask(address, "CREATE ROLE reader LOGIN PASSWORD 'reader'")
  onTestFinished(async () => void (await ask(address, 'DROP OWNED BY reader; DROP ROLE reader')))
  const index = await opened({ ...address, user: 'reader', password: 'reader' })

  await expect(index.prepare()).rejects.toMatchObject({
    message: expect.stringContaining('permission denied for database'),
  })
})

test('a server that is frozen costs a search its time, and answers when it wakes', async () => {
  const index = await prepared({ statementMs: 200 })
  await asTested(index).ingest([entry(0)])
  server.pause()
  onTestFinished(server.resume)

  await expect(index.searches.events({})).rejects.toMatchObject({ code: 'store_unavailable' })
  server.resume()

  await expect
    .poll(() => index.searches.events({}).catch(() => undefined))
    .toMatchObject({
      items: [{ line: 0 }],
    })
})

test('a connection that is cut ends what it was used for, and nothing else', async () => {
  const address = await server.database()
  const cut = await cuttable(address)
  const index = await opened(cut.address)
  await index.prepare()
  const client = await holding(address)

  const failed = index.ingest({ origin: 'log', epoch: 1, first: 0 }, batch())
  await expect.poll(() => waiting(address)).toBe(1)
  cut.now()

  await expect(failed).rejects.toMatchObject({ code: 'store_unavailable' })
  await client.end()
  await expect
    .poll(() =>
      asTested(index)
        .ingest([entry(0)])
        .then(() => true),
    )
    .toBe(true)
  expect((await index.searches.events({})).items).toHaveLength(1)
})

test('a writer that waits for another one gives up, and comes again', async () => {
  const index = await prepared({ statementMs: 300 })
  const client = await holding(index.address)

  const late = index.ingest({ origin: 'log', epoch: 1, first: 0 }, batch())

  await expect(late).rejects.toMatchObject({
    message: expect.stringContaining('statement timeout'),
  })
  await client.end()
  expect(await index.ingest({ origin: 'log', epoch: 1, first: 0 }, batch())).toBe(1)
})

test('a search that waits holds up its own connection alone, of which there are five', async () => {
  const index = await prepared()
  await asTested(index).ingest([entry(0)])
  const client = new pg.Client({ ...index.address, ssl: false })
  await client.connect()
  onTestFinished(() => client.end())
  await client.query('BEGIN; LOCK TABLE holdfast.events')

  const asked = Array.from({ length: 20 }, () => index.searches.events({}))

  await expect.poll(() => waiting(index.address)).toBe(5)
  const used = await ask(
    index.address,
    "SELECT COUNT(*)::int AS n FROM pg_stat_activity WHERE application_name = 'holdfast' AND " +
      'datname = current_database()',
  )
  await client.query('COMMIT')
  expect(used).toEqual([{ n: 5 }])
  for (const { items } of await Promise.all(asked)) expect(items).toHaveLength(1)
})

function batch() {
  return { from: 0, to: 1, entries: [entry(0)] }
}

/** Another writer, in the middle of something. */
async function holding(address: PostgresAddress): Promise<pg.Client> {
  const client = new pg.Client({ ...address, ssl: false })
  await client.connect()
  await client.query('BEGIN; SELECT * FROM holdfast.search_state FOR UPDATE')
  return client
}

/** How many wait for a lock of somebody. */
async function waiting(address: PostgresAddress): Promise<unknown> {
  const [row] = await ask(
    address,
    "SELECT COUNT(*)::int AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND " +
      'datname = current_database()',
  )
  return row?.n
}

/** A way to a database that can be cut. */
async function cuttable(to: PostgresAddress) {
  const sockets = new Set<Socket>()
  const proxy = createServer((socket) => {
    const further = connect(to.port, to.host)
    socket.pipe(further).pipe(socket)
    for (const one of [socket, further]) {
      sockets.add(one)
      one.on('error', () => {})
    }
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const cutNow = (): void => {
    for (const one of sockets) one.destroy()
    sockets.clear()
  }
  onTestFinished(() => {
    cutNow()
    proxy.close()
  })
  return { address: { ...to, port: (proxy.address() as AddressInfo).port }, now: cutNow }
}
