import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { newKeyring } from 'holdfast'
import { formatKeyring } from 'holdfast/maintenance'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { startCluster, startRedis, startSentinel } from '../../../holdfast/test/support/redis.ts'
import { until } from '../../../holdfast/test/support/until.ts'
import { atHome, folder, LOGIN, type Running, running } from '../support.ts'

const SUBJECTS = ['ada', 'bob', 'cleo', 'dan', 'eve', 'fay', 'gus', 'hal']

async function service(store: string, env: Record<string, string> = {}): Promise<Running> {
  const ring = join(folder(), 'ring.json')
  writeFileSync(ring, formatKeyring(newKeyring()), { mode: 0o600 })
  const run = await running({
    HOLDFAST_STORE: store,
    HOLDFAST_STORE_TIMEOUT: '5s',
    HOLDFAST_KEYRING: ring,
    ...env,
  })
  await until('/readyz answers 200', async () => {
    return (await fetch(`${run.service.managementUrl}/readyz`)).status === 200
  })
  return run
}

/** The life of a session, for people of several partitions. */
async function works({ call }: Running): Promise<void> {
  for (const subject of SUBJECTS) {
    const login = { ...LOGIN, subject, request: atHome() }
    const created = await call('POST', '/v1/sessions', { body: login })
    expect([subject, created.status]).toEqual([subject, 201])
    const { token } = await created.json()
    const verify = async (): Promise<unknown> =>
      (await call('POST', '/v1/verify', { body: { token, request: atHome() } })).json()
    expect(await verify()).toMatchObject({ ok: true })
    expect((await call('POST', '/v1/logout', { body: { token } })).status).toBe(204)
    expect(await verify()).toMatchObject({ ok: false })
  }
}

test('on a Cluster everybody logs in', async () => {
  const cluster = await startCluster()
  onTestFinished(() => cluster.close())
  const hosts = cluster.ports.map((port) => `127.0.0.1:${port}`).join(',')

  await works(await service(`redis+cluster://${hosts}`))
})

test('a Cluster that is named as one server is refused at the start, with the mend', async () => {
  const cluster = await startCluster()
  onTestFinished(() => cluster.close())

  await expect(service(`redis://127.0.0.1:${cluster.ports[0]}`)).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining('redis+cluster://'),
  })
})

test('behind Sentinels with a password of their own, also after a fail-over', async () => {
  const password = 'p@ss/word'
  const watched = await startSentinel({ password, sentinelPassword: 'another' })
  onTestFinished(() => watched.close())
  const secret = join(folder(), 'password')
  writeFileSync(secret, `${password}\n`)
  const run = await service(`redis+sentinel://127.0.0.1:${watched.port}/main`, {
    HOLDFAST_STORE_PASSWORD_FILE: secret,
    HOLDFAST_STORE_SENTINEL_PASSWORD: 'another',
    HOLDFAST_STORE_TIMEOUT: '1s',
  })
  await works(run)

  await watched.killMaster()
  const lost = await run.call('POST', '/v1/sessions', { body: { ...LOGIN, request: atHome() } })
  await watched.failOver()
  await until('/readyz answers 200', async () => {
    return (await fetch(`${run.service.managementUrl}/readyz`)).status === 200
  })

  expect(lost.status).toBe(503)
  await works(run)
})

test('over a socket, with a prefix, without wake-ups', async () => {
  const path = join(folder(), 'r.sock')
  const redis = await startRedis(['--unixsocket', path])
  onTestFinished(() => redis.close())
  const client = new Redis({ port: redis.port, db: 3 })
  onTestFinished(() => client.disconnect())

  const run = await service(`unix:${path}?db=3`, {
    HOLDFAST_STORE_PREFIX: 'mine:',
    HOLDFAST_STORE_WAKE_UPS: 'false',
  })
  await works(run)

  expect(existsSync(path)).toBe(true)
  const keys = await client.keys('*')
  expect(keys.length).toBeGreaterThan(10)
  for (const key of keys) expect(key).toMatch(/^mine:/)
  expect(await client.pubsub('CHANNELS')).toEqual([])
})

test('an evicting Redis is refused by the name of the setting that accepts it', async () => {
  const redis = await startRedis(['--maxmemory-policy', 'allkeys-lru'])
  onTestFinished(() => redis.close())
  const address = `redis://127.0.0.1:${redis.port}`

  await expect(service(address)).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining('allowEviction'),
  })
  const accepted = await service(address, { HOLDFAST_ALLOW_EVICTION: 'true' })

  await works(accepted)
  expect(accepted.log().match(/allowEviction accepts it/g)).toHaveLength(1)
})

test('over TLS to a Redis that asks for a certificate, as a user of its own', async () => {
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder(), name))
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-days', '2', '-keyout', String(key), '-out', String(cert)],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
    ],
    { stdio: 'ignore' },
  )
  const port = await freePort()
  const redis = await startRedis([
    ...['--tls-port', String(port), '--tls-auth-clients', 'yes', '--tls-ca-cert-file', `${cert}`],
    ...['--tls-cert-file', String(cert), '--tls-key-file', String(key)],
  ])
  onTestFinished(() => redis.close())
  const admin = new Redis({ port: redis.port })
  onTestFinished(() => admin.disconnect())
  await admin.call('ACL', 'SETUSER', 'a@b', 'on', '>p:w/d', '~*', '&*', '+@all')

  await works(
    await service(`valkeys://localhost:${port}`, {
      HOLDFAST_STORE_USER: 'a@b',
      HOLDFAST_STORE_PASSWORD: 'p:w/d',
      HOLDFAST_STORE_CA: String(cert),
      HOLDFAST_STORE_CERTIFICATE: String(cert),
      HOLDFAST_STORE_CERTIFICATE_KEY: String(key),
    }),
  )
})

test('an LMDB folder where none can be made is refused in time', async () => {
  for (const path of ['/proc/x', '/proc/a/b']) {
    await expect(running({ HOLDFAST_STORE: `lmdb:${path}` })).rejects.toMatchObject({
      code: 'config_invalid',
    })
  }
})

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise<void>((resolve) => probe.close(() => resolve()))
  return typeof address === 'object' && address !== null ? address.port : 0
}
