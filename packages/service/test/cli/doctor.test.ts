import { chmodSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { newKeyring, systemHost } from 'holdfast'
import { formatKeyring } from 'holdfast/maintenance'
import { formatSigningKeys, newSigningKeys } from 'holdfast/tokens'
import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { mmdbWriter } from '../../../../tools/mmdb-writer.mjs'
import { startCluster, startRedis, startSentinel } from '../../../holdfast/test/support/redis.ts'
import { until } from '../../../holdfast/test/support/until.ts'
import { examine } from '../../src/doctor/examine.ts'
import { configOf, folder, KEYS, running } from '../support.ts'
import { holdfast } from './holdfast.ts'

const API_KEYS = `shop:app+gate+audit:${KEYS.all}`
const DAY_MS = 86_400_000

/** A key ring of its own, for this user alone. */
function ringFile(at = Date.now()): string {
  const path = join(folder(), 'ring.json')
  const ring = newKeyring({ ...systemHost(), now: () => at })
  writeFileSync(path, formatKeyring(ring), { mode: 0o600 })
  return path
}

/** A management listener that says what the test wants. */
async function managed(status: number, text = 'ready\n'): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end(text))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** An installation without a fault, but for `env`. */
async function installation(env: Record<string, string> = {}): Promise<Record<string, string>> {
  return {
    HOLDFAST_API_KEYS: API_KEYS,
    HOLDFAST_KEYRING: ringFile(),
    HOLDFAST_STORE: `lmdb:${join(folder(), 'store')}`,
    HOLDFAST_MANAGEMENT_LISTEN: await managed(200),
    ...env,
  }
}

async function redis(): Promise<{ readonly port: number; readonly admin: Redis }> {
  const server = await startRedis()
  const admin = new Redis({ port: server.port })
  onTestFinished(async () => {
    admin.disconnect()
    await server.close()
  })
  return { port: server.port, admin }
}

async function cluster(): Promise<{ readonly address: string; readonly second: Redis }> {
  const { ports, close } = await startCluster()
  const second = new Redis({ port: ports[1] ?? 0 })
  onTestFinished(async () => {
    second.disconnect()
    await close()
  })
  const hosts = ports.map((port) => `127.0.0.1:${port}`).join(',')
  return { address: `redis+cluster://${hosts}`, second }
}

async function sentinel(): Promise<{ readonly host: string; readonly admin: Redis }> {
  const { port, close } = await startSentinel()
  const admin = new Redis({ port })
  onTestFinished(async () => {
    admin.disconnect()
    await close()
  })
  return { host: `127.0.0.1:${port}`, admin }
}

/** What is found, with the mend behind it. */
async function found(env: Record<string, string>, now?: () => number): Promise<string> {
  const findings = await examine({ env }, now)
  return findings.map((one) => `${one.level} ${one.check}: ${one.finding}. ${one.mend}`).join('\n')
}

function cityFile(): string {
  const path = join(folder(), 'city.mmdb')
  const writer = mmdbWriter({ type: 'City' })
  writer.add({ words: [0xcb00_7100], bits: 24 }, { country_code: 'NO' })
  writeFileSync(path, writer.finish())
  return path
}

type Planted = () => Promise<Record<string, string>>

/** Each plants one fault; what is said has to name it, and its mend. */
const FAULTS: readonly (readonly [string, Planted, RegExp])[] = [
  [
    'a setting that is misspelt',
    () => installation({ HOLDFAST_IDEL_TIMEOUT: '2h' }),
    /^fault configuration: HOLDFAST_IDEL_TIMEOUT .*idle/im,
  ],
  [
    'an API on all addresses',
    () => installation({ HOLDFAST_LISTEN: '0.0.0.0:4600' }),
    /^warning network: HOLDFAST_LISTEN listens on all addresses.*Name one address/m,
  ],
  [
    'metrics on all addresses',
    async () => {
      const [, port] = (await managed(200)).split(':')
      return installation({ HOLDFAST_MANAGEMENT_LISTEN: `0.0.0.0:${port}` })
    },
    /^warning network: HOLDFAST_MANAGEMENT_LISTEN listens .*only the monitoring/m,
  ],
  [
    'a gate on all addresses without peers',
    () => installation({ HOLDFAST_GATE_LISTEN: '0.0.0.0:4602' }),
    /^warning network: HOLDFAST_GATE_LISTEN .*gatePeers names nobody.*gatePeers: \[/m,
  ],
  [
    'an origin without TLS',
    () => installation({ HOLDFAST_ORIGINS: 'https://a.example,http://shop.example' }),
    /^warning network: HOLDFAST_ORIGINS names http:\/\/shop\.example.*Write https/m,
  ],
  [
    'sessions of ten years',
    () => installation({ HOLDFAST_ABSOLUTE_TIMEOUT: '3650d' }),
    /^warning network: HOLDFAST_ABSOLUTE_TIMEOUT .*400 days.*Shorten it/m,
  ],
  [
    'a password of Redis in clear text',
    () => installation({ HOLDFAST_STORE: 'redis://:secret@192.0.2.1:6379', ...QUICK }),
    /^warning network: HOLDFAST_STORE sends the password .*rediss:\/\//m,
  ],
  [
    'a store that cannot be written',
    async () => {
      const file = join(folder(), 'file')
      writeFileSync(file, '')
      return installation({ HOLDFAST_STORE: `lmdb:${join(file, 'store')}` })
    },
    /^fault store: .* cannot be written.*Name a folder/m,
  ],
  [
    'a Redis that is not there',
    () => installation({ HOLDFAST_STORE: 'redis://127.0.0.1:1', ...QUICK }),
    /^fault store: Redis cannot be reached: .*ECONNREFUSED.*start Redis/m,
  ],
  [
    'a password that Redis does not know',
    async () => {
      const { port, admin } = await redis()
      await admin.config('SET', 'requirepass', 'right')
      return installation({ HOLDFAST_STORE: `redis://:wrong@127.0.0.1:${port}`, ...QUICK })
    },
    /^fault store: Redis does not let us in: WRONGPASS.*storePassword/m,
  ],
  [
    'a user of Redis with too few rights',
    async () => {
      const { port, admin } = await redis()
      const rights = ['~hf:*', '&*', '+@read', '+info', '+ping', '+time', '-@scripting']
      await admin.call('ACL', 'SETUSER', 'poor', 'on', '>pw', ...rights)
      return installation({ HOLDFAST_STORE: `redis://poor:pw@127.0.0.1:${port}`, ...QUICK })
    },
    /^fault store rights: .*NOPERM.*\+@read \+@write -@dangerous \+@scripting/m,
  ],
  [
    'a replica in the place of the primary',
    async () => {
      const [primary, replica] = [await redis(), await redis()]
      await replica.admin.replicaof('127.0.0.1', primary.port)
      return installation({ HOLDFAST_STORE: `redis://127.0.0.1:${replica.port}`, ...QUICK })
    },
    /^fault store writes: .*READONLY.*Name the primary/m,
  ],
  [
    'a Redis that evicts keys',
    async () => {
      const { port, admin } = await redis()
      await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
      return installation({ HOLDFAST_STORE: `redis://127.0.0.1:${port}` })
    },
    /^fault store eviction: .*allkeys-lru.*maxmemory-policy noeviction/m,
  ],
  [
    'a Redis that writes nothing to its disk',
    async () => {
      const { port, admin } = await redis()
      await admin.config('SET', 'appendonly', 'no')
      return installation({ HOLDFAST_STORE: `redis://127.0.0.1:${port}` })
    },
    /^warning store persistence: .*appendonly yes/m,
  ],
  [
    'a master that goes on alone',
    async () => {
      const [primary, replica] = [await redis(), await redis()]
      await replica.admin.replicaof('127.0.0.1', primary.port)
      await until('it follows', async () =>
        String(await primary.admin.info('replication')).includes('connected_slaves:1'),
      )
      return installation({ HOLDFAST_STORE: `redis://127.0.0.1:${primary.port}` })
    },
    /^warning store replicas: .*lost later.*min-replicas-to-write 1/m,
  ],
  [
    'a single Sentinel',
    async () => {
      const { host } = await sentinel()
      const hosts = `${host},127.0.0.1:1`
      return installation({ HOLDFAST_STORE: `redis+sentinel://${hosts}/main`, ...QUICK })
    },
    /^warning store sentinels: 1 of 3 Sentinels watch "main".*at least 3/m,
  ],
  [
    'a Sentinel that is away',
    async () => {
      const { host } = await sentinel()
      const hosts = `${host},127.0.0.1:1`
      return installation({ HOLDFAST_STORE: `redis+sentinel://${hosts}/main`, ...QUICK })
    },
    /^warning store sentinels: the Sentinel 127\.0\.0\.1:1 does not answer: .*ECONNREFUSED/m,
  ],
  [
    'Sentinels that cannot decide',
    async () => {
      const { host, admin } = await sentinel()
      await admin.call('SENTINEL', 'SET', 'main', 'quorum', '3')
      return installation({ HOLDFAST_STORE: `redis+sentinel://${host}/main`, ...QUICK })
    },
    /^fault store sentinels: the Sentinels cannot replace the master: NOQUORUM.*Start those/m,
  ],
  [
    'a Cluster without replicas',
    async () => {
      return installation({ HOLDFAST_STORE: (await cluster()).address, ...QUICK })
    },
    /^fault store replicas: a master has no replica.*Start a replica/m,
  ],
  [
    'one node of a Cluster that evicts keys',
    async () => {
      const { address, second } = await cluster()
      await second.config('SET', 'maxmemory-policy', 'allkeys-lru')
      return installation({ HOLDFAST_STORE: address, ...QUICK })
    },
    /^fault store eviction: .*allkeys-lru/m,
  ],
  [
    'the key ring of another store',
    async () => {
      const { port } = await redis()
      const store = { HOLDFAST_STORE: `redis://127.0.0.1:${port}` }
      const run = await running({ ...store, HOLDFAST_KEYRING: ringFile() })
      const request = { ip: '192.0.2.10', method: 'POST', url: '/login', headers: {} }
      await run.call('POST', '/v1/sessions', { body: { subject: 'ada', request } })
      return installation(store)
    },
    /^fault key ring: .*(?:another|other|ring).*Name the ring that this store was made with/m,
  ],
  [
    'a key ring that everybody can read',
    async () => {
      const env = await installation()
      chmodSync(env.HOLDFAST_KEYRING ?? '', 0o644)
      return env
    },
    /^fault key ring: everybody .*chmod 600/m,
  ],
  [
    'a key ring of years ago',
    () => installation({ HOLDFAST_KEYRING: ringFile(Date.now() - 500 * DAY_MS) }),
    /^warning key ring: its key seals for 500 days.*holdfast keys rotate/m,
  ],
  [
    'a signing key of months ago',
    async () => {
      const path = join(folder(), 'signing.json')
      const keys = newSigningKeys({ host: { now: () => Date.now() - 200 * DAY_MS } })
      writeFileSync(path, formatSigningKeys(keys), { mode: 0o600 })
      return installation({ HOLDFAST_SIGNING_KEYS: path, HOLDFAST_AUDIENCES: '{ app: {} }' })
    },
    /^warning signing keys: the key for EdDSA signs for 200 days.*holdfast keys rotate/m,
  ],
  ['no geo data', () => installation(), /^warning geo data: .*not judged.*holdfast geo update/m],
  [
    'a service that does not run',
    () => installation({ HOLDFAST_MANAGEMENT_LISTEN: '127.0.0.1:1' }),
    /^fault running: no service answers .*holdfast serve/m,
  ],
  [
    'a service that is not ready',
    async () => installation({ HOLDFAST_MANAGEMENT_LISTEN: await managed(503, 'not ready\n') }),
    /^fault ready: .*not ready.*log of the service/m,
  ],
  [
    'a warning of the service',
    async () =>
      installation({ HOLDFAST_MANAGEMENT_LISTEN: await managed(200, 'ready\nwarning: odd\n') }),
    /^warning ready: odd\./m,
  ],
]

const QUICK = { HOLDFAST_STORE_TIMEOUT: '500ms' }

describe('the doctor', () => {
  test.each(FAULTS)('finds %s, and names the mend', async (_, plant, expected) => {
    expect(await found(await plant())).toMatch(expected)
  })

  test('finds a clock that is off', async () => {
    const { port } = await redis()
    const env = await installation({ HOLDFAST_STORE: `redis://127.0.0.1:${port}` })

    // It stands: one that goes on is off by half of the time that the answer takes.
    const ahead = Date.now() + 60_000
    const said = await found(env, () => ahead)

    expect(said).toMatch(/^fault clock: .*(?:60000|5\d{4}) ms behind this one\. Run chrony/m)
  })

  test('finds geo data that is old', async () => {
    const file = cityFile()
    const then = new Date(Date.now() - 90 * DAY_MS)
    utimesSync(file, then, then)

    const said = await found(await installation({ HOLDFAST_GEO_CITY: file }))

    expect(said).toMatch(/^warning geo data: it is 90 days old\. Run "holdfast geo update"/m)
  })

  test('finds nothing but what is missing where nothing is wrong', async () => {
    const { port, admin } = await redis()
    await admin.config('SET', 'appendonly', 'yes')
    const env = await installation({ HOLDFAST_STORE: `redis://127.0.0.1:${port}` })

    const { code, out } = await holdfast('doctor', env)
    const json = await holdfast('doctor --json', env)

    expect(out).toMatch(/^warning: geo data: .*\n0 faults, 1 warnings\.\n$/)
    expect(code).toBe(0)
    expect(JSON.parse(json.out)).toMatchObject({ ok: true, findings: [{ check: 'geo data' }] })
    expect(await admin.keys('*doctor*')).toHaveLength(1)
  })

  test('says by its exit code that there is a fault, and no secret of the address', async () => {
    const env = await installation({ HOLDFAST_STORE: 'redis://:sesame@127.0.0.1:1', ...QUICK })

    const { code, out, err } = await holdfast('doctor', env)

    expect(code).toBe(1)
    expect(out + err).not.toContain('sesame')
  })
})

describe('how a request arrives', () => {
  test('is told with whose word counted, and whose not', async () => {
    const run = await running({
      HOLDFAST_TRUSTED_PROXIES: '127.0.0.1',
      HOLDFAST_ADDRESS_HEADER: 'cf-connecting-ip',
    })
    const headers = { 'cf-connecting-ip': '203.0.113.7', 'x-forwarded-for': '198.51.100.1' }

    const answer = await run.call('GET', '/v1/request', { headers })

    expect(await answer.json()).toEqual({
      peer: '127.0.0.1',
      peerTrusted: true,
      address: '203.0.113.7',
      headers: [
        { name: 'x-forwarded-for', value: '198.51.100.1', believed: false },
        { name: 'cf-connecting-ip', value: '203.0.113.7', believed: true },
      ],
    })
  })

  test('a header of somebody who is no proxy is ignored, and the mend is named', async () => {
    const run = await running()
    const server = createServer((request, response) => {
      const headers = { authorization: request.headers.authorization ?? '' }
      const forwarded = { ...headers, 'x-forwarded-for': '203.0.113.7' }
      void fetch(`${run.service.url}${request.url}`, { headers: forwarded }).then(async (answer) =>
        response.writeHead(answer.status).end(await answer.text()),
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

    const { code, out } = await holdfast(`doctor --request --url ${url}`, {
      HOLDFAST_KEY: KEYS.all,
    })
    const nobody = await holdfast(`doctor --request --url ${url}`, { HOLDFAST_KEY: 'wrong-key' })

    expect(code).toBe(0)
    expect(out).toMatch(/^peer: +127\.0\.0\.1, none of the proxies\naddress: 127\.0\.0\.1\n/)
    expect(out).toMatch(/^ignored +x-forwarded-for: 203\.0\.113\.7$/m)
    expect(out).toMatch(/name it in HOLDFAST_TRUSTED_PROXIES/)
    expect(nobody.code).toBe(1)
  })
})

test('config check warns of what is open to the network, and of nothing else', async () => {
  const env = { HOLDFAST_API_KEYS: API_KEYS, HOLDFAST_LISTEN: '[::]:4600' }
  const quiet = configOf()

  const { code, out } = await holdfast('config check', env)
  const json = await holdfast('config check --json', env)

  expect(quiet.listen).toMatchObject({ host: '127.0.0.1' })
  expect(code).toBe(0)
  expect(out).toMatch(/^warning: HOLDFAST_LISTEN listens on all addresses .*\nThe configuration is/)
  expect(JSON.parse(json.out)).toMatchObject({ ok: true, warnings: [{ field: 'HOLDFAST_LISTEN' }] })
})
