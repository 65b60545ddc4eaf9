import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { sealingCodec } from '../../src/codecs/codec.ts'
import { type Keyring, parseKeyring } from '../../src/codecs/keyring.ts'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { partitionOf, subjectOf } from '../../src/core/ids.ts'
import type { Store } from '../../src/core/store.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import { eventLog } from '../../src/maintenance/event-log.ts'
import { resealAll } from '../../src/maintenance/reseal.ts'
import { mayGuess, networkOf } from '../../src/step-up/guesses.ts'
import { heldForms } from '../../src/step-up/held-forms.ts'
import { tickets } from '../../src/step-up/tickets.ts'
import { decodeCursor } from '../../src/stores/feed/cursor.ts'
import { lmdbStore } from '../../src/stores/lmdb.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { keySet } from '../../src/tokens/key-sets.ts'
import { formatSigningKeys, parseSigningKeys } from '../../src/tokens/signing-file.ts'
import { publicKeySet } from '../../src/tokens/signing-keys.ts'
import { verifyAccessToken } from '../../src/tokens/verify-access-token.ts'
import { abroad, atHome, lookup, onTheTrain } from '../support/people.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import type { Golden } from './files.ts'
import { TICKET_KEY } from './make.ts'
import { openedOf } from './opened.ts'
import { base64, bytes, dumpLmdb, restoreLmdb, restoreRedis } from './raw-stores.ts'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))

/** One for all tests. Each of them empties it before it puts in what a version wrote. */
let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server?.close())

const VERSIONS = readdirSync(FOLDER, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? entry.name : [],
)

test('this version has golden files of its own', () => {
  const { version } = JSON.parse(readFileSync(join(FOLDER, '..', '..', 'package.json'), 'utf8'))

  expect(VERSIONS).toContain(version)
})

describe.each(VERSIONS)('what version %s wrote', (version) => {
  const textOf = (name: keyof Golden): string => readFileSync(join(FOLDER, version, name), 'utf8')
  const fileOf = <Name extends keyof Golden>(name: Name): Golden[Name] => JSON.parse(textOf(name))
  const records = fileOf('records.json')
  const opened = fileOf('opened.json')
  const tokens = fileOf('tokens.json')
  const ring = parseKeyring(textOf('test-keyring.json'))
  const atThatTime = () => fakeHost({ start: records.at })
  const codec = sealingCodec(ring, atThatTime())

  test('sessions, attributes, histories and events say what they said', () => {
    const now = openedOf(records, ring)

    expect(now).toMatchObject(opened)
  })

  test('a record of factors still says where codes count after a hundred wrong ones', () => {
    const factors = fileOf('factors.json')
    const [home, train, away] = [atHome(), onTheTrain(), abroad()].map(({ ip }) => networkOf(ip))

    expect(mayGuess(factors, home ?? '', records.at)).toBe(true)
    expect(mayGuess(factors, train ?? '', records.at)).toBe(false)
    expect(
      mayGuess({ ...factors, wrong: { ...factors.wrong, count: 0 } }, away ?? '', records.at),
    ).toBe(false)
  })

  test('subjects have the same keys, and forms the same token', () => {
    const { subject, formToken } = tokens

    expect(codec.subjectKey(subject.tenant, subject.name)).toBe(subject.key)
    expect(codec.formToken(formToken.session)).toBe(formToken.token)
  })

  test('tokens of both kinds are authentic and claim what they claimed', () => {
    for (const { token, claims } of [tokens.session, tokens.refresh]) {
      expect(codec.authenticate(token)).toMatchObject(claims as object)
    }
  })

  test('an access token verifies with the published keys', async () => {
    const { issuer, audience, token, jwks, claims } = tokens.access
    const options = { issuer, audience, keys: keySet(jwks), now: () => records.at }

    expect(await verifyAccessToken(token, options)).toMatchObject({ ok: true, claims })
  })

  test('the files of signing keys and of the key ring are read', () => {
    const signing = parseSigningKeys(textOf('test-signing-keys.json'))

    expect(publicKeySet(signing, { host: { now: () => records.at } })).toMatchObject(
      tokens.access.jwks,
    )
    expect(parseSigningKeys(formatSigningKeys(signing))).toMatchObject({
      keys: signing.keys.map(({ kid, algorithm, state }) => ({ kid, algorithm, state })),
    })
    expect(ring.keys.length).toBeGreaterThan(0)
  })

  test('a position in the feed is the same one', () => {
    const { cursor, positions } = tokens.feedCursor

    expect(decodeCursor(cursor)).toEqual(positions)
  })

  test('a held form comes back to the browser that posted it', async () => {
    const { id, session, cookies, sealed, form } = tokens.heldForm
    const store = { put: async () => {}, take: async () => bytes(sealed) }
    const forms = heldForms({ store, host: atThatTime() })

    expect(await forms.take(id, { session, cookies })).toEqual(form)
  })

  test('the ticket of a step-up says what was begun', () => {
    const { text, begun } = tokens.ticket

    expect(tickets({ key: TICKET_KEY, host: atThatTime() }).begun(text)).toEqual(begun)
  })

  describe('in LMDB', () => {
    storeOf(async (now) => {
      const path = await mkdtemp(join(tmpdir(), 'holdfast-golden-'))
      onTestFinished(() => rm(path, { recursive: true, force: true }))
      await restoreLmdb(path, fileOf('lmdb.json'))
      const store = lmdbStore({ path, now })
      return {
        store,
        async apart() {
          await store.close()
          const { attributes } = await dumpLmdb(path)
          return attributes !== undefined && 'table' in attributes ? attributes.table.length : 0
        },
      }
    })
  })

  describe('in Redis', () => {
    storeOf(async (now) => {
      const client = new Redis({ port: server.port })
      onTestFinished(() => client.disconnect())
      await client.flushall()
      await restoreRedis(client, fileOf('redis.json'))
      return {
        store: redisStore({ client, now, timeout: 10_000 }),
        apart: async () => (await client.keys('hf:t*')).length,
      }
    })
  })

  /**
   * A store that holds what this version's store wrote. `apart` tells how many attributes it keeps
   * beside their record, at the end of a test.
   */
  function storeOf(
    open: (now: () => number) => Promise<{ store: Store; apart(): Promise<number> }>,
  ): void {
    async function restored() {
      const host = atThatTime()
      const { store, apart } = await open(host.now)
      onTestFinished(() => store.close())
      return { store, host, apart }
    }

    /** The session that has attributes. */
    function attributed() {
      const session = records.sessions.find(({ attributes }) => attributes !== null)
      if (session?.attributes == null) throw new Error('no session has attributes')
      const { attributes, ...entry } = session
      return {
        entry: { ...entry, sealed: bytes(entry.sealed) },
        attributes: { version: attributes.version, sealed: bytes(attributes.sealed) },
      }
    }

    test('records, lists, histories and the feed are found as they were', async () => {
      const { store } = await restored()

      for (const { attributes, sealed, ...terms } of records.sessions) {
        const found = await store.entries.read(terms.id)
        expect(found).toMatchObject(terms)
        expect(base64(found?.sealed ?? null)).toBe(sealed)
        expect(found?.attributes?.version).toBe(attributes?.version)
        expect(base64(found?.attributes?.sealed ?? null)).toBe(attributes?.sealed ?? '')
        const lists = [{ subject: subjectOf(terms.id) }, { partition: partitionOf(terms.id) }]
        for (const list of lists) {
          const { items } = await store.entries.list({ ...list, limit: 10 })
          const listed = items.find(({ id }) => id === terms.id)
          expect(base64(listed?.sealed ?? null)).toBe(sealed)
          expect(base64(listed?.attributes?.sealed ?? null)).toBe(attributes?.sealed ?? '')
        }
      }
      for (const { subject, generation, version, sealed } of records.histories) {
        const found = await store.subjects.read(subject)
        expect(found).toMatchObject({ generation, version })
        expect(base64(found.sealed ?? null)).toBe(sealed)
      }
      const { items, cursor } = await store.feed.read(undefined, 1_000)
      expect(cursor).toBe(tokens.feedCursor.cursor)
      expect(
        items.map((item) =>
          item.kind === 'event' ? { ...item, sealed: base64(item.sealed) } : item,
        ),
      ).toMatchObject(records.feed)
    })

    test('a write of the record keeps the attributes, and moves them into it', async () => {
      const { store, apart } = await restored()
      const { entry, attributes } = attributed()
      const version = entry.version + 1
      const sealed = Buffer.from('the next record')

      expect(await store.entries.write({ ...entry, version, sealed })).toBe('written')
      await store.entries.touch([{ id: entry.id, at: records.at + 1 }])

      const found = await store.entries.read(entry.id)
      expect(found).toMatchObject({ version, lastActivity: records.at + 1 })
      expect(base64(found?.sealed ?? null)).toBe(base64(sealed))
      expect(found?.attributes?.version).toBe(attributes.version)
      expect(base64(found?.attributes?.sealed ?? null)).toBe(base64(attributes.sealed))
      expect(await apart()).toBe(0)
    })

    test('a write with other attributes puts them into the record', async () => {
      const { store, apart } = await restored()
      const { entry, attributes } = attributed()
      const sealed = Buffer.from('the next attributes')
      const next = { version: attributes.version + 1, sealed }

      const version = entry.version + 1
      expect(await store.entries.write({ ...entry, version }, { attributes: next })).toBe('written')

      const found = await store.entries.read(entry.id)
      expect(found).toMatchObject({ version, generation: entry.generation })
      expect(base64(found?.sealed ?? null)).toBe(base64(entry.sealed))
      expect(found?.attributes?.version).toBe(next.version)
      expect(base64(found?.attributes?.sealed ?? null)).toBe(base64(sealed))
      expect(await apart()).toBe(0)
    })

    test('a session that is kept where all others of its subject end keeps both', async () => {
      const { store } = await restored()
      const { entry, attributes } = attributed()
      const end = { at: records.at, reason: 'test', except: entry.id }

      const generation = await store.subjects.revoke(subjectOf(entry.id), end)

      const found = await store.entries.read(entry.id)
      expect(found).toMatchObject({ version: entry.version, generation })
      expect(base64(found?.sealed ?? null)).toBe(base64(entry.sealed))
      expect(base64(found?.attributes?.sealed ?? null)).toBe(base64(attributes.sealed))
    })

    test('nothing of a session is left once it is revoked', async () => {
      const { store, apart } = await restored()
      const { entry, attributes } = attributed()
      const end = { at: records.at, reason: 'test' }

      expect(await store.entries.revoke(entry.id, end)).toBe(true)

      const next = { ...entry, version: entry.version + 1 }
      expect(await store.entries.write(next, { attributes })).toBe('gone')
      expect(await store.entries.write(next)).toBe('gone')
      expect(await store.entries.read(entry.id)).toBeUndefined()
      expect(await apart()).toBe(0)
    })

    test('a session that was told of as expired is found as such', async () => {
      const { store } = await restored()
      const { entry } = attributed()

      expect(await store.entries.expire(entry.id, { at: records.at, reason: 'test' })).toBe(true)

      const found = await store.entries.read(entry.id)
      expect(found).toMatchObject({ version: entry.version, lastActivity: undefined })
      expect(base64(found?.sealed ?? null)).toBe(base64(entry.sealed))
      expect(found?.attributes).toBeUndefined()
    })

    test('what was revoked stays revoked, and what was used stays used', async () => {
      const { store, host } = await restored()
      const [live] = records.sessions
      if (live === undefined) throw new Error('no session')
      const over = { ...live, id: records.revoked, sealed: bytes(live.sealed) }

      expect(await store.entries.read(records.revoked)).toBeUndefined()
      expect(await store.entries.write({ ...over, version: 1 })).toBe('gone')
      expect(await store.replays.once(records.used, host.now() + 1_000)).toBe(false)
    })

    test('clients go on: a token verifies, a refresh token refreshes', async () => {
      const { store, host } = await restored()
      const sessions = createSessions({ store, keyring: ring, host, lookup })

      const verified = await sessions.verify({ token: tokens.session.token, request: onTheTrain() })
      const refreshed = await sessions.refresh({
        token: tokens.refresh.token,
        request: atHome({ method: 'POST' }),
      })

      expect(verified).toMatchObject({ ok: true, session: { subject: 'ada' } })
      expect(refreshed).toMatchObject({ ok: true })
    })

    test('a step-up that was begun is completed', async () => {
      const { store, host } = await restored()
      const sessions = createSessions({ store, keyring: ring, host, lookup })

      const completed = await sessions.completeStepUp({
        challenge: tokens.challenge,
        token: tokens.session.token,
        request: abroad(),
        subject: 'ada',
        amr: ['otp'],
      })

      expect(completed).toMatchObject({ ok: true })
    })

    test('re-sealing gives every record a key of its own', async () => {
      const { store } = await restored()

      const { unreadable } = await resealAll({ store, keyring: ring })

      expect(unreadable).toBe(0)
      for (const { id } of records.sessions) {
        const found = await store.entries.read(id)
        const sealed = [found?.sealed, found?.attributes?.sealed ?? found?.sealed]
        for (const bytes of sealed) expect(bytes && codec.isStale(bytes)).toBe(false)
      }
      const sessions = createSessions({ store, keyring: ring, host: atThatTime(), lookup })
      const { token } = tokens.session
      expect(await sessions.verify({ token, request: onTheTrain() })).toMatchObject({ ok: true })
    })

    test('the event log is read', async () => {
      const { store } = await restored()
      const log = eventLog({ store, keyring: ring satisfies Keyring })

      const { items, unreadable } = await log.read(undefined, 1_000)

      expect(items).toMatchObject(opened.events)
      expect(unreadable).toBe(0)
    })
  }
})
