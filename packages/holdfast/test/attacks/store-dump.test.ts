import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { rotateKeyring } from '../../src/codecs/keyring.ts'
import type { Entry, Store } from '../../src/core/store.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import { lmdbStore } from '../../src/stores/lmdb.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { describeOnEveryStore } from '../support/every-store.ts'
import { codeOf, type Harness, harness, held, MINUTE } from '../support/harness.ts'
import { abroad, atHome, lookup, onTheTrain } from '../support/people.ts'
import { startRedis } from '../support/redis.ts'

/** Everything that an engine writes, and nothing that a thief of the store may read. */
async function fullRun(h: Harness): Promise<readonly string[]> {
  const tokens = [
    await h.login({
      subject: 'ada.lovelace@example.org',
      attributes: { plan: 'very-private-plan' },
    }),
  ]
  for (const request of [atHome(), onTheTrain(), abroad()]) {
    h.host.advance(6 * MINUTE)
    const answer = await h.show(tokens.at(-1) ?? '', request, { sensitivity: 'normal' })
    if (answer.ok && answer.token !== undefined) tokens.push(answer.token)
  }
  const passed = await h.stepUp(tokens.at(-1) ?? '', abroad())
  tokens.push(held('', passed))
  await h.sessions.report({
    kind: 'login_failed',
    subject: 'ada.lovelace@example.org',
    request: abroad(),
  })
  tokens.push(await h.login({ subject: 'grace.hopper@example.org', tenant: 'navy-tenant' }))
  await h.sessions.logout(tokens.at(-1) ?? '')

  const proofs = tokens.map((token) => token.split('.')[2] ?? '')
  expect(new Set(proofs).size).toBeGreaterThan(4)
  return [
    ...proofs,
    ...proofs.map((proof) => Buffer.from(proof, 'base64url').subarray(13, 45).toString('latin1')),
    'ada.lovelace',
    'grace.hopper',
    'navy-tenant',
    'very-private-plan',
    '192.0.2.10',
    '198.51.100',
    '203.0.113',
    'Mozilla',
    'Firefox',
    'Europe/Oslo',
    '2560x1440',
  ]
}

function expectNone(dump: Buffer, secrets: readonly string[]): void {
  expect(dump.length).toBeGreaterThan(2_000)
  for (const secret of secrets) {
    expect(dump.includes(Buffer.from(secret, 'latin1')), `found ${secret}`).toBe(false)
  }
}

test('nothing of a full run lies open in an LMDB file', async () => {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-dump-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  const h = await harness(async (now) => lmdbStore({ path, now }))

  const secrets = await fullRun(h)

  const files = await readdir(path)
  const dump = Buffer.concat(await Promise.all(files.map((file) => readFile(join(path, file)))))
  expectNone(dump, secrets)
  const [proof = ''] = secrets
  const sessionId =
    (await h.sessions.list({ subject: 'ada.lovelace@example.org' })).items[0]?.id ?? proof
  expect(
    dump.includes(Buffer.from(sessionId, 'latin1')) ||
      dump.includes(Buffer.from(sessionId, 'base64url')),
  ).toBe(true)
})

test('nothing of a full run lies open in Redis', async () => {
  const server = await startRedis()
  onTestFinished(() => server.close())
  const client = new Redis({ port: server.port })
  onTestFinished(() => client.disconnect())
  const h = await harness(async (now) => redisStore({ client, now, timeout: 10_000 }))

  const secrets = await fullRun(h)

  const keys = await client.keys('*')
  const values = await Promise.all(keys.map((key) => rawValue(client, key)))
  expect(keys.length).toBeGreaterThan(5)
  expectNone(Buffer.concat([Buffer.from(keys.join('\n')), ...values]), secrets)
})

test('nothing of a full run lies open in what any store is given', async () => {
  const given: Buffer[] = []
  const h = await harness(async (now) => recording(memoryStore({ now }), given))

  const secrets = await fullRun(h)

  expectNone(Buffer.concat(given), secrets)
})

describeOnEveryStore('a writer of the store', (open) => {
  test('who flips a bit, moves a record or changes a deadline is refused', async () => {
    const h = await harness(open)
    const [token, other] = [await h.login(), await h.login({ subject: 'linus' })]
    const idOf = (one: string): string => one.split('.')[1] ?? ''
    const found = await h.store.entries.read(idOf(token))
    const foreign = await h.store.entries.read(idOf(other))
    if (found === undefined || foreign === undefined) throw new Error('no entries')
    const flipped = Uint8Array.from(found.sealed)
    flipped[40] = (flipped[40] ?? 0) ^ 1
    const entry: Entry = {
      id: found.id,
      version: 2,
      generation: found.generation,
      createdAt: found.createdAt,
      deadline: found.deadline,
      idleMs: found.idleMs,
      sealed: flipped,
    }

    for (const [version, forged] of [
      [2, entry],
      [3, { ...entry, sealed: found.sealed }],
      [4, { ...entry, sealed: foreign.sealed }],
      [5, { ...entry, sealed: found.sealed, deadline: found.deadline + 1 }],
    ] as const) {
      expect(await h.store.entries.write({ ...forged, version })).toBe('written')
      await expect(h.show(token)).rejects.toMatchObject({ code: 'record_invalid' })
    }
    expect(codeOf(await h.show(other))).toBe('ok')
  })

  test('cannot bar a login: a damaged session is ended and a new one begins', async () => {
    const h = await harness(open)
    const token = await h.login()
    const id = token.split('.')[1] ?? ''
    const found = await h.store.entries.read(id)
    if (found === undefined) throw new Error('no entry')
    const { generation, createdAt, deadline, idleMs } = found
    const damaged = {
      id,
      version: 2,
      generation,
      createdAt,
      deadline,
      idleMs,
      sealed: found.sealed,
    }
    expect(await h.store.entries.write(damaged)).toBe('written')
    await expect(h.show(token)).rejects.toMatchObject({ code: 'record_invalid' })

    const next = await h.login({ previous: token })

    expect(codeOf(await h.show(next))).toBe('ok')
    expect(await h.store.entries.read(id)).toBeUndefined()
  })

  test('records under a retired key still open, and are re-sealed when next written', async () => {
    const h = await harness(open)
    const token = await h.login()
    const id = token.split('.')[1] ?? ''
    const keyOf = async (): Promise<string> =>
      Buffer.from((await h.store.entries.read(id))?.sealed.subarray(1, 5) ?? []).toString('hex')
    const keyring = rotateKeyring(h.keyring, h.host)
    const sessions = createSessions({ store: h.store, keyring, host: h.host, lookup })

    expect(codeOf(await sessions.verify({ token, request: atHome() }))).toBe('ok')
    expect(await keyOf()).toBe(h.keyring.current)
    h.host.advance(6 * MINUTE)
    const rotated = await sessions.verify({ token, request: atHome(), deliverable: true })
    expect(held(token, rotated)).not.toBe(token)
    expect(await keyOf()).toBe(keyring.current)
  })
})

async function rawValue(client: Redis, key: string): Promise<Buffer> {
  switch (await client.type(key)) {
    case 'string':
      return (await client.getBuffer(key)) ?? Buffer.alloc(0)
    case 'hash':
      return Buffer.concat(Object.values(await client.hgetallBuffer(key)))
    case 'zset':
      return Buffer.concat(await client.zrangeBuffer(key, '0', '-1'))
    case 'list':
      return Buffer.concat(await client.lrangeBuffer(key, 0, -1))
    case 'stream':
      return Buffer.concat(
        (await client.xrangeBuffer(key, '-', '+')).flatMap(([, fields]) => fields),
      )
    default:
      throw new Error(`a key of a kind that the dump does not know: ${key.slice(0, 2)}`)
  }
}

/** Notes all arguments, bytes as they are, of the methods that write. */
function recording(store: Store, given: Buffer[]): Store {
  function note(value: unknown): void {
    if (value instanceof Uint8Array) given.push(Buffer.from(value))
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(note)
    else given.push(Buffer.from(String(value)))
  }
  function noting<Args extends unknown[], Result>(method: (...args: Args) => Result) {
    return (...args: Args): Result => {
      args.forEach(note)
      return method(...args)
    }
  }
  const { entries, subjects, replays: marks, feed } = store
  return {
    ...store,
    entries: {
      read: noting(entries.read),
      write: noting(entries.write),
      revoke: noting(entries.revoke),
      expire: noting(entries.expire),
      touch: noting(entries.touch),
      list: noting(entries.list),
    },
    subjects: {
      read: noting(subjects.read),
      list: noting(subjects.list),
      write: noting(subjects.write),
      revoke: noting(subjects.revoke),
    },
    replays: { once: noting(marks.once) },
    feed: { ...feed, append: noting(feed.append) },
  }
}
