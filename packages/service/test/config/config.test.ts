import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatDuration, parseDuration } from 'holdfast/wire'
import { describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { digestOf } from '../../src/config/api-keys.ts'
import { checkConfig, loadConfig } from '../../src/config/load.ts'
import { thresholdsOf } from '../../src/config/policy.ts'
import { printable } from '../../src/config/print.ts'
import type { Problem } from '../../src/config/problem.ts'
import { configReference, EXAMPLE_FILE } from '../../src/config/reference.ts'
import { factsOf, SETTINGS, variableOf } from '../../src/config/schema.ts'
import { formatSize, parseSize } from '../../src/config/size.ts'

const SECRET = 'correct-horse-battery'
const KEYS = `shop:app+gate:${SECRET}`

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'holdfast-config-')), 'holdfast.yaml')
  writeFileSync(path, text)
  return path
}

function problemsOf(sources: { file?: string; env?: Record<string, string> }): readonly Problem[] {
  const checked = checkConfig({ file: sources.file, env: sources.env ?? {} })
  return checked.ok ? [] : checked.problems
}

test('without anything but keys every setting has its documented default', () => {
  const config = loadConfig({ env: { HOLDFAST_API_KEYS: KEYS } })

  expect(config).toMatchObject({
    listen: { host: '127.0.0.1', port: 4600 },
    managementListen: { host: '127.0.0.1', port: 4601 },
    store: { kind: 'lmdb', path: '.holdfast/store' },
    idleTimeout: 7_200_000,
    absoluteTimeout: 86_400_000,
    policy: 'balanced',
    trustedProxies: [],
    geoCity: [],
    apiKeys: [{ name: 'shop', roles: ['app', 'gate'], digest: digestOf(SECRET) }],
  })
})

test('the environment wins over the file', () => {
  const path = file(
    'idleTimeout: 10m\npolicy: strict\napiKeys:\n' +
      `  - { name: a, roles: [app], digest: ${digestOf(SECRET)} }\n`,
  )

  const config = loadConfig({ file: path, env: { HOLDFAST_IDLE_TIMEOUT: '30m' } })

  expect(config.idleTimeout).toBe(30 * 60_000)
  expect(config.policy).toBe('strict')
})

test('a secret may come from a file that a variable names', () => {
  const path = file(`${KEYS}\nops:admin+audit:another-long-secret\n`)

  const config = loadConfig({ env: { HOLDFAST_API_KEYS_FILE: path } })

  expect(config.apiKeys.map(({ name }) => name)).toEqual(['shop', 'ops'])
})

describe('what Kubernetes writes for its Services is no setting', () => {
  const services = [
    'holdfast',
    'holdfast-redis',
    'holdfast-redis-headless',
    'holdfast-postgres',
    'holdfast-gate',
    'holdfast-gate-grpc',
    'holdfast-metrics',
    'holdfast-management',
    'holdfast-listen',
    'holdfast-store',
    'holdfast-key',
    'holdfast-url',
    'holdfast-config',
    'holdfast-login-url',
    'holdfast-keyring',
    'holdfast-policy',
    'holdfast-canary',
    'holdfast-v2',
    'holdfast-eu-west-1',
    'holdfast-session-limit',
    'holdfast-service',
    'holdfast-port',
  ]

  test.each(services)('%s', (service) => {
    const env = { HOLDFAST_API_KEYS: KEYS, HOLDFAST_STORE: 'memory:' }

    const config = loadConfig({ env: { ...env, ...variablesOf(service) } })

    expect(config).toEqual(loadConfig({ env }))
  })

  test('only where name and value both are of that form', () => {
    for (const [name, value] of [
      ['HOLDFAST_PORT', '4600'],
      ['HOLDFAST_SERVICE_HOST', 'holdfast.internal'],
      ['HOLDFAST_SERVICE_PORT', 'http'],
      ['HOLDFAST_REDIS', 'tcp://10.0.0.1:6379'],
    ] as const) {
      const checked = checkConfig({ env: { HOLDFAST_API_KEYS: KEYS, [name]: value } })
      expect(checked.ok ? [] : checked.problems.map(({ field }) => field)).toEqual([name])
    }
  })

  /** As in "Accessing the Service" of the Kubernetes documentation, for two ports. */
  function variablesOf(service: string): Record<string, string> {
    const name = service.toUpperCase().replaceAll('-', '_')
    const variables: Record<string, string> = {
      [`${name}_SERVICE_HOST`]: '10.96.0.11',
      [`${name}_SERVICE_PORT`]: '6379',
      [`${name}_SERVICE_PORT_HTTP`]: '6379',
      [`${name}_SERVICE_PORT_GATE_GRPC`]: '4603',
      [`${name}_PORT`]: 'tcp://10.96.0.11:6379',
    }
    for (const port of ['6379', '4603']) {
      const of = `${name}_PORT_${port}_TCP`
      variables[of] = `tcp://10.96.0.11:${port}`
      variables[`${of}_PROTO`] = 'tcp'
      variables[`${of}_PORT`] = port
      variables[`${of}_ADDR`] = 'fd00:10:96::b'
    }
    return variables
  }
})

test('an empty variable is one that nobody set', () => {
  const env = { HOLDFAST_API_KEYS: KEYS, HOLDFAST_STORE: 'memory:' }
  const empty = Object.fromEntries(
    [...SETTINGS.map(variableOf), 'HOLDFAST_CONFIG', 'HOLDFAST_STORE_FILE', 'HOLDFAST_URL']
      .filter((name) => !(name in env))
      .map((name) => [name, '']),
  )

  expect(loadConfig({ env: { ...env, ...empty } })).toEqual(loadConfig({ env }))
})

test('structured settings come as YAML in one line', () => {
  const config = loadConfig({
    env: {
      HOLDFAST_API_KEYS: KEYS,
      HOLDFAST_TENANTS: '{ acme: { default: { idle: 5m } } }',
      HOLDFAST_GEO_CITY: 'a.mmdb, b.mmdb',
      HOLDFAST_SESSION_LIMIT: '3',
      HOLDFAST_STORE: 'memory:',
      HOLDFAST_LISTEN: '[::1]:0',
    },
  })

  expect(config.tenants.acme?.default?.idle).toBe(300_000)
  expect(config.geoCity).toEqual(['a.mmdb', 'b.mmdb'])
  expect(config.sessionLimit).toBe(3)
  expect(config.listen).toEqual({ host: '::1', port: 0 })
})

test('the audit log is kept for one time, or for a time of each class', () => {
  const keepOf = (text?: string) =>
    loadConfig({
      env: {
        HOLDFAST_API_KEYS: KEYS,
        ...(text === undefined ? {} : { HOLDFAST_AUDIT_KEEP: text }),
      },
    })
  const day = 86_400_000

  expect(keepOf().auditKeep).toEqual(keepOf('400d').auditKeep)
  expect(keepOf('{ session: 90d, account: 3650d }').auditKeep).toEqual({
    ...{ login: 400 * day, session: 90 * day, detection: 400 * day, account: 3_650 * day },
  })
  expect(keepOf('{ default: 30d, login: 2d }').auditKeep.detection).toBe(30 * day)
  expect(printable(keepOf('30d'))).toMatchObject({ auditKeep: '30d' })
  expect(printable(keepOf('{ session: 90d }'))).toMatchObject({
    auditKeep: { login: '400d', session: '90d', detection: '400d', account: '400d' },
  })
})

test('a policy is a name, thresholds, or what these follow from', () => {
  const config = loadConfig({
    file: file('shadowPolicy: { hijacks: 0.0001, missCost: 5000 }\n'),
    env: {
      HOLDFAST_API_KEYS: KEYS,
      HOLDFAST_POLICY: '{ observe: 10, challenge: 20, limit: 40 }',
    },
  })

  expect(config.policy).toEqual({ observe: 10, challenge: 20, limit: 40, revokeForks: false })
  expect(thresholdsOf(config.shadowPolicy ?? 'strict').challenge).toBe(24)
  expect(printable(config)).toMatchObject({
    policy: { observe: 10 },
    shadowPolicy: { hijacks: 0.0001, missCost: 5000 },
  })
})

test('a secret setting that says nothing is shown as it is, and one that does is not', () => {
  const hidden = ['auditOutputs', 'alerts'] as const
  const output = '[{ name: lake, type: https, url: https://lake.example.com }]'

  const bare = printable(loadConfig({ env: { HOLDFAST_API_KEYS: KEYS } }))
  const said = printable(
    loadConfig({ env: { HOLDFAST_API_KEYS: KEYS, HOLDFAST_AUDIT_OUTPUTS: output } }),
  )

  expect(hidden.map((name) => bare[name])).toEqual([[], { targets: {}, routes: [] }])
  expect(said.auditOutputs).toBe('***')
})

describe('audiences of a key', () => {
  const withKey = (audiences: string, more = ''): string =>
    file(
      `${more}apiKeys:\n  - { name: a, roles: [app], digest: ${digestOf(SECRET)}, ` +
        `audiences: ${audiences} }\n`,
    )

  test('are those of the setting, and are shown where the configuration is printed', () => {
    const path = withKey('[billing]', 'audiences: { orders: {}, billing: {} }\n')

    const config = loadConfig({ file: path, env: {} })

    expect(config.apiKeys[0]?.audiences).toEqual(['billing'])
    expect(printable(config).apiKeys).toEqual([
      { name: 'a', roles: ['app'], digest: '***', audiences: ['billing'] },
    ])
  })

  test.each([
    [
      'one that the setting does not name',
      '[billing, order]',
      'audiences: { orders: {}, billing: {} }\n',
      'apiKeys.0.audiences.1',
      'is none of audiences',
      'Name one of orders, billing, or add it to audiences.',
    ],
    [
      'one, and nothing is issued',
      '[orders]',
      '',
      'apiKeys.0.audiences.0',
      'is none of audiences',
      'Name the audience in audiences first.',
    ],
    [
      'none at all',
      '[]',
      'audiences: { orders: {} }\n',
      'apiKeys.0.audiences',
      'must have at least 1 entry',
      /^Write it like: apiKeys: /,
    ],
    [
      'a word where the list belongs',
      'orders',
      'audiences: { orders: {} }\n',
      'apiKeys.0.audiences',
      'must be a list',
      /^Write it like: apiKeys: /,
    ],
  ])('%s: a problem with its field and the mend', (_, own, more, field, problem, fix) => {
    const problems = problemsOf({ file: withKey(own, more) })

    const expected = typeof fix === 'string' ? fix : expect.stringMatching(fix)
    expect(problems).toEqual([{ field, problem, fix: expected }])
  })

  test('that the environment replaces are named by its variable', () => {
    const path = withKey('[orders]', 'audiences: { orders: {} }\n')

    const problems = problemsOf({ file: path, env: { HOLDFAST_AUDIENCES: '{ billing: {} }' } })

    expect(problems).toMatchObject([
      { problem: 'is none of HOLDFAST_AUDIENCES', fix: expect.stringContaining('billing') },
    ])
  })

  test('misspelt are told what was meant', () => {
    const path = file(
      `apiKeys:\n  - { name: a, roles: [app], digest: ${digestOf(SECRET)}, audience: [x] }\n`,
    )

    expect(problemsOf({ file: path })).toMatchObject([
      { field: 'apiKeys.0.audience', fix: 'Did you mean "audiences"?' },
    ])
  })
})

describe('a problem names its field and how to fix it', () => {
  const cases: readonly (readonly [string, Record<string, string>, string, RegExp])[] = [
    [
      'unknown variable',
      { HOLDFAST_IDEL_TIMEOUT: '2h' },
      'HOLDFAST_IDEL_TIMEOUT',
      /HOLDFAST_IDLE_TIMEOUT/,
    ],
    ['duration without a unit', { HOLDFAST_IDLE_TIMEOUT: '7200' }, 'HOLDFAST_IDLE_TIMEOUT', /2h/],
    ['duration of nothing', { HOLDFAST_IDLE_TIMEOUT: '0s' }, 'HOLDFAST_IDLE_TIMEOUT', /2h/],
    [
      'class of events that is none',
      { HOLDFAST_AUDIT_KEEP: '{ presented: 3d }' },
      'HOLDFAST_AUDIT_KEEP.presented',
      /known are default, login, session, detection, account\./,
    ],
    [
      'event that is kept in any case',
      { HOLDFAST_EVENT_SAMPLING: '{ session-established: 1 }' },
      'HOLDFAST_EVENT_SAMPLING.session-established',
      /session-presented/,
    ],
    [
      'misspelt event',
      { HOLDFAST_EVENT_SAMPLING: '{ tokenunknown: 1 }' },
      'HOLDFAST_EVENT_SAMPLING.tokenunknown',
      /token-unknown/,
    ],
    ['time without a unit', { HOLDFAST_AUDIT_KEEP: '400' }, 'HOLDFAST_AUDIT_KEEP', /session: 90d/],
    [
      'time of a class that is too short',
      { HOLDFAST_AUDIT_KEEP: '{ session: 1h }' },
      'HOLDFAST_AUDIT_KEEP.session',
      /session: 90d/,
    ],
    [
      'class that there is not',
      { HOLDFAST_AUDIT_KEEP: '{ logout: 30d }' },
      'HOLDFAST_AUDIT_KEEP.logout',
      /Remove it/,
    ],
    ['size without a unit', { HOLDFAST_FEED_BYTES: '256000000' }, 'HOLDFAST_FEED_BYTES', /256MB/],
    ['size out of range', { HOLDFAST_FEED_BYTES: '10kB' }, 'HOLDFAST_FEED_BYTES', /256MB/],
    ['feed of no entries', { HOLDFAST_FEED_LIMIT: '0' }, 'HOLDFAST_FEED_LIMIT', /10000/],
    ['store of an unknown kind', { HOLDFAST_STORE: 'mysql://x' }, 'HOLDFAST_STORE', /lmdb:/],
    ['LMDB without a folder', { HOLDFAST_STORE: 'lmdb:' }, 'HOLDFAST_STORE', /lmdb:/],
    ['policy that there is not', { HOLDFAST_POLICY: 'paranoid' }, 'HOLDFAST_POLICY', /balanced/],
    [
      'policy with a threshold that is none',
      { HOLDFAST_POLICY: '{ observe: 12, challenge: high, limit: 50 }' },
      'HOLDFAST_POLICY.challenge',
      /balanced/,
    ],
    [
      'policy without a threshold',
      { HOLDFAST_POLICY: '{ observe: 12, challenge: 24 }' },
      'HOLDFAST_POLICY.limit',
      /balanced/,
    ],
    [
      'policy with thresholds out of order',
      { HOLDFAST_POLICY: '{ observe: 30, challenge: 24, limit: 50 }' },
      'HOLDFAST_POLICY.observe',
      /balanced/,
    ],
    [
      'policy with a misspelt threshold',
      { HOLDFAST_SHADOW_POLICY: '{ observe: 12, chalenge: 24, limit: 50 }' },
      'HOLDFAST_SHADOW_POLICY.chalenge',
      /"challenge"/,
    ],
    [
      'policy of a tenant that there is not',
      { HOLDFAST_TENANT_POLICIES: '{ acme: paranoid }' },
      'HOLDFAST_TENANT_POLICIES.acme',
      /strict/,
    ],
    [
      'a kind of networks that there is not',
      { HOLDFAST_NETWORKS: '{ corporat: [a.txt] }' },
      'HOLDFAST_NETWORKS.corporat',
      /"corporate"/,
    ],
    [
      'a list of networks that is not in a list',
      { HOLDFAST_NETWORKS: '{ tor: a.txt }' },
      'HOLDFAST_NETWORKS.tor',
      /corporate: \[/,
    ],
    [
      'costs that would make every change of network a prompt',
      { HOLDFAST_POLICY: '{ hijacks: 1, missCost: 5000 }' },
      'HOLDFAST_POLICY.missCost',
      /balanced/,
    ],
    ['port out of range', { HOLDFAST_LISTEN: '127.0.0.1:70000' }, 'HOLDFAST_LISTEN', /4600/],
    ['number that is none', { HOLDFAST_SESSION_LIMIT: 'three' }, 'HOLDFAST_SESSION_LIMIT', /3/],
    ['number out of range', { HOLDFAST_PREFIX_V4: '64' }, 'HOLDFAST_PREFIX_V4', /24/],
    ['idle beyond absolute', { HOLDFAST_IDLE_TIMEOUT: '48h' }, 'HOLDFAST_IDLE_TIMEOUT', /Shorten/],
    [
      'tenant idle beyond absolute',
      { HOLDFAST_TENANTS: '{ a: { default: { idle: 30d } } }' },
      'HOLDFAST_TENANTS.a.default',
      /Shorten/,
    ],
    ['class that is not a map', { HOLDFAST_CLASSES: '[1, 2]' }, 'HOLDFAST_CLASSES', /remember/],
    [
      'unknown field of a class',
      { HOLDFAST_CLASSES: '{ long: { idel: 1h } }' },
      'HOLDFAST_CLASSES.long.idel',
      /idle/,
    ],
    ['YAML that is none', { HOLDFAST_CLASSES: '{ a: ' }, 'HOLDFAST_CLASSES', /remember/],
    [
      'proxy that is no address',
      { HOLDFAST_TRUSTED_PROXIES: 'everyone' },
      'HOLDFAST_TRUSTED_PROXIES',
      /10\.0\.0\.0/,
    ],
    [
      'a user of Redis without a password',
      { HOLDFAST_STORE: 'redis://user@127.0.0.1' },
      'HOLDFAST_STORE',
      /storePassword/,
    ],
    [
      'two passwords of Redis',
      { HOLDFAST_STORE: 'redis://:one-long@127.0.0.1', HOLDFAST_STORE_PASSWORD: 'two' },
      'HOLDFAST_STORE_PASSWORD',
      /one of the two/,
    ],
    [
      'a password of Sentinels where there are none',
      { HOLDFAST_STORE: 'redis://127.0.0.1', HOLDFAST_STORE_SENTINEL_PASSWORD: 'two' },
      'HOLDFAST_STORE_SENTINEL_PASSWORD',
      /redis\+sentinel/,
    ],
    [
      'a PostgreSQL that is not checked',
      { HOLDFAST_AUDIT_DATABASE: 'postgres://u:sesame@db/x?sslmode=require' },
      'HOLDFAST_AUDIT_DATABASE',
      /verify-full/,
    ],
    [
      'authorities of a PostgreSQL without TLS',
      {
        HOLDFAST_AUDIT_DATABASE: 'postgres://u:sesame@127.0.0.1/x',
        HOLDFAST_AUDIT_DATABASE_CA: 'ca.pem',
      },
      'HOLDFAST_AUDIT_DATABASE_CA',
      /verify-full/,
    ],
    [
      'authorities without TLS',
      { HOLDFAST_STORE: 'redis://127.0.0.1', HOLDFAST_STORE_CA: 'ca.pem' },
      'HOLDFAST_STORE_CA',
      /rediss:/,
    ],
    [
      'a certificate without its key',
      { HOLDFAST_STORE: 'rediss://127.0.0.1', HOLDFAST_STORE_CERTIFICATE: 'client.pem' },
      'HOLDFAST_STORE_CERTIFICATE',
      /key/,
    ],
    ['Redis without a key ring', { HOLDFAST_STORE: 'redis://127.0.0.1' }, 'keyring', /keys new/],
    [
      'two listeners on one address',
      { HOLDFAST_MANAGEMENT_LISTEN: '127.0.0.1:4600' },
      'HOLDFAST_MANAGEMENT_LISTEN',
      /port of its own/,
    ],
    [
      'a listener on every address and another on one of them',
      { HOLDFAST_MANAGEMENT_LISTEN: '0.0.0.0:4600' },
      'HOLDFAST_MANAGEMENT_LISTEN',
      /port of its own/,
    ],
    [
      'a gate on the address of the API',
      { HOLDFAST_GATE_LISTEN: '127.0.0.1:4600' },
      'HOLDFAST_GATE_LISTEN',
      /port of its own/,
    ],
    [
      'one socket for both gates',
      { HOLDFAST_GATE_LISTEN: 'unix:/run/a', HOLDFAST_GRPC_LISTEN: 'unix:/run/a' },
      'HOLDFAST_GRPC_LISTEN',
      /port of its own/,
    ],
    [
      'a socket without an absolute path',
      { HOLDFAST_GATE_LISTEN: 'unix:gate.sock' },
      'HOLDFAST_GATE_LISTEN',
      /4602/,
    ],
    [
      'everybody as a gateway',
      { HOLDFAST_GATE_PEERS: '0.0.0.0/0' },
      'HOLDFAST_GATE_PEERS',
      /10\.0\.3\.0/,
    ],
    [
      'an address header and nobody to believe',
      { HOLDFAST_ADDRESS_HEADER: 'cf-connecting-ip' },
      'HOLDFAST_ADDRESS_HEADER',
      /10\.0\.0\.0\/8/,
    ],
    [
      'an address header in upper case',
      { HOLDFAST_ADDRESS_HEADER: 'CF-Connecting-IP', HOLDFAST_TRUSTED_PROXIES: '10.0.0.1' },
      'HOLDFAST_ADDRESS_HEADER',
      /cf-connecting-ip/,
    ],
    [
      'a list with a port',
      { HOLDFAST_ADDRESS_HEADER: 'forwarded:port', HOLDFAST_TRUSTED_PROXIES: '10.0.0.1' },
      'HOLDFAST_ADDRESS_HEADER',
      /cf-connecting-ip/,
    ],
    [
      'everybody as a balancer',
      { HOLDFAST_PROXY_PROTOCOL_PEERS: '0.0.0.0/0' },
      'HOLDFAST_PROXY_PROTOCOL_PEERS',
      /10\.0\.0\.0\/24/,
    ],
    [
      'an origin with a path',
      { HOLDFAST_ORIGINS: 'https://shop.example/' },
      'HOLDFAST_ORIGINS.0',
      /shop\.example/,
    ],
    [
      'an origin that every local file has',
      { HOLDFAST_ORIGINS: 'file://' },
      'HOLDFAST_ORIGINS.0',
      /shop\.example/,
    ],
    [
      'a login that only pages of an application could return from',
      {
        HOLDFAST_ORIGINS: 'capacitor://localhost',
        HOLDFAST_LOGIN_URL: 'https://account.example/login',
      },
      'HOLDFAST_LOGIN_URL',
      /origins/,
    ],
    [
      'a partitioned cookie that no other site may embed',
      { HOLDFAST_COOKIE_PARTITIONED: 'true' },
      'HOLDFAST_COOKIE_PARTITIONED',
      /cookieSameSite to none/,
    ],
    [
      'a login without a site to return to',
      { HOLDFAST_LOGIN_URL: 'https://account.example/login' },
      'HOLDFAST_LOGIN_URL',
      /origins/,
    ],
    [
      'a login that is a host and looks like a path',
      { HOLDFAST_ORIGINS: 'https://shop.example', HOLDFAST_LOGIN_URL: '//evil.example/login' },
      'HOLDFAST_LOGIN_URL',
      /account\.example/,
    ],
    [
      'one secret in two keys',
      { HOLDFAST_API_KEYS: `shop:app:${SECRET},edge:gate:${SECRET}` },
      'HOLDFAST_API_KEYS',
      /secret of its own/,
    ],
    [
      'cookie that browsers would not guard',
      { HOLDFAST_COOKIE_NAME: 'sid' },
      'HOLDFAST_COOKIE_NAME',
      /__Host-/,
    ],
    [
      'both forms of a secret',
      { HOLDFAST_API_KEYS_FILE: '/dev/null' },
      'HOLDFAST_API_KEYS_FILE',
      /one of the two/,
    ],
  ]

  test.each(cases)('%s', (_, env, field, fix) => {
    const problems = problemsOf({ env: { HOLDFAST_API_KEYS: KEYS, ...env } })

    expect(problems.map((problem) => problem.field)).toContain(field)
    expect(problems.find((problem) => problem.field === field)?.fix).toMatch(fix)
  })
})

test('all problems are listed at once, in file and environment', () => {
  const problems = problemsOf({
    file: file('idelTimeout: 2h\npolicy: none\nlisten: here\n'),
    env: { HOLDFAST_ROTATE_EVERY: 'often', HOLDFAST_NONSENSE_OF_SOME_LENGTH: '1' },
  })

  expect(problems.map(({ field }) => field).sort()).toEqual([
    'HOLDFAST_NONSENSE_OF_SOME_LENGTH',
    'HOLDFAST_ROTATE_EVERY',
    'apiKeys',
    'idelTimeout',
    'listen',
    'policy',
  ])
  expect(problems.find(({ field }) => field === 'idelTimeout')?.fix).toBe(
    'Did you mean "idleTimeout"?',
  )
})

test('contradictions are listed beside what is wrong in itself', () => {
  const problems = problemsOf({
    env: {
      HOLDFAST_API_KEYS: KEYS,
      HOLDFAST_POLICY: 'none',
      HOLDFAST_IDLE_TIMEOUT: '48h',
      HOLDFAST_MANAGEMENT_LISTEN: '127.0.0.1:4600',
    },
  })

  expect(problems.map(({ field }) => field).sort()).toEqual([
    'HOLDFAST_IDLE_TIMEOUT',
    'HOLDFAST_MANAGEMENT_LISTEN',
    'HOLDFAST_POLICY',
  ])
})

describe('advice has the form of the place where the value was written', () => {
  test.each([
    ['geoCity: /a/very/long/path.mmdb', 'geoCity: [/var/lib/holdfast/geo/city.mmdb]'],
    ['trustedProxies: 10.0.0.0/8', 'trustedProxies: [10.0.0.0/8, 192.168.1.7]'],
    ['acrOrder: urn:basic,urn:mfa', 'acrOrder: [urn:basic, urn:mfa]'],
    [
      'apiKeys: shop:app:a-secret-of-some-length',
      'apiKeys: [{ name: shop, roles: [app, gate], digest: sha256:... }]',
    ],
  ])('text for a list in the file: %s', (line, form) => {
    const problems = problemsOf({
      file: file(`${line}\n`),
      env: line.startsWith('apiKeys') ? {} : { HOLDFAST_API_KEYS: KEYS },
    })

    const [field = ''] = line.split(':')
    expect(problems).toEqual([{ field, problem: 'must be a list', fix: `Write it like: ${form}` }])
  })

  test('an empty list in the file, and an empty one in the environment', () => {
    const inFile = problemsOf({ file: file('apiKeys: []\n') })
    const inEnvironment = problemsOf({ env: { HOLDFAST_API_KEYS: ' ' } })

    expect(inFile).toMatchObject([
      {
        field: 'apiKeys',
        problem: 'must have at least 1 entry',
        fix: expect.stringMatching(/^Write it like: apiKeys: /),
      },
    ])
    expect(inEnvironment).toMatchObject([
      {
        field: 'HOLDFAST_API_KEYS',
        problem: 'must have at least 1 entry',
        fix: expect.stringMatching(/^Write it like: HOLDFAST_API_KEYS=shop:app/),
      },
    ])
  })

  test('a number and a name in the environment', () => {
    const problems = problemsOf({
      env: { HOLDFAST_API_KEYS: KEYS, HOLDFAST_PREFIX_V4: '64', HOLDFAST_POLICY: 'none' },
    })

    expect(problems).toEqual([
      {
        field: 'HOLDFAST_POLICY',
        problem: 'must be one of lenient, balanced, strict',
        fix: 'Write it like: HOLDFAST_POLICY=balanced',
      },
      {
        field: 'HOLDFAST_PREFIX_V4',
        problem: 'must be at most 32',
        fix: 'Write it like: HOLDFAST_PREFIX_V4=24',
      },
    ])
  })
})

test.each([
  ['one key that is in the wrong form', 'shop-secret-without-colons'],
  ['a secret that is too short', 'shop:app:short'],
  ['an unknown role', `shop:root:${SECRET}`],
  ['a name twice', `shop:app:${SECRET},shop:gate:${SECRET}2`],
  ['no key at all', ''],
])('API keys with %s are refused, and no secret is repeated', (_, keys) => {
  const problems = problemsOf({ env: { HOLDFAST_API_KEYS: keys } })

  expect(problems).not.toEqual([])
  expect(JSON.stringify(problems)).not.toContain(SECRET)
  expect(JSON.stringify(problems)).not.toContain('shop-secret')
})

test.each([
  ['store: memory:\n', /quotes .* store: "memory:"/],
  ['policy: strict\npolicy: lenient\n', /once/],
])('a file that is no YAML is told how to mend it: %j', (text, mend) => {
  const [problem] = problemsOf({ file: file(text), env: { HOLDFAST_API_KEYS: KEYS } })

  expect(problem?.fix).toMatch(mend)
})

test.each([
  ['a file that is not there', '/nowhere/holdfast.yaml'],
  ['YAML that is none', file('listen: [')],
  ['a key twice', file('policy: strict\npolicy: lenient\n')],
  ['a list instead of settings', file('- a\n')],
])('%s is one clear problem', (_, path) => {
  const problems = problemsOf({ file: path, env: { HOLDFAST_API_KEYS: KEYS } })

  expect(problems).toHaveLength(1)
  expect(problems[0]?.field).toBe(path)
})

test('what is printed shows where the store is and no secret', () => {
  const env = {
    HOLDFAST_API_KEYS: KEYS,
    HOLDFAST_KEYRING: '/etc/ring.json',
    HOLDFAST_ON_BEHALF_SECRET: 'sesame'.repeat(6),
  }
  const elsewhere = {
    HOLDFAST_STORE: 'rediss+sentinel://cache.internal/main',
    HOLDFAST_STORE_USER: 'sesame',
    HOLDFAST_STORE_PASSWORD: 'sesame',
    HOLDFAST_STORE_SENTINEL_USER: 'sesame',
    HOLDFAST_STORE_SENTINEL_PASSWORD: 'sesame',
  }
  const stores = [
    { HOLDFAST_STORE: 'redis://user:sesame@cache.internal:6379/2' },
    { HOLDFAST_STORE: 'rediss+cluster://:sesame@cache.internal' },
    { HOLDFAST_STORE: 'unix:/run/cache.internal.sock?db=2&password=sesame' },
    elsewhere,
  ]

  for (const store of stores) {
    const shown = JSON.stringify(printable(loadConfig({ env: { ...env, ...store } })))

    expect(shown).not.toContain('sesame')
    expect(shown).not.toContain(SECRET)
    expect(shown).not.toContain(digestOf(SECRET))
    expect(shown).toContain('cache.internal')
  }
})

test('origins may have schemes of their own, and cookies be partitioned', () => {
  const env = {
    HOLDFAST_API_KEYS: KEYS,
    HOLDFAST_ORIGINS: 'https://shop.example,capacitor://localhost',
    HOLDFAST_LOGIN_URL: '/login',
    HOLDFAST_COOKIE_SAME_SITE: 'none',
    HOLDFAST_COOKIE_PARTITIONED: 'true',
  }

  expect(problemsOf({ env })).toEqual([])
  expect(loadConfig({ env })).toMatchObject({
    origins: ['https://shop.example', 'capacitor://localhost'],
    cookieSameSite: 'none',
    cookiePartitioned: true,
  })
})

test('the example of every setting is right', () => {
  const needed = {
    HOLDFAST_AUDIT_DATABASE: factsOf('auditDatabase').example,
    HOLDFAST_AUDIT_DIRECTORY: factsOf('auditDirectory').example,
    HOLDFAST_AUDIT_WITNESSES: factsOf('auditWitnesses').example,
    HOLDFAST_KEYRING: factsOf('keyring').example,
    HOLDFAST_ORIGINS: factsOf('origins').example,
    HOLDFAST_TRUSTED_PROXIES: factsOf('trustedProxies').example,
  }
  const overTls = {
    HOLDFAST_STORE: 'rediss+sentinel://one,two/main',
    HOLDFAST_STORE_PASSWORD: 'sesame',
    HOLDFAST_STORE_CERTIFICATE: 'client.pem',
    HOLDFAST_STORE_CERTIFICATE_KEY: 'key.pem',
  }
  for (const name of SETTINGS) {
    const env = {
      HOLDFAST_API_KEYS: KEYS,
      ...needed,
      ...(/^store[A-Z]/.test(name) ? overTls : {}),
      [variableOf(name)]: factsOf(name).example,
    }

    expect([name, problemsOf({ env })]).toEqual([name, []])
  }
})

test('the reference names every setting, and its example file passes the check', () => {
  const reference = configReference()

  for (const name of SETTINGS) {
    expect(reference).toContain(`| \`${name}\` | \`${variableOf(name)}\``)
  }
  expect(problemsOf({ file: file(EXAMPLE_FILE) })).toEqual([])
})

test('sizes are read and written in words', () => {
  for (const words of ['1kB', '64MB', '1500MB', '2GB']) {
    expect(formatSize(parseSize(words) ?? 0)).toBe(words)
  }
  for (const wrong of ['', '2', 'MB', '-1MB', '1.5GB', '2 GB', '64mb', '0MB', '9999999999GB']) {
    expect(parseSize(wrong)).toBeUndefined()
  }
  const config = loadConfig({ env: { HOLDFAST_API_KEYS: KEYS, HOLDFAST_FEED_BYTES: '64MB' } })
  expect(config.feedBytes).toBe(64_000_000)
  expect(printable(config)).toMatchObject({ feedBytes: '64MB', feedLimit: 10_000 })
})

test('durations are read and written in words', () => {
  for (const words of ['500ms', '90s', '15m', '2h', '30d']) {
    expect(formatDuration(parseDuration(words) ?? 0)).toBe(words)
  }
  for (const wrong of ['', '2', 'h', '-1h', '1.5h', '2 h', '1e3s', '99999999999d']) {
    expect(parseDuration(wrong)).toBeUndefined()
  }
})

const LOG_KEY = 'a.example+ab5a0d9b+AQu7Q7u8m8xFWR57megSUR+3hA8Jq1QKZoHhpcDMwRHz'
const [WITNESS] = parseYaml(factsOf('auditWitnesses').example)

test.each([
  ['a URL with credentials', { ...WITNESS, url: 'https://a:b@witness.example' }, /0\.url must be/],
  ['a URL of another kind', { ...WITNESS, url: 'ftp://witness.example' }, /0\.url must be an http/],
  ['a key of a log', { ...WITNESS, key: LOG_KEY }, /0\.key must be the verifier key of a witness/],
  ['a key that was damaged', { ...WITNESS, key: `${WITNESS.key}A` }, /0\.key must be the verifier/],
])('a witness with %s is refused', (_, witness, expected) => {
  const env = { HOLDFAST_API_KEYS: KEYS, HOLDFAST_AUDIT_WITNESSES: JSON.stringify([witness]) }

  const [first] = problemsOf({ env })

  expect(`${first?.field} ${first?.problem}`).toMatch(expected)
})

test('a witness is named once, and no quorum is more than all', () => {
  const twice = JSON.stringify([WITNESS, { ...WITNESS, url: 'https://other.example' }])
  const env = { HOLDFAST_API_KEYS: KEYS, HOLDFAST_AUDIT_WITNESSES: JSON.stringify([WITNESS]) }

  expect(problemsOf({ env: { ...env, HOLDFAST_AUDIT_WITNESSES: twice } })).toMatchObject([
    { field: 'HOLDFAST_AUDIT_WITNESSES' },
  ])
  expect(problemsOf({ env: { ...env, HOLDFAST_AUDIT_WITNESS_QUORUM: '2' } })).toMatchObject([
    {
      field: 'HOLDFAST_AUDIT_WITNESS_QUORUM',
      problem: expect.stringMatching(/^is more than the 1 /),
    },
  ])
})
