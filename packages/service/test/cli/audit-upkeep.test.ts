import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newKeyring, systemHost } from 'holdfast'
import { formatKeyring } from 'holdfast/maintenance'
import { expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../../../holdfast/test/support/redis.ts'
import { openDatabase } from '../../src/audit/database.ts'
import { readLog } from '../../src/audit/log/read.ts'
import { verifyAudit } from '../../src/audit/log/verify.ts'
import { type Service, startService } from '../../src/index.ts'
import { serviceLog } from '../../src/main/log.ts'
import { openStore } from '../../src/main/store.ts'
import { sharedPostgres, urlOf } from '../audit/search/postgres-server.ts'
import { atHome, configOf, folder, KEYS } from '../support.ts'
import { holdfast } from './holdfast.ts'

interface Estate {
  readonly env: Record<string, string>
  readonly directory: string
  /** Waits until the event of the login is in the log. */
  login(service: Service): Promise<void>
  held(): Promise<boolean>
}

async function estate(): Promise<Estate> {
  const redis = await startRedis()
  onTestFinished(() => redis.close())
  const ring = join(folder(), 'ring.json')
  writeFileSync(ring, formatKeyring(newKeyring()), { mode: 0o600 })
  const env = {
    HOLDFAST_STORE: `redis://127.0.0.1:${redis.port}`,
    HOLDFAST_KEYRING: ring,
    HOLDFAST_API_KEYS: `all:app+audit:${KEYS.all}`,
  }
  const directory = join(folder(), 'audit')
  let logins = 0
  return {
    ...{ env, directory },
    async login({ url }) {
      await fetch(`${url}/v1/sessions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${KEYS.all}`, 'content-type': 'application/json' },
        body: JSON.stringify({ subject: 'ada', request: atHome() }),
      })
      logins++
      await expect.poll(() => loginsIn(directory), { timeout: 20_000 }).toBe(logins)
    },
    async held() {
      const log = serviceLog('silent', { write: () => {} })
      const { store, close } = await openStore(configOf(env), { log, existing: true })
      const confirmed = await store.feed.hold?.confirmed()
      await close()
      return confirmed !== undefined
    },
  }
}

async function serving({ env, directory }: Estate): Promise<Service> {
  const service = await startService(configOf({ ...env, HOLDFAST_AUDIT_DIRECTORY: directory }), {
    host: systemHost(),
    log: { write: () => {} },
  })
  onTestFinished(() => service.close())
  return service
}

function loginsIn(directory: string): number {
  return [...readLog({ directory })].filter(
    ({ line }) => line.kind === 'event' && line.event.type === 'session-established',
  ).length
}

async function found(service: Service): Promise<number> {
  const search = '/v1/search/events?type=session-established'
  const answer = await fetch(`${service.url}${search}`, {
    headers: { authorization: `Bearer ${KEYS.all}` },
  })
  return (await answer.json()).items?.length
}

test('release lets the store forget an audit log that nobody writes', async () => {
  const place = await estate()
  const service = await serving(place)
  await place.login(service)
  await service.close()
  expect(await place.held()).toBe(true)

  const { code, out } = await holdfast('audit release', place.env)
  const again = await holdfast('audit release --json', place.env)

  expect(code).toBe(0)
  expect(out).toMatch(/^Released: /)
  expect(JSON.parse(again.out)).toEqual({ released: false })
  expect(await place.held()).toBe(false)
})

test('release refuses while a process writes, and names it', async () => {
  const place = await estate()
  const service = await serving(place)
  await place.login(service)

  const { code, err } = await holdfast('audit release', place.env)

  expect(code).toBe(1)
  expect(err).toMatch(new RegExp(`is written by \\S+ ${process.pid} .*HOLDFAST_AUDIT_DIRECTORY`))
  expect(await place.held()).toBe(true)
})

test('release says that the log begins again where it is configured, and it does', async () => {
  const place = await estate()
  const service = await serving(place)
  await place.login(service)
  await service.close()

  const { err } = await holdfast('audit release', {
    ...place.env,
    HOLDFAST_AUDIT_DIRECTORY: place.directory,
  })
  const next = await serving(place)
  await place.login(next)
  await next.close()

  expect(err).toContain('HOLDFAST_AUDIT_DIRECTORY is still set')
  expect(verifyAudit([place.directory])).toMatchObject({ ok: true, faults: [] })
})

test('release needs a store that lasts, and its ring', async () => {
  const { code, err } = await holdfast('audit release', {
    HOLDFAST_STORE: 'memory:',
    HOLDFAST_API_KEYS: `all:app:${KEYS.all}`,
  })

  expect(code).toBe(1)
  expect(err).toContain('HOLDFAST_KEYRING')
})

test('reindex removes the index alone, and the next start makes it anew', async () => {
  const place = await estate()
  const first = await serving(place)
  await place.login(first)
  await expect.poll(() => found(first), { timeout: 20_000 }).toBe(1)
  const inUse = await holdfast(`audit reindex ${place.directory}`)
  await first.close()
  const before = readdirSync(place.directory).filter((name) => !name.startsWith('index.'))
  const desk = openDatabase(join(place.directory, 'desk.sqlite'))
  desk.run("INSERT INTO alerts (id, at, severity, body) VALUES ('kept', 1, 1, '{}')")
  desk.close()

  const removed = await holdfast(`audit reindex ${place.directory}`)
  const left = readdirSync(place.directory)
  const again = await holdfast(`audit reindex ${place.directory} --json`)

  expect(inUse.code).toBe(1)
  expect(inUse.err).toContain('Stop it')
  expect(removed.code).toBe(0)
  expect(removed.out).toContain('next start')
  expect(left).toEqual(expect.arrayContaining(before))
  expect(left.filter((name) => name.startsWith('index.'))).toEqual([])
  expect(JSON.parse(again.out)).toMatchObject({ index: 'absent' })
  const kept = openDatabase(join(place.directory, 'desk.sqlite'))
  expect(kept.all('SELECT id FROM alerts')).toEqual([{ id: 'kept' }])
  kept.close()
  const next = await serving(place)
  await expect.poll(() => found(next), { timeout: 20_000 }).toBe(1)
})

test('reindex touches nothing where there is no audit log', async () => {
  const other = folder()
  writeFileSync(join(other, 'index.sqlite'), 'of somebody else')

  const { code } = await holdfast(`audit reindex ${other}`)

  expect(code).toBe(1)
  expect(existsSync(join(other, 'index.sqlite'))).toBe(true)
})

test('reindex removes an index that is damaged', async () => {
  const place = await estate()
  const service = await serving(place)
  await place.login(service)
  await service.close()
  const path = join(place.directory, 'index.sqlite')
  writeFileSync(path, 'no database')

  const { code } = await holdfast(`audit reindex ${place.directory}`)

  expect(code).toBe(0)
  expect(existsSync(path)).toBe(false)
})

test('reindex empties the index in PostgreSQL, and the services that run fill it', async () => {
  const place = await estate()
  const database = urlOf(await (await sharedPostgres()).database())
  const env = { ...place.env, HOLDFAST_AUDIT_DATABASE: database }
  const service = await serving({ ...place, env })
  await place.login(service)
  await expect.poll(() => found(service), { timeout: 20_000 }).toBe(1)

  const { code, out } = await holdfast('audit reindex', env)
  await place.login(service)

  expect([code, out]).toEqual([
    0,
    'Emptied the index in PostgreSQL. Each service that runs brings in its log anew, ' +
      'within a minute.\n',
  ])
  await expect.poll(() => found(service), { timeout: 20_000 }).toBe(2)
})

test('a process without an audit log searches that of others in PostgreSQL', async () => {
  const place = await estate()
  const database = urlOf(await (await sharedPostgres()).database())
  const env = { ...place.env, HOLDFAST_AUDIT_DATABASE: database }
  const writing = await serving({ ...place, env })
  await place.login(writing)
  const other = await serving({ ...place, env, directory: '' })

  await expect.poll(() => found(other), { timeout: 20_000 }).toBe(1)

  const incidents = await fetch(`${other.url}/v1/incidents`, {
    headers: { authorization: `Bearer ${KEYS.all}` },
  })
  expect(incidents.status).toBe(404)
})

test('reindex says what it needs', async () => {
  const { code, err } = await holdfast('audit reindex', {
    HOLDFAST_API_KEYS: `all:app:${KEYS.all}`,
  })

  expect(code).toBe(1)
  expect(err).toContain('Name the directory of the audit log')
})
