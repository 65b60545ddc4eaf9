import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { nextOf, samples } from '../../src/contracts/stores/sample-entry.ts'
import { storeContract } from '../../src/contracts/stores/store-contract.ts'
import { redisKeys } from '../../src/stores/redis/keys.ts'
import { type RedisOptions, redisStore } from '../../src/stores/redis.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

const make = samples(fakeHost())
let server: RedisServer
let folder: string
let made = 0

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-url-'))
  server = await startRedis(['--unixsocket', join(folder, 'redis.sock')])
})
afterAll(async () => {
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

const here = (port = server.port): string => `redis://127.0.0.1:${port}`

storeContract('Redis through a connection of its own', (bounds) =>
  redisStore({ url: here(), ...bounds, prefix: `u${made++}:`, timeout: 5_000 }),
)

describe('a store that connects by itself', () => {
  function opened(options: Partial<RedisOptions> = {}) {
    const store = redisStore({ url: here(), prefix: `v${made++}:`, timeout: 5_000, ...options })
    onTestFinished(() => store.close())
    return store
  }

  test('what one turn of the event loop asks is answered in order, each for itself', async () => {
    const store = opened()
    const entries = Array.from({ length: 300 }, () => make.entry())

    const written = await Promise.all(entries.map((entry) => store.entries.write(entry)))
    const again = await Promise.all(entries.map((entry) => store.entries.write(entry)))
    const found = await Promise.all(entries.map(({ id }) => store.entries.read(id)))

    expect(new Set(written)).toEqual(new Set(['written']))
    expect(new Set(again)).toEqual(new Set(['conflict']))
    expect(found.map((one) => one?.id)).toEqual(entries.map(({ id }) => id))
  })

  test('it hears of endings and changes by itself, also after a connection was lost', async () => {
    const prefix = `v${made++}:`
    const [listener, writer] = [opened({ prefix }), opened({ prefix })]
    const client = new Redis({ port: server.port })
    onTestFinished(() => client.disconnect())
    const stop = new AbortController()
    onTestFinished(() => stop.abort())
    const entries = [make.entry(), make.entry(), make.entry()] as const
    for (const entry of entries) await writer.entries.write(entry)
    const told = listener.feed.follow(await listener.feed.head(), stop.signal)
    const heard = told[Symbol.asyncIterator]()
    const next = async (): Promise<unknown> => (await heard.next()).value
    const listening = async (): Promise<void> => {
      const channel = redisKeys(prefix).wake
      while (((await client.pubsub('NUMSUB', channel)) as [string, number])[1] === 0);
    }

    const first = next()
    await listening()
    await writer.entries.write(nextOf(entries[0], make.bytes()))
    expect(await first).toMatchObject({ kind: 'changed', session: entries[0].id })
    const second = next()
    const end = { reason: 'test', at: Date.now() }
    await writer.entries.revoke(entries[1].id, end)
    expect(await second).toMatchObject({ kind: 'revoked', session: entries[1].id })

    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await listening()
    const third = next()
    await writer.entries.revoke(entries[2].id, end)
    expect(await third).toMatchObject({ kind: 'revoked', session: entries[2].id })
  })

  test('a server that dies and comes back: outages in between, never an answer', async () => {
    const mortal = await startRedis()
    onTestFinished(() => mortal.close())
    const store = opened({ url: here(mortal.port), timeout: 500 })
    const entry = make.entry()
    expect(await store.entries.write(entry)).toBe('written')

    await mortal.stop()
    for (let i = 0; i < 5; i++) {
      await expect(store.entries.read(entry.id)).rejects.toMatchObject({
        code: 'store_unavailable',
      })
    }
    await mortal.restart()

    for (;;) {
      const outcome = await store.entries.read(entry.id).catch((error) => error.code)
      if (outcome !== 'store_unavailable') {
        expect(outcome).toBeUndefined()
        break
      }
    }
    expect(await store.entries.write(entry)).toBe('written')
  })

  test('what was under way when the connection was lost fails, and is not sent twice', async () => {
    const commands: string[] = []
    const sockets: Socket[] = []
    const silent = createServer((socket) => {
      sockets.push(socket)
      socket.on('data', (data) => {
        commands.push(data.toString('latin1'))
        if (data.includes('HELLO')) socket.write('%0\r\n')
        else socket.destroy()
      })
    })
    const port = await listeningOn(silent)
    const store = opened({ url: here(port) })

    const failed = Promise.all([1, 2, 3].map(() => store.feed.head().catch((error) => error.code)))

    expect(await failed).toEqual(Array(3).fill('store_unavailable'))
    expect(commands.filter((text) => text.includes('INFO'))).toHaveLength(1)
  })

  test('a server that is silent is given up, and one that talks nonsense is', async () => {
    for (const answer of ['', 'HTTP/1.1 400 Bad Request\r\n\r\n', '*99999999\r\n']) {
      const other = createServer((socket) => socket.write(answer))
      const store = opened({ url: here(await listeningOn(other)), timeout: 200 })

      const head = store.feed.head()

      await expect(head).rejects.toMatchObject({ code: 'store_unavailable' })
      await expect(store.feed.head()).rejects.toMatchObject({ code: 'store_unavailable' })
    }
  })

  test('a user with a password, and a database', async () => {
    const admin = new Redis({ port: server.port, db: 3 })
    onTestFinished(() => admin.disconnect())
    await admin.call('ACL', 'SETUSER', 'a:b', 'on', '>p:w/d', '~*', '&*', '+@all')
    const prefix = `v${made++}:`
    const url = `redis://a%3Ab:p%3Aw%2Fd@localhost:${server.port}/3`
    const entry = make.entry()

    expect(await opened({ url, prefix }).entries.write(entry)).toBe('written')

    expect(await admin.keys(`${prefix}s*`)).toHaveLength(1)
    expect(await opened({ prefix }).entries.read(entry.id)).toBeUndefined()
    const wrong = opened({ url: url.replace('p%3A', 'x') }).entries.read(entry.id)
    await expect(wrong).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.not.stringContaining('w/d'),
    })
  })

  test('a Valkey by its own scheme', async () => {
    const url = here().replace('redis:', 'valkey:')

    expect(await opened({ url }).entries.write(make.entry())).toBe('written')
  })

  test('a socket of this machine', async () => {
    const prefix = `v${made++}:`
    const entry = make.entry()

    await opened({ url: `unix:${join(folder, 'redis.sock')}?db=0`, prefix }).entries.write(entry)

    expect(await opened({ prefix }).entries.read(entry.id)).toMatchObject({ id: entry.id })
  })

  test('TLS, to a server whose certificate is right', async () => {
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name))
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
        ...['-days', '2', '-keyout', String(key), '-out', String(cert)],
        ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      ],
      { stdio: 'ignore' },
    )
    const port = await listeningOn(createServer(), true)
    const secure = await startRedis([
      ...['--tls-port', String(port), '--tls-auth-clients', 'no'],
      ...['--tls-cert-file', String(cert), '--tls-key-file', String(key)],
    ])
    onTestFinished(() => secure.close())
    const url = `rediss://localhost:${port}`
    const ca = readFileSync(cert ?? '')

    expect(await opened({ url, tls: { ca } }).entries.write(make.entry())).toBe('written')

    for (const untrusted of [
      { url },
      { url: url.replace('localhost', '127.0.0.1'), tls: { ca } },
    ]) {
      const head = opened({ ...untrusted, timeout: 1_000 }).feed.head()
      await expect(head).rejects.toMatchObject({ code: 'store_unavailable' })
    }
  })

  test.each([
    'localhost:6379',
    'http://localhost',
    'redis+sentinel://localhost/main',
    'redis+cluster://localhost',
    'redis://',
    'redis://localhost/x',
    'redis://u:%E0%A4%A@localhost',
    'unix:',
  ])('no address: %s', (url) => {
    expect(() => redisStore({ url })).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringContaining('"url"'),
      }),
    )
  })

  test('client and url, or neither, are refused', () => {
    const client = new Redis({ lazyConnect: true })
    const refused = expect.objectContaining({ code: 'config_invalid' })

    expect(() => redisStore({ url: here(), client })).toThrow(refused)
    expect(() => redisStore({})).toThrow(refused)
    expect(() => redisStore({ url: here(), subscriber: client })).toThrow(refused)
  })

  test('a store that was closed asks nothing, and leaves no connection', async () => {
    const store = opened()
    await store.feed.head()

    await store.close()

    await expect(store.feed.head()).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

/** The port of a server; `free`: it is closed again. */
async function listeningOn(server: ReturnType<typeof createServer>, free = false): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()))
  if (free) await close()
  else onTestFinished(() => void server.close())
  return typeof address === 'object' && address !== null ? address.port : 0
}
