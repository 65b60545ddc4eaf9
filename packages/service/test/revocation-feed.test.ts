import { writeFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { newKeyring } from 'holdfast'
import { lmdbStore } from 'holdfast/lmdb'
import { formatKeyring } from 'holdfast/maintenance'
import { type RevocationFeedOptions, type Revocations, revocationFeed } from 'holdfast/tokens'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { collectGarbage } from '../../holdfast/test/support/garbage.ts'
import { startRedis } from '../../holdfast/test/support/redis.ts'
import { until } from '../../holdfast/test/support/until.ts'
import { startService } from '../src/index.ts'
import { configOf, folder, KEYS, running } from './support.ts'

/** The service may be one that is played, with more than its address. */
function following({
  url,
  ...options
}: Partial<RevocationFeedOptions> & { readonly url: string }): Revocations {
  const { key = KEYS.gate, now, fetch } = options
  const feed = revocationFeed({ url, key, ...(now && { now }), ...(fetch && { fetch }) })
  onTestFinished(() => feed.close())
  return feed
}

const sidOf = (i: number, partition = i % 64): string => {
  const id = Buffer.alloc(32, i)
  id[15] = partition
  return id.toString('base64url')
}

const token = (sid: string, gen = 0) => ({ sid, gen, iat: 0 })

describe('with a service', () => {
  test('a store that is away makes the verifier stale, then blind, then fresh', async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.close())
    const ring = join(folder(), 'ring.json')
    writeFileSync(ring, formatKeyring(newKeyring()), { mode: 0o600 })
    const run = await running({
      HOLDFAST_STORE: `redis://127.0.0.1:${redis.port}`,
      HOLDFAST_STORE_TIMEOUT: '1s',
      HOLDFAST_KEYRING: ring,
    })
    let moved = 0
    const feed = following({ url: run.service.url, now: () => moved })
    const states = [feed.state()]
    await feed.ready()
    states.push(feed.state())

    redis.pause()
    await until('the service has no proof', async () => {
      return (await run.call('GET', '/v1/revocations')).status === 503
    })
    moved += 4_000
    states.push(feed.state())
    moved += 3_000
    states.push(feed.state())
    moved += 30_000
    states.push(feed.state())
    redis.resume()
    await until('it is fresh', () => feed.state() === 'fresh')

    expect(states).toEqual(['blind', 'fresh', 'fresh', 'stale', 'blind'])
  })

  test('a verifier whose cursor has left the feed takes a snapshot: 100 of 100', async () => {
    const path = `${folder()}/store`
    const store = lmdbStore({ path, feedLimit: 50 })
    onTestFinished(() => store.close())
    const { port, url } = await start(path, 0)
    let moved = 0
    const feed = following({ url, now: () => moved })
    await feed.ready()
    await stop()
    for (let partition = 0; partition < 64; partition++) {
      const events = Array.from({ length: 300 }, (_, i) => ({
        id: `event-${partition}-${i}`,
        at: Date.now(),
        sealed: Buffer.alloc(8),
      }))
      await store.feed.append(sidOf(0, partition), events)
    }
    const sids = Array.from({ length: 100 }, (_, i) => sidOf(i))
    const at = Date.now()
    await Promise.all(
      sids.map(async (id) => {
        const times = { createdAt: at, deadline: at + 3_600_000, idleMs: 3_600_000 }
        await store.entries.write({
          id,
          version: 1,
          generation: 0,
          ...times,
          sealed: Buffer.alloc(1),
        })
        await store.entries.revoke(id, { reason: 'test', at })
      }),
    )

    await start(path, port)

    await until('it has all', () => sids.every((sid) => feed.isRevoked(token(sid))))
    expect(feed.state()).not.toBe('fresh')
    moved += 140_000
    await until('it is fresh', () => feed.state() === 'fresh')
  })

  let stop = async (): Promise<void> => {}
  async function start(path: string, port: number): Promise<{ url: string; port: number }> {
    const config = configOf({
      HOLDFAST_STORE: `lmdb:${path}`,
      HOLDFAST_LISTEN: `127.0.0.1:${port}`,
    })
    const service = await startService(config, { log: { write: () => true } })
    stop = () => service.close()
    onTestFinished(stop)
    return { url: service.url, port: Number(new URL(service.url).port) }
  }

  test('a key that the service refuses is told at once', async () => {
    const run = await running()
    const [unknown, wrongRole] = ['x'.repeat(20), KEYS.audit].map((key) =>
      following({ url: run.service.url, key }),
    )

    await expect(unknown?.ready()).rejects.toMatchObject({ code: 'config_invalid' })
    await expect(wrongRole?.ready()).rejects.toMatchObject({ code: 'config_invalid' })
  })
})

describe('with a service that is played', () => {
  const revoked = (sid: string) => ({ kind: 'revoked', session: sid, at: 1 })
  const raised = (sid: string, generation: number, except: string | null = null) => ({
    kind: 'subject',
    subject: Buffer.from(sid, 'base64url').subarray(0, 16).toString('base64url'),
    generation,
    except,
    at: 1,
  })

  interface Play {
    readonly url: string
    snapshots: { entries: object[]; since?: number }[]
    /** What each stream begins with; the last one is for all later ones too. */
    streams: ((response: ServerResponse) => void)[]
    readonly asked: { accept: string; after: string }[]
    server: Server
  }

  async function play(): Promise<Play> {
    const asked: Play['asked'] = []
    const server = createServer((request, response) => {
      const { accept = '', 'last-event-id': after = '' } = request.headers
      asked.push({ accept, after: String(after) })
      if (accept === 'text/event-stream') {
        const next = parts.streams.length > 1 ? parts.streams.shift() : parts.streams[0]
        next?.(response)
        return
      }
      const next = parts.snapshots.length > 1 ? parts.snapshots.shift() : parts.snapshots[0]
      const all = { cursor: 's0', asOf: 1_000_000, windowMs: 125_000, since: 0, ...next }
      response.end(JSON.stringify(all))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const parts: Play = {
      url: `http://127.0.0.1:${port}`,
      snapshots: [{ entries: [] }],
      streams: [(response) => response.write(': open\n\n')],
      asked,
      server,
    }
    return parts
  }

  const message = (n: number, event: string, more: object): string =>
    `id: c${n}\nevent: ${event}\ndata: ${JSON.stringify({ n, cursor: `c${n}`, ...more })}\n\n`

  test('after a gap it takes a snapshot, and forgets nothing that it knew', async () => {
    const [first, second, third] = [sidOf(1), sidOf(2), sidOf(3)]
    const service = await play()
    service.snapshots = [{ entries: [revoked(first)] }, { entries: [revoked(third)] }]
    service.streams = [
      (response) =>
        response.write(
          message(1, 'revoked', revoked(second)) + message(3, 'heartbeat', { asOf: 2 }),
        ),
      (response) => response.write(': open\n\n'),
    ]
    const feed = following(service)

    await until('the revocation is heard', () => feed.isRevoked(token(third)))

    expect([first, second, third].map((sid) => feed.isRevoked(token(sid)))).toEqual([
      true,
      true,
      true,
    ])
    expect(feed.isRevoked(token(sidOf(4)))).toBe(false)
    const kinds = service.asked.map(({ accept }) => accept)
    expect(kinds.slice(0, 3)).toEqual(['application/json', 'text/event-stream', 'application/json'])
  })

  test('a connection that breaks is resumed at once after the last message', async () => {
    const service = await play()
    service.streams = [
      (response) => response.end(`${message(1, 'heartbeat', { asOf: 1 })}id: c2\nevent: rev`),
      (response) => response.write(message(1, 'revoked', revoked(sidOf(5)))),
    ]
    const feed = following(service)

    await until('the revocation is heard', () => feed.isRevoked(token(sidOf(5))))

    expect(service.asked.map(({ after }) => after)).toEqual(['', 's0', 'c1'])
  })

  test.each([
    ['is no JSON', 'event: heartbeat\ndata: {\n\n'],
    ['has no end', `data: ${'x'.repeat(100_000)}`],
    ['has lines without end', 'data: x\n'.repeat(50_000)],
    ['names no session', message(1, 'revoked', { kind: 'revoked', session: 'x', at: 1 })],
    ['is of a kind that nobody knows', message(1, 'filter', { kind: 'filter' })],
  ])('a message that %s is not passed over: what it was is asked for anew', async (_, text) => {
    const service = await play()
    service.snapshots = [{ entries: [] }, { entries: [revoked(sidOf(6))] }]
    service.streams = [
      (response) => response.end(text),
      (response) => response.writeHead(410).end(),
      (response) => response.write(': open\n\n'),
    ]
    const feed = following(service)

    await until('the revocation is heard', () => feed.isRevoked(token(sidOf(6))))
  })

  test.each([
    ['with lines that end in CR LF', (text: string) => text.replaceAll('\n', '\r\n')],
    ['after a byte order mark', (text: string) => `\uFEFF${text}`],
    ['between comments', (text: string) => `: before\n\n${text.replace('\n', '\n: within\n')}`],
  ])('a message is understood %s, and in pieces of one byte', async (_, written) => {
    const service = await play()
    const bytes = Buffer.from(written(message(1, 'revoked', revoked(sidOf(5)))))
    service.streams = [
      (response) => {
        response.socket?.setNoDelay(true)
        for (const byte of bytes) response.write(Buffer.of(byte))
      },
    ]
    const feed = following(service)

    await until('the revocation is heard', () => feed.isRevoked(token(sidOf(5))))

    expect(service.asked).toHaveLength(2)
  })

  test.each([
    ['before its answer begins', () => {}],
    ['after a heartbeat', (r: ServerResponse) => r.write(message(1, 'heartbeat', { asOf: 1 }))],
  ])('a service that falls silent %s is asked again', async (_, begin) => {
    let now = 0
    const service = await play()
    service.streams = [
      (response) => void begin(response),
      (response) => response.write(message(1, 'revoked', revoked(sidOf(5)))),
    ]
    const feed = following({ ...service, now: () => now })
    await until('the stream is asked for', () => service.asked.length === 2)
    await feed.ready()

    // moved again and again, because the instant of the last message is not visible from here
    await until('the next stream is asked for', () => {
      collectGarbage() // Node 20 and 22 forget the signal of a request at one
      now += 6_001
      return service.asked.length >= 3
    })
    await until('the next stream is heard', () => feed.isRevoked(token(sidOf(5))))
  })

  test('a lower generation never replaces a higher one, and a kept session goes on', async () => {
    const sid = sidOf(7)
    const service = await play()
    service.snapshots = [{ entries: [raised(sid, 20, sid)] }]
    service.streams = [
      (response) =>
        response.write(
          message(1, 'subject', raised(sid, 10, sid)) + message(2, 'revoked', revoked(sidOf(8))),
        ),
    ]
    const feed = following(service)
    await until('the revocation is heard', () => feed.isRevoked(token(sidOf(8))))
    const sibling = Buffer.from(sid, 'base64url')
    sibling[31] = 0
    const other = sibling.toString('base64url')

    expect(feed.isRevoked(token(sid, 5))).toBe(false)
    expect(feed.isRevoked(token(other, 19))).toBe(true)
    expect(feed.isRevoked(token(other, 20))).toBe(false)
    expect(feed.isRevoked(token(sidOf(9), 5))).toBe(false)
    expect(feed.isRevoked(token('no session id', 5))).toBe(false)
  })

  test('an entry is kept for a window, and is gone after that', async () => {
    let now = 0
    const service = await play()
    service.snapshots = [{ entries: [revoked(sidOf(1))] }]
    let stream: ServerResponse | undefined
    service.streams = [
      (response) => {
        stream = response
        response.write(message(1, 'heartbeat', { asOf: 1 }))
      },
    ]
    const feed = following({ url: service.url, now: () => now })
    await feed.ready()
    await until('the stream is open', () => stream !== undefined)

    now = 124_000
    stream?.write(message(2, 'revoked', revoked(sidOf(2))))
    await until('the revocation is heard', () => feed.isRevoked(token(sidOf(2))))
    const before = feed.isRevoked(token(sidOf(1)))
    now = 126_000
    stream?.write(message(3, 'heartbeat', { asOf: 2 }))
    await until('it is forgotten', () => !feed.isRevoked(token(sidOf(1))))

    expect(before).toBe(true)
    expect(feed.isRevoked(token(sidOf(2)))).toBe(true)
  })

  test('where the feed is too short it is blind until every token has expired', async () => {
    let now = 0
    const service = await play()
    service.snapshots = [{ entries: [], since: 980_000 }]
    const feed = following({ url: service.url, now: () => now })
    await feed.ready()
    const states = [feed.state()]

    for (now of [104_000, 106_000]) states.push(feed.state())

    expect(states).toEqual(['blind', 'blind', 'blind'])
    service.streams = [(response) => response.write(message(1, 'heartbeat', { asOf: 1 }))]
    service.server.closeAllConnections()
    await until('it is fresh', () => feed.state() === 'fresh')
  })

  test('listeners hear which tokens are ended, also after one that throws', async () => {
    const service = await play()
    const ended: boolean[][] = []
    let stream: ServerResponse | undefined
    service.streams = [
      (response) => {
        stream = response
        response.write(': open\n\n')
      },
    ]
    const feed = following(service)
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => warned.mockRestore())
    feed.onRevoked(() => {
      throw new Error('broken')
    })
    feed.onRevoked((ends) => ended.push([ends(token(sidOf(1), 3)), ends(token(sidOf(2), 3))]))
    const leave = feed.onRevoked(() => ended.push([]))
    leave()
    await until('the stream is open', () => stream !== undefined)

    stream?.write(message(1, 'revoked', revoked(sidOf(2))))
    stream?.write(message(2, 'subject', raised(sidOf(1), 4)))
    await until('both are heard', () => ended.length === 2)

    expect(ended).toEqual([
      [false, true],
      [true, false],
    ])
    expect(warned).toHaveBeenCalledTimes(2)
  })

  test('closing leaves no connection and rejects who waits for the snapshot', async () => {
    const service = await play()
    let closed = false
    service.streams = [
      (response) => {
        response.write(': open\n\n')
        response.once('close', () => {
          closed = true
        })
      },
    ]
    const feed = following(service)
    await until('the stream is asked for', () => service.asked.length === 2)
    feed.close()
    await until('the connection is closed', () => closed)
    const never = following({ url: 'http://127.0.0.1:1' })
    never.close()

    await expect(never.ready()).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(feed.state()).toBe('blind')
  })
})
