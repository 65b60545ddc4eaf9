import dns from 'node:dns'
import { mkdirSync, rmdirSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { Cluster, Redis } from 'ioredis'
import { createClient } from 'redis'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { nextOf, samples } from '../../src/contracts/stores/sample-entry.ts'
import type { Store } from '../../src/core/store.ts'
import { refusalOf } from '../../src/stores/redis/refusals.ts'
import { type RedisOptions, redisStore } from '../../src/stores/redis.ts'
import { type RedisServer, startCluster, startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

const host = fakeHost()
const make = samples(host)

type Connected = Pick<RedisOptions, 'client' | 'url'>

const clients: Record<string, (port: number) => Promise<Connected>> = {
  async ioredis(port) {
    const reconnectOnError = (error: Error): boolean => /^READONLY|^MASTERDOWN/.test(error.message)
    const client = new Redis({ port, retryStrategy: () => 50, reconnectOnError })
    client.on('error', () => {})
    onTestFinished(() => client.disconnect())
    return { client }
  },
  async 'node-redis'(port) {
    const client = createClient({ socket: { port, reconnectStrategy: 50 } })
    client.on('error', () => {})
    await client.connect()
    onTestFinished(() => client.destroy())
    return { client }
  },
  async 'a connection of its own'(port) {
    return { url: `redis://127.0.0.1:${port}` }
  },
}

async function server(options: readonly string[] = []): Promise<RedisServer & { admin: Redis }> {
  const running = await startRedis(options)
  const admin = new Redis({ port: running.port })
  onTestFinished(async () => {
    admin.disconnect()
    await running.close()
  })
  return { ...running, admin }
}

/** A primary and its replica, which has all that the primary has. */
async function pair() {
  const primary = await server()
  const replica = await server(['--replicaof', '127.0.0.1', String(primary.port)])
  const follows = async (follower: Redis): Promise<boolean> =>
    (await follower.info('replication')).includes('master_link_status:up')
  await until('the replica follows', () => follows(replica.admin))
  return {
    primary,
    promoted: replica,
    async demote() {
      await until('the replica has all', async () => {
        const [all, there] = await Promise.all(
          [primary, replica].map(({ admin }) => admin.dbsize()),
        )
        return all === there
      })
      await replica.admin.call('REPLICAOF', 'NO', 'ONE')
      await primary.admin.call('REPLICAOF', '127.0.0.1', String(replica.port))
      await until('the primary is a replica', () => follows(primary.admin))
    },
    async back() {
      await primary.admin.call('REPLICAOF', 'NO', 'ONE')
    },
  }
}

function opened(connected: Connected): { store: Store; told: string[] } {
  const told: string[] = []
  const store = redisStore({ ...connected, timeout: 5_000, onWarning: (text) => told.push(text) })
  onTestFinished(() => store.close())
  return { store, told }
}

const refused = (kind: string): object => ({
  code: 'store_unavailable',
  message: expect.stringContaining(kind),
})

describe.each(Object.entries(clients))(
  'a Redis that refuses writes, through %s',
  (_, connected) => {
    test('a demoted primary is an outage, for reads as well, until it is one again', async () => {
      const { primary, demote, back } = await pair()
      const { store, told } = opened(await connected(primary.port))
      const entry = make.entry()
      await store.entries.write(entry)
      await store.proveWritable?.()

      await demote()
      const end = { reason: 'test', at: host.now() }
      await until('the demotion is noticed', () =>
        store.entries.revoke(entry.id, end).then(
          () => false,
          (error) => String(error).includes('READONLY'),
        ),
      )
      await expect(store.entries.read(entry.id)).rejects.toMatchObject(refused('READONLY'))
      await expect(store.proveWritable?.()).rejects.toMatchObject(refused('READONLY'))
      await back()
      await until('it works again', () =>
        store.entries.read(entry.id).then(
          (found) => found?.id === entry.id,
          () => false,
        ),
      )

      expect(await store.entries.revoke(entry.id, end)).toBe(true)
      expect(told).toEqual([
        expect.stringMatching(/^Redis refuses writes \(READONLY\): .*replica.*Lead the name/),
        expect.stringMatching(/^Redis takes writes again/),
      ])
    })

    test('a demoted primary that loses its master says MASTERDOWN, and is an outage', async () => {
      const { primary, promoted, demote, back } = await pair()
      await primary.admin.config('SET', 'replica-serve-stale-data', 'no')
      const { store, told } = opened(await connected(primary.port))
      const entry = make.entry()
      await store.entries.write(entry)
      const read = (): Promise<string> =>
        store.entries.read(entry.id).then(
          (found) => String(found?.id === entry.id),
          (error) => String(error),
        )

      await demote()
      await promoted.stop()
      await until('it is noticed', async () => /MASTERDOWN|READONLY/.test(await read()))
      await back()
      await until('it works again', async () => (await read()) === 'true')

      expect(told.at(0)).toMatch(/^Redis refuses writes \((?:MASTERDOWN|READONLY)\): .*replica/)
      expect(told.at(-1)).toMatch(/^Redis takes writes again/)
    })

    test('a Redis that cannot save takes no writes, and is read from', async () => {
      const { admin, port } = await server(['--dbfilename', 'blocked'])
      const [, folder = ''] = (await admin.config('GET', 'dir')) as string[]
      const { store, told } = opened(await connected(port))
      const entry = make.entry()
      await store.entries.write(entry)
      await admin.config('SET', 'save', '3600 1')
      const saved = async (status: string): Promise<void> => {
        await admin.bgsave()
        await until(`the save is ${status}`, async () =>
          (await admin.info('persistence')).includes(`rdb_last_bgsave_status:${status}`),
        )
      }

      mkdirSync(join(folder, 'blocked'))
      await saved('err')
      const writing = store.entries.write(nextOf(entry, make.bytes()))
      await expect(writing).rejects.toMatchObject(refused('MISCONF'))
      await expect(store.proveWritable?.()).rejects.toMatchObject(refused('MISCONF'))
      expect(await store.entries.read(entry.id)).toMatchObject({ version: 1 })
      rmdirSync(join(folder, 'blocked'))
      await saved('ok')
      await until('it is told that it is over', () => told.length === 2)

      expect(await store.entries.write(nextOf(entry, make.bytes()))).toBe('written')
      expect(told[0]).toMatch(/MISCONF.*disk/)
    })

    test('a Redis without enough replicas takes no writes', async () => {
      const { admin, port } = await server()
      const { store, told } = opened(await connected(port))
      const entry = make.entry()
      await store.entries.write(entry)

      await admin.config('SET', 'min-replicas-to-write', '1')
      const end = { reason: 'test', at: host.now() }
      for (let i = 0; i < 20; i++) {
        await expect(store.entries.revoke(entry.id, end)).rejects.toMatchObject(
          refused('NOREPLICAS'),
        )
      }
      await admin.config('SET', 'min-replicas-to-write', '0')
      await until('it is told that it is over', () => told.length === 2)

      expect(await store.entries.revoke(entry.id, end)).toBe(true)
      expect(told[0]).toMatch(/min-replicas-to-write/)
    })

    test('a Redis that loads its data is an outage, and no empty Redis', async () => {
      const { admin, port } = await server([
        '--enable-debug-command',
        'yes',
        '--rdbcompression',
        'no',
      ])
      const { store, told } = opened(await connected(port))
      const entry = make.entry()
      await store.entries.write(entry)
      for (let i = 0; i < 50; i++) await admin.set(`k${i}`, 'x'.repeat(4_096))
      await admin.config('SET', 'loading-process-events-interval-bytes', '1024')
      await admin.config('SET', 'key-load-delay', '20000')

      const loaded = admin.call('DEBUG', 'RELOAD')
      const outcomes: unknown[] = []
      await until('it says that it loads', async () => {
        outcomes.push(await store.entries.read(entry.id).then((found) => found?.id, String))
        return String(outcomes.at(-1)).includes('LOADING')
      })
      await loaded
      await until('it is told that it is over', () => told.length === 2)

      expect(outcomes).not.toContain(undefined)
      expect(await store.entries.read(entry.id)).toMatchObject({ id: entry.id })
      expect(told[0]).toMatch(/LOADING/)
    })
  },
)

test('a connection of its own reads nothing from a replica, from the start', async () => {
  const { primary, demote, back } = await pair()
  await demote()
  const { store, told } = opened({ url: `redis://127.0.0.1:${primary.port}` })

  await expect(store.entries.read(make.entry().id)).rejects.toMatchObject(refused('READONLY'))
  await back()
  await until('it is told that it is over', () => told.length === 2)

  expect(await store.entries.write(make.entry())).toBe('written')
})

test('a demotion is noticed within seconds where nobody writes', async () => {
  const { primary, demote } = await pair()
  const { store, told } = opened({ url: `redis://127.0.0.1:${primary.port}` })
  const entry = make.entry()
  await store.entries.write(entry)
  store.onRollback?.(() => {})

  await demote()
  await until('it is told', () => told.length > 0)

  expect(told[0]).toMatch(/READONLY/)
  await expect(store.entries.read(entry.id)).rejects.toMatchObject(refused('READONLY'))
})

test('one mark in two seconds is shared by all, until something fails', async () => {
  const { admin, port } = await server()
  const { store } = opened({ url: `redis://127.0.0.1:${port}` })
  const marks = async (): Promise<number> =>
    Number(/cmdstat_set:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0)

  for (let i = 0; i < 20; i++) await Promise.all([store.proveWritable?.(), store.proveWritable?.()])
  expect(await marks()).toBe(1)
  await admin.config('SET', 'min-replicas-to-write', '1')
  await expect(store.entries.write(make.entry())).rejects.toMatchObject(refused('NOREPLICAS'))

  await expect(store.proveWritable?.()).rejects.toMatchObject(refused('NOREPLICAS'))
})

test.each([
  [
    'READONLY You can’t write against a read only replica. script: abc, on @user_script:7.',
    'READONLY',
  ],
  [
    'ERR Error running script (call to f_ab): @user_script:7: -READONLY You can’t write',
    'READONLY',
  ],
  ['-MASTERDOWN Link with MASTER is down', 'MASTERDOWN'],
  ['CLUSTERDOWN The cluster is down', 'CLUSTERDOWN'],
  ['OOM command not allowed when used memory > ‘maxmemory’.', 'OOM'],
  ['WRONGTYPE Operation against a key', undefined],
  ['ERR value is not an integer: -7', undefined],
  ['constructor of it', undefined],
])('%s', (message, kind) => {
  expect(refusalOf(new Error(message))?.kind).toBe(kind)
})

test('after a demotion the name is resolved anew, and the new master is used', async () => {
  const { primary, demote, promoted } = await pair()
  const front = createServer((socket) => {
    const behind = connect(promoted.port, '127.0.0.1')
    socket.pipe(behind).pipe(socket)
    for (const one of [socket, behind]) one.on('error', () => {})
  })
  await new Promise<void>((resolve) => front.listen(primary.port, '127.0.0.2', resolve))
  onTestFinished(() => void front.close())
  let address = '127.0.0.1'
  const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((
    _name: string,
    { all }: { readonly all?: boolean },
    done: (error: null, found: unknown, family?: number) => void,
  ) => {
    if (all) done(null, [{ address, family: 4 }])
    else done(null, address, 4)
  }) as typeof dns.lookup)
  onTestFinished(() => lookup.mockRestore())
  const { store, told } = opened({ url: `redis://redis.test:${primary.port}` })
  const entry = make.entry()
  await store.entries.write(entry)

  await demote()
  address = '127.0.0.2'
  const outcome = (): Promise<unknown> =>
    store.entries.write(nextOf(entry, make.bytes())).catch((error) => error.code)
  const outcomes: unknown[] = []
  await until('the new master is written to', async () => {
    outcomes.push(await outcome())
    return outcomes.at(-1) === 'written'
  })

  expect(new Set(outcomes)).toEqual(new Set(['store_unavailable', 'written']))
  expect(await promoted.admin.keys('hf:s*')).toHaveLength(1)
  expect(told).toHaveLength(2)
})

test('a Cluster whose slots are not all served is an outage that is told once', async () => {
  const cluster = await startCluster()
  onTestFinished(() => cluster.close())
  const { ports } = cluster
  const client = new Cluster(
    ports.map((port) => ({ host: '127.0.0.1', port })),
    { clusterRetryStrategy: () => 50, retryDelayOnClusterDown: 20 },
  )
  client.on('error', () => {})
  onTestFinished(() => client.disconnect())
  const { store, told } = opened({ client })
  const entry = make.entry()
  await store.entries.write(entry)
  const admins = ports.map((port) => new Redis({ port }))
  onTestFinished(() => {
    for (const admin of admins) admin.disconnect()
  })
  // A slot in which no session is: still nothing is served without it.
  const slot = 16_383
  const each = (...words: string[]): Promise<unknown> =>
    Promise.all(admins.map((admin) => admin.call('CLUSTER', ...words).catch(() => {})))

  await each('DELSLOTS', String(slot))
  await until('it is noticed', () =>
    store.entries.read(entry.id).then(
      () => false,
      (error) => String(error).includes('CLUSTERDOWN'),
    ),
  )
  await admins[2]?.call('CLUSTER', 'ADDSLOTS', slot)
  await until('it works again', () =>
    store.entries.read(entry.id).then(
      (found) => found?.id === entry.id,
      () => false,
    ),
  )
  await until('every partition takes writes', async () =>
    store.proveWritable?.().then(
      () => true,
      () => false,
    ),
  )

  expect(told).toEqual([
    expect.stringMatching(/^Redis refuses writes \(CLUSTERDOWN\): .*slots.*fail over/),
    expect.stringMatching(/^Redis takes writes again/),
  ])
})
