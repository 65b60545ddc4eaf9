import dns from 'node:dns'
import { writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { newKeyring } from 'holdfast'
import { formatKeyring } from 'holdfast/maintenance'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test, vi } from 'vitest'
import { faultProxy } from '../../../holdfast/test/support/fault-proxy.ts'
import {
  type RedisServer,
  startRedis,
  startSentinel,
} from '../../../holdfast/test/support/redis.ts'
import { until } from '../../../holdfast/test/support/until.ts'
import {
  isConnectedTo,
  keepGoing,
  redisClients,
  renew,
  watchSentinels,
} from '../../src/main/redis-clients.ts'
import { atHome, configOf, folder, LOGIN, type Running, running } from '../support.ts'

async function overRedis(
  store = (port: number) => `redis://127.0.0.1:${port}`,
  timeout = '1s',
): Promise<{ run: Running; redis: RedisServer; token: string }> {
  const redis = await startRedis()
  onTestFinished(() => redis.close())
  const ring = join(folder(), 'ring.json')
  writeFileSync(ring, formatKeyring(newKeyring()), { mode: 0o600 })
  const run = await running({
    HOLDFAST_STORE: store(redis.port),
    HOLDFAST_STORE_TIMEOUT: timeout,
    HOLDFAST_KEYRING: ring,
  })
  await readyIs(run, 200)
  const created = await run.call('POST', '/v1/sessions', { body: { ...LOGIN, request: atHome() } })
  const { token } = await created.json()
  return { run, redis, token }
}

/** What `/readyz` says, once it answers with the status. */
async function readyIs(run: Running, status: number): Promise<string> {
  return until(`/readyz answers ${status}`, async () => {
    const answer = await fetch(`${run.service.managementUrl}/readyz`)
    const text = await answer.text()
    return answer.status === status && text
  })
}

test('Redis that hangs is 503 in time, never a refusal, and recovers by itself', async () => {
  const { run, redis, token } = await overRedis()
  const verify = (): Promise<Response> =>
    run.call('POST', '/v1/verify', { body: { token, request: atHome() } })

  redis.pause()
  const [hung, ready] = await Promise.all([verify(), fetch(`${run.service.managementUrl}/readyz`)])
  const problem = await hung.json()
  redis.resume()
  await readyIs(run, 200)
  const after = await verify()

  expect([hung.status, problem.code]).toEqual([503, 'store_unavailable'])
  expect(hung.headers.get('retry-after')).toBe('1')
  expect(problem).not.toHaveProperty('cookie')
  expect(ready.status).toBe(503)
  expect(await after.json()).toMatchObject({ ok: true })
})

test('a connection to Redis that is gone without a word is made anew', async () => {
  const line = await faultProxy()
  const { run, token } = await overRedis((port) => {
    line.lead(port)
    return `redis://127.0.0.1:${line.port}`
  }, '200ms')
  onTestFinished(() => line.close())
  const verify = (): Promise<Response> =>
    run.call('POST', '/v1/verify', { body: { token, request: atHome() } })

  line.weather({ kind: 'silent' })
  const silent = await verify()
  line.weather({ kind: 'clear' })
  const answer = await until('it is made anew', async () => {
    const again = await verify()
    return again.status === 200 && again.json()
  })

  expect(silent.status).toBe(503)
  expect(answer).toMatchObject({ ok: true })
})

test('while Redis is away the service is not ready and confirms no logout', async () => {
  const { run, redis, token } = await overRedis()

  await redis.stop()
  const logout = await run.call('POST', '/v1/logout', { body: { token } })
  const why = await readyIs(run, 503)
  const alive = await fetch(`${run.service.managementUrl}/livez`)
  await until('the log says that Redis is away', () => run.log().includes('cannot be reached'))
  await redis.restart()
  await readyIs(run, 200)
  const again = await run.call('POST', '/v1/sessions', { body: { ...LOGIN, request: atHome() } })

  expect(logout.status).toBe(503)
  expect(alive.status).toBe(200)
  expect(again.status).toBe(201)
  expect(why).toContain(`redis://127.0.0.1:${redis.port}/0`)
  await until('the log says that Redis is back', () => run.log().includes('reached again'))
  expect(run.log().match(/Redis cannot be reached/g)).toHaveLength(1)
})

test('a Redis that is away at the start is named with the cause, without a password', async () => {
  const redis = await startRedis(['--requirepass', 'sesame'])
  onTestFinished(() => redis.close())
  await redis.stop()
  const ring = join(folder(), 'ring.json')
  writeFileSync(ring, formatKeyring(newKeyring()), { mode: 0o600 })
  const run = await running({
    HOLDFAST_STORE: `redis://:sesame@127.0.0.1:${redis.port}`,
    HOLDFAST_STORE_TIMEOUT: '300ms',
    HOLDFAST_KEYRING: ring,
  })

  const why = await readyIs(run, 503)
  await redis.restart()
  await readyIs(run, 200)

  expect(why).toMatch(new RegExp(`ECONNREFUSED 127\\.0\\.0\\.1:${redis.port}`))
  expect(why + run.log()).not.toContain('sesame')
})

test('while the master is demoted in place, logins and logouts are 503', async () => {
  const { run, redis, token } = await overRedis()
  const replica = await startRedis(['--replicaof', '127.0.0.1', String(redis.port)])
  onTestFinished(() => replica.close())
  const [admin, other] = [redis, replica].map(({ port }) => new Redis({ port }))
  onTestFinished(() => [admin, other].forEach((client) => void client?.disconnect()))
  const follows = async (client?: Redis): Promise<boolean> =>
    String(await client?.info('replication')).includes('master_link_status:up')
  await until('the replica follows', () => follows(other))
  const login = (): Promise<Response> =>
    run.call('POST', '/v1/sessions', { body: { ...LOGIN, request: atHome() } })
  const logout = (): Promise<Response> => run.call('POST', '/v1/logout', { body: { token } })
  const verify = (): Promise<Response> =>
    run.call('POST', '/v1/verify', { body: { token, request: atHome() } })

  await other?.call('REPLICAOF', 'NO', 'ONE')
  await admin?.call('REPLICAOF', '127.0.0.1', String(replica.port))
  await until('the master is a replica', () => follows(admin))
  const why = await readyIs(run, 503)
  const during = await Promise.all([login(), logout(), verify()])
  await admin?.call('REPLICAOF', 'NO', 'ONE')
  await readyIs(run, 200)

  expect(why).toMatch(/READONLY.*replica/)
  for (const answer of during) {
    expect([answer.status, (await answer.json()).code]).toEqual([503, 'store_unavailable'])
    expect(answer.headers.get('set-cookie')).toBeNull()
  }
  expect((await (await verify()).json()).ok).toBe(true)
  expect((await login()).status).toBe(201)
  expect((await logout()).status).toBe(204)
  expect((await (await verify()).json()).ok).toBe(false)
  expect(run.log().match(/Redis refuses writes \(READONLY\)/g)).toHaveLength(1)
  expect(run.log().match(/Redis takes writes again/g)).toHaveLength(1)
})

test('after a demotion the name is resolved anew, without a restart', async () => {
  const [first, second] = [await startRedis(), await startRedis()]
  for (const one of [first, second]) onTestFinished(() => one.close())
  const front = createServer((socket) => {
    const behind = connect(second.port, '127.0.0.1')
    socket.pipe(behind).pipe(socket)
    for (const one of [socket, behind]) one.on('error', () => {})
  })
  await new Promise<void>((resolve) => front.listen(first.port, '127.0.0.2', resolve))
  onTestFinished(() => void front.close())
  let address = '127.0.0.1'
  const real = dns.lookup
  const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((
    name: string,
    options: { readonly all?: boolean },
    done: (error: null, found: unknown, family?: number) => void,
  ) => {
    if (name !== 'redis.test') return real(name, options as object, done as () => void)
    if (options.all) done(null, [{ address, family: 4 }])
    else done(null, address, 4)
  }) as typeof dns.lookup)
  onTestFinished(() => lookup.mockRestore())
  const { run } = await overRedis(() => `redis://redis.test:${first.port}`)
  const admin = new Redis({ port: first.port })
  onTestFinished(() => admin.disconnect())

  await admin.call('REPLICAOF', '127.0.0.1', String(second.port))
  await readyIs(run, 503)
  address = '127.0.0.2'
  await readyIs(run, 200)

  const login = await run.call('POST', '/v1/sessions', { body: { ...LOGIN, request: atHome() } })
  expect(login.status).toBe(201)
})

test('any Sentinel tells that the master was replaced, also after its restart', async () => {
  // What watches speaks no more of the protocol than subscribing, which every server does.
  const servers = [await startRedis(), await startRedis()]
  onTestFinished(async () => {
    await Promise.all(servers.map((server) => server.close()))
  })
  const hosts = servers.map(({ port }) => `127.0.0.1:${port}`).join(',')
  const config = configOf({
    HOLDFAST_STORE: `redis+sentinel://${hosts}/main`,
    HOLDFAST_KEYRING: 'x',
  })
  if (config.store.kind !== 'redis') throw new Error('It is Redis.')
  const replaced: number[] = []
  const unwatch = watchSentinels(config.store, config, ({ port }) => void replaced.push(port))
  onTestFinished(unwatch)
  async function tell(port: number, name: string): Promise<void> {
    const sentinel = new Redis({ port })
    await until('somebody listens', async () => {
      const words = `${name} 127.0.0.1 6379 127.0.0.1 6380`
      return (await sentinel.publish('+switch-master', words)) > 0
    })
    sentinel.disconnect()
  }
  const [first, second] = servers.map(({ port }) => port)

  await tell(first ?? 0, 'main')
  await until('it is heard', () => replaced.length === 1)
  await servers[1]?.restart()
  await tell(second ?? 0, 'other')
  await tell(second ?? 0, 'main')
  await until('it is heard again', () => replaced.length === 2)
  expect(replaced).toEqual([6380, 6380])
})

test('who is connected to the new master already stays so', async () => {
  const [master, other] = [await startRedis(), await startRedis()]
  const client = new Redis({ port: master.port, host: '127.0.0.1' })
  onTestFinished(async () => {
    client.disconnect()
    await Promise.all([master.close(), other.close()])
  })
  await client.ping()

  expect(isConnectedTo(client, { host: '127.0.0.1', port: master.port })).toBe(true)
  expect(isConnectedTo(client, { host: '127.0.0.1', port: other.port })).toBe(false)
  expect(isConnectedTo(client, { host: 'redis.example', port: master.port })).toBe(false)
})

test('a client that is told to connect anew while it asks a Sentinel goes on', async () => {
  const watched = await startSentinel()
  const line = await faultProxy()
  line.lead(watched.port)
  line.weather({ kind: 'silent' })
  const address = `redis+sentinel://127.0.0.1:${line.port}/main`
  const config = configOf({ HOLDFAST_STORE: address, HOLDFAST_KEYRING: 'x' })
  if (config.store.kind !== 'redis') throw new Error('It is Redis.')
  const client = redisClients(config.store, config, () => {})('commands')
  client.on('error', () => {})
  onTestFinished(async () => {
    client.disconnect()
    await line.close()
    await watched.close()
  })
  await until('it asks', () => client.status === 'connecting')

  renew(client)
  line.weather({ kind: 'clear' })

  await until('it is connected', () => client.status === 'ready')
})

test('a client that has given up begins again, until it is let go', async () => {
  const redis = await startRedis()
  const client = new Redis({ port: redis.port, host: '127.0.0.1' })
  const rest = keepGoing(client)
  onTestFinished(async () => {
    client.disconnect()
    await redis.close()
  })
  await client.ping()

  client.disconnect()
  await until('it is back', () => client.status === 'ready')
  rest()
  client.disconnect()
  await until('it has ended', () => client.status === 'end')
})
