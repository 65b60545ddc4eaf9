import { chmodSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { newKeyring, systemHost } from 'holdfast'
import { formatKeyring } from 'holdfast/maintenance'
import { expect, onTestFinished, test } from 'vitest'
import { newNoteKey, noteSigner } from '../../src/audit/log/note.ts'
import { readLog } from '../../src/audit/log/read.ts'
import { openSharedIndex } from '../../src/audit/search/shared/shared-index.ts'
import { examine } from '../../src/doctor/examine.ts'
import { type Service, startService } from '../../src/index.ts'
import { sharedPostgres, urlOf } from '../audit/search/postgres-server.ts'
import { W1, W2, witness } from '../audit/witness/support.ts'
import { atHome, configOf, folder, KEYS } from '../support.ts'

const HOUR_MS = 3_600_000

type Env = Record<string, string>

async function managed(): Promise<string> {
  const server = createServer((_, response) => response.writeHead(200).end('ready\n'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

function random(size: number): Uint8Array {
  return systemHost().random(size)
}

/** An installation with an audit log that somebody is told of. */
async function installation(more: Env = {}): Promise<Env> {
  const [ring, key] = [join(folder(), 'ring.json'), join(folder(), 'audit.key')]
  writeFileSync(ring, formatKeyring(newKeyring()), { mode: 0o600 })
  writeFileSync(key, `${newNoteKey('audit.example', random)}\n`, { mode: 0o600 })
  const ops = { type: 'slack', url: 'https://slack.example/hook' }
  return {
    HOLDFAST_API_KEYS: `all:app+audit:${KEYS.all}`,
    HOLDFAST_KEYRING: ring,
    HOLDFAST_STORE: `lmdb:${join(folder(), 'store')}`,
    HOLDFAST_MANAGEMENT_LISTEN: await managed(),
    HOLDFAST_AUDIT_DIRECTORY: join(folder(), 'audit'),
    HOLDFAST_AUDIT_KEY: key,
    HOLDFAST_ALERTS: JSON.stringify({ targets: { ops } }),
    ...more,
  }
}

const logOf = (env: Env): string => env.HOLDFAST_AUDIT_DIRECTORY ?? ''

async function serving(env: Env): Promise<Service> {
  const config = configOf({ ...env, HOLDFAST_MANAGEMENT_LISTEN: '127.0.0.1:0' })
  return startService(config, { host: systemHost(), log: { write: () => {} } })
}

async function login({ url }: Service): Promise<void> {
  await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS.all}`, 'content-type': 'application/json' },
    body: JSON.stringify({ subject: 'ada', request: atHome() }),
  })
}

/** One whose audit log was switched off, and that has seen some logins since. */
async function switchedOff(logins: number): Promise<Env> {
  const env = await used()
  const service = await serving({ ...env, HOLDFAST_AUDIT_DIRECTORY: '' })
  for (let at = 0; at < logins; at++) await login(service)
  await service.close()
  return env
}

/** One whose service has written a login to the log, and was stopped in order. */
async function used(): Promise<Env> {
  const env = await installation()
  const service = await serving(env)
  await login(service)
  const logins = (): number =>
    [...readLog({ directory: logOf(env) })].filter(
      ({ line }) => line.kind === 'event' && line.event.type === 'session-established',
    ).length
  await expect.poll(logins, { timeout: 20_000 }).toBe(1)
  const search = async (): Promise<number> => {
    const headers = { authorization: `Bearer ${KEYS.all}` }
    const answer = await fetch(`${service.url}/v1/search/events`, { headers })
    return (await answer.json()).items.length
  }
  await expect.poll(search, { timeout: 20_000 }).toBeGreaterThan(0)
  await service.close()
  return env
}

/** What is found, with the mend behind it, but for the data of places that no test has. */
async function found(env: Env, now?: () => number): Promise<string> {
  const findings = await examine({ env }, now)
  return findings
    .filter(({ check }) => check !== 'geo data')
    .map((one) => `${one.level} ${one.check}: ${one.finding}. ${one.mend}`)
    .join('\n')
}

const FAULTS: readonly (readonly [string, () => Promise<Env>, RegExp])[] = [
  [
    'a directory that cannot be written',
    async () => {
      const file = join(folder(), 'file')
      writeFileSync(file, '')
      return installation({ HOLDFAST_AUDIT_DIRECTORY: join(file, 'audit') })
    },
    /^fault audit log: its directory .* cannot be written\. Let the user of the service write it/m,
  ],
  [
    'a key that is not there',
    () => installation({ HOLDFAST_AUDIT_KEY: '/nowhere/audit.key' }),
    /^fault configuration: HOLDFAST_AUDIT_KEY names a file that cannot be read .*audit keys new/m,
  ],
  [
    'a key that is none',
    async () => {
      const env = await installation()
      writeFileSync(env.HOLDFAST_AUDIT_KEY ?? '', 'no key')
      return env
    },
    /^fault configuration: HOLDFAST_AUDIT_KEY names a file that holds no key .*audit keys new/m,
  ],
  [
    'a key that everybody can read',
    async () => {
      const env = await installation()
      chmodSync(env.HOLDFAST_AUDIT_KEY ?? '', 0o644)
      return env
    },
    /^fault audit key: everybody .*chmod 600/m,
  ],
  [
    'a key beside the log',
    () => installation({ HOLDFAST_AUDIT_KEY: '' }),
    /^warning network: HOLDFAST_AUDIT_DIRECTORY holds the key that signs .*audit keys new FILE/m,
  ],
  [
    'alerts that reach nobody',
    () => installation({ HOLDFAST_ALERTS: '{ routes: [{ to: none }] }' }),
    /^warning network: HOLDFAST_ALERTS tells nobody .*targets: \{/m,
  ],
  [
    'an output in clear text',
    () =>
      installation({
        HOLDFAST_AUDIT_OUTPUTS: '[{ name: siem, type: syslog, host: 192.0.2.1, plain: true }]',
      }),
    /^warning network: HOLDFAST_AUDIT_OUTPUTS\.0 sends .* 192\.0\.2\.1 in clear text.*Use TLS/m,
  ],
  [
    'a PostgreSQL elsewhere in clear text',
    () =>
      installation({
        HOLDFAST_AUDIT_DATABASE: 'postgres://u:sesame@db.invalid/x?sslmode=disable',
      }),
    /^warning network: HOLDFAST_AUDIT_DATABASE sends who people are .*Remove sslmode=disable/m,
  ],
  [
    'rules that cannot be used',
    async () => {
      const rules = join(folder(), 'rules.yaml')
      writeFileSync(rules, 'rules: []')
      return installation({ HOLDFAST_FINDING_RULES: rules })
    },
    /^fault configuration: HOLDFAST_FINDING_RULES names rules that cannot be used.*rules test/ms,
  ],
  ['a log that nobody writes', used, /^fault audit log: no process writes it\. Start the service/m],
  [
    'a checkpoint under another key',
    async () => {
      const env = await used()
      const other = noteSigner(newNoteKey('audit.example', random))
      const path = join(logOf(env), 'checkpoint')
      const [text = ''] = readFileSync(path, 'utf8').split('\n\u2014')
      writeFileSync(path, other.sign(text))
      return env
    },
    /^fault audit log: its newest checkpoint is not one of the key .*Run "holdfast audit verify/m,
  ],
  [
    'lines that were never signed',
    async () => {
      const env = await used()
      const before = new Date(Date.now() - HOUR_MS)
      utimesSync(join(logOf(env), 'checkpoint'), before, before)
      return env
    },
    /^warning audit log: its newest lines are under no checkpoint\. Let the service run/m,
  ],
  [
    'a store that waits for a log that is off',
    async () => ({ ...(await switchedOff(1)), HOLDFAST_AUDIT_DIRECTORY: '' }),
    /^fault audit log: the store waits for one, .*holdfast audit release/m,
  ],
]

test.each(FAULTS)('the doctor finds %s, and names the mend', async (_, plant, expected) => {
  expect(await found(await plant())).toMatch(expected)
})

test('the doctor asks the witnesses, and finds one that knows another history', async () => {
  const verifierKey = (env: Env): string =>
    noteSigner(readFileSync(env.HOLDFAST_AUDIT_KEY ?? '', 'utf8')).verifierKey
  const env = await used()
  const one = await witness(W1, { now: () => Date.now(), logs: [verifierKey(env)] })
  const [{ url }, away] = [one, { url: 'http://127.0.0.1:9', key: W2.verifierKey }]
  const named = (...all: object[]): Env => ({
    ...env,
    HOLDFAST_AUDIT_WITNESSES: JSON.stringify(all),
  })
  const ours = { url, key: one.key }

  const fine = await found(named(ours))
  const gone = await found(named(ours, away))
  // What it remembers of this log is another beginning.
  one.state.run('UPDATE logs SET root = zeroblob(32), size = size - 1')
  const forged = await found(named(ours))

  expect(fine).not.toContain('witness')
  expect(gone).toMatch(
    /^warning audit log: the witness .*w2 does not sign: it cannot be asked: .*AUDIT_WITNESSES/m,
  )
  expect(forged).toMatch(
    /^fault audit log: the witness .*w1 knows another history: .* does not go on .*Somebody has/m,
  )
})

test('the doctor finds an index that is behind, once it had the time', async () => {
  const env = await used()
  rmSync(join(logOf(env), 'index.sqlite'))

  expect(await found(env)).not.toContain('searches')
  expect(await found(env, () => Date.now() + HOUR_MS)).toMatch(
    /^warning audit log: searches find nothing of .*holdfast audit reindex/m,
  )
})

test('the doctor finds a PostgreSQL that is away, empty, or behind', async () => {
  const address = await (await sharedPostgres()).database()
  const env = { ...(await used()), HOLDFAST_AUDIT_DATABASE: urlOf(address) }
  const later = (): number => Date.now() + HOUR_MS

  expect(await found({ ...env, HOLDFAST_AUDIT_DATABASE: urlOf({ ...address, port: 1 }) })).toMatch(
    /^fault audit log: The PostgreSQL .*ECONNREFUSED.*See that HOLDFAST_AUDIT_DATABASE/m,
  )
  expect(await found(env)).toMatch(
    /^fault audit log: The index in PostgreSQL is not made yet: [^.]+\. See/m,
  )
  const index = openSharedIndex({ address, now: () => Date.now() })
  await index.prepare()
  await index.close()
  expect(await found(env)).not.toContain('searches')
  expect(await found(env, later)).toMatch(/^warning audit log: searches find nothing of /m)
  const service = await serving(env)
  const behind = async (): Promise<string> => found(env, later)
  await expect.poll(behind, { timeout: 20_000 }).not.toContain('searches find nothing')
  await service.close()
})

test('the doctor finds a store in which half of what may wait for the log does', async () => {
  const env = await switchedOff(10)

  const said = await found({ ...env, HOLDFAST_AUDIT_BACKLOG_BYTES: '1MB' })

  expect(said).toMatch(/^fault audit log: about (?:5[1-9]|[6-9]\d|1\d\d)% of .*See why its writer/m)
})

test('while a service writes, the doctor finds nothing', async () => {
  const env = await used()
  const service = await serving(env)
  onTestFinished(() => service.close())
  const writes = async (): Promise<boolean> =>
    (await (await fetch(`${service.managementUrl}/metrics`)).text()).includes(
      'holdfast_audit_writer{is="writing"} 1',
    )
  await expect.poll(writes, { timeout: 20_000 }).toBe(true)

  expect(await found(env)).toBe('')
})
