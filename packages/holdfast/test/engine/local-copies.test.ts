import { spawnSync } from 'node:child_process'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { newKeyring, rotateKeyring } from '../../src/codecs/keyring.ts'
import { SessionError } from '../../src/core/errors.ts'
import type { FeedEntry, Heartbeat } from '../../src/core/feed.ts'
import type { Verification } from '../../src/core/sessions.ts'
import type { Found, Store } from '../../src/core/store.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import { resealAll } from '../../src/maintenance/reseal.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { type Compiled, compiled } from '../support/compiled.ts'
import { gated, twoEngines, withFeed, withRead } from '../support/copies.ts'
import { describeOnEveryStore } from '../support/every-store.ts'
import { collectGarbage } from '../support/garbage.ts'
import { codeOf, HOUR, harness, held, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { abroad, atHome, lookup, onTheTrain } from '../support/people.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

describeOnEveryStore('local copies', (open) => {
  test('what another engine revokes is refused as soon as the feed has told of it', async () => {
    const h = await twoEngines(open)
    const token = await h.login()
    await h.copied(token)

    await h.sessions.revoke(idOf(token), { reason: 'admin' })

    await h.untilNear(token, 'session_unknown')
    expect(codeOf(await h.showNear(token))).toBe('session_unknown')
  })

  test('logging out everywhere in another engine ends the copies of one subject', async () => {
    const h = await twoEngines(open)
    const [first, second] = [await h.login(), await h.login()]
    const other = await h.login({ subject: 'grace' })
    for (const token of [first, second, other]) await h.copied(token)

    await h.sessions.revokeSubject({ subject: 'ada' }, { reason: 'logout_everywhere' })

    await h.untilNear(first, 'session_unknown')
    expect(codeOf(await h.showNear(second))).toBe('session_unknown')
    const before = h.asked.hit
    expect(codeOf(await h.showNear(other))).toBe('ok')
    expect(h.asked.hit).toBe(before + 1)
  })

  test('the session that logging out everywhere spares goes on', async () => {
    const h = await twoEngines(open)
    const [spared, ended] = [await h.login(), await h.login()]
    for (const token of [spared, ended]) await h.copied(token)

    await h.sessions.revokeSubject(
      { subject: 'ada' },
      { reason: 'logout_everywhere', except: idOf(spared) },
    )

    await h.untilNear(ended, 'session_unknown')
    await h.copied(spared)
  })

  test('a step-up in another engine ends the old token, and the new one shows it', async () => {
    const h = await twoEngines(open)
    const token = await h.login()
    await h.copied(token)

    const after = held(token, await h.stepUp(token, onTheTrain()))

    await h.untilNear(token, 'token_superseded')
    await h.untilNear(after, 'ok')
  })

  test('attributes that another engine changes are seen', async () => {
    const h = await twoEngines(open)
    const token = await h.login()
    await h.copied(token)

    await h.sessions.patchAttributes(idOf(token), { cart: 3 }, 0)

    await until('the change is seen', async () => {
      const answer = await h.showNear(token)
      return answer.ok && answer.session.attributesVersion === 1
    })
    await h.copied(token)
    const answer = await h.showNear(token)
    expect(answer.ok && answer.session.attributes).toEqual({ cart: 3 })
  })

  test('what the engine itself ends or changes is so at once', async () => {
    const h = await twoEngines(open)
    const [revoked, out, everywhere] = [
      await h.login(),
      await h.login(),
      await h.login({ subject: 'grace' }),
    ]
    for (const token of [revoked, out, everywhere]) await h.copied(token)

    await h.near.patchAttributes(idOf(revoked), { x: 1 }, 0)
    const changed = await h.showNear(revoked)
    await h.near.revoke(idOf(revoked), { reason: 'admin' })
    await h.near.logout(out)
    await h.near.revokeSubject({ subject: 'grace' }, { reason: 'admin' })

    expect(changed.ok && changed.session.attributes).toEqual({ x: 1 })
    for (const token of [revoked, out, everywhere]) {
      expect(codeOf(await h.showNear(token))).toBe('session_unknown')
    }
  })

  test('a read that was overtaken by a revocation is not kept', async () => {
    const gate = gated()
    const h = await twoEngines(open, { through: gate.through })
    const [other, token] = [await h.login({ subject: 'grace' }), await h.login()]
    await h.copied(other)

    gate.shut('reads')
    const answer = h.showNear(token)
    await gate.waiting()
    await h.sessions.revoke(idOf(token), { reason: 'admin' })
    await h.sessions.patchAttributes(idOf(other), { heard: true }, 0)
    gate.open('reads')
    await answer
    await until('the feed was heard', async () => {
      const heard = await h.showNear(other)
      return heard.ok && heard.session.attributesVersion === 1
    })

    expect(codeOf(await h.showNear(token))).toBe('session_unknown')
  })
})

describe('a copy of a session in use', () => {
  /** A store whose reads are counted and may fail or wait, and whose feed tells when told to. */
  async function underControl() {
    const reads = { count: 0, answer: (found: Promise<Found | undefined>) => found }
    const told: (FeedEntry | Heartbeat)[] = []
    let wake = (): void => {}
    const through = (store: Store): Store => ({
      ...withFeed(store, {
        async *watch() {
          for (;;) {
            yield* told.splice(0)
            await new Promise<void>((resolve) => {
              wake = resolve
            })
          }
        },
      }),
      entries: {
        ...store.entries,
        read(id) {
          reads.count++
          return reads.answer(store.entries.read(id))
        },
      },
    })
    const h = await twoEngines(inMemory, { through })

    async function tell(entry: FeedEntry | Heartbeat): Promise<void> {
      told.push(entry)
      wake()
      await nextTurn()
    }
    async function pass(...spans: readonly number[]): Promise<void> {
      for (const ms of spans) {
        h.host.advance(ms)
        await tell({ kind: 'heartbeat', cursor: '', ageMs: 0 })
      }
    }
    const token = await h.login()
    await h.showNear(token)
    await pass(0)
    await h.showNear(token)
    await h.copied(token)
    reads.count = 0
    return { ...h, token, reads, tell, pass }
  }

  test('is read afresh once, after the answers, before its lease ends', async () => {
    const h = await underControl()
    const { hit } = h.asked

    await h.pass(2_000, 1_500)
    await Promise.all([h.showNear(h.token), h.showNear(h.token)])
    const answered = h.reads.count
    await nextTurn()
    await h.pass(2_000, 900)
    await h.showNear(h.token)

    expect(answered).toBe(0)
    expect(h.reads.count).toBe(1)
    expect(h.asked.hit).toBe(hit + 3)
  })

  test('ends with its lease where that read fails, and the next request reports it', async () => {
    const h = await underControl()
    h.reads.answer = () => Promise.reject(new SessionError('store_unavailable', 'away'))

    await h.pass(2_000, 1_500)
    expect(codeOf(await h.showNear(h.token))).toBe('ok')
    await nextTurn()
    expect(codeOf(await h.showNear(h.token))).toBe('ok')
    await h.pass(1_500)

    await expect(h.showNear(h.token)).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(h.reads.count).toBe(2)
  })

  test('is not renewed by a read that a revocation has overtaken', async () => {
    const h = await underControl()
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    h.reads.answer = async (found) => {
      const before = await found
      await released
      return before
    }

    await h.pass(2_000, 1_500)
    expect(codeOf(await h.showNear(h.token))).toBe('ok')
    await until('it is read', () => h.reads.count === 1)
    await h.sessions.revoke(idOf(h.token), { reason: 'admin' })
    const where = { partition: 0, sequence: 1, cursor: '' }
    const ended = { kind: 'revoked', session: idOf(h.token), at: 0, until: 0, reason: 'admin' }
    await h.tell({ ...where, ...ended } as FeedEntry)
    h.reads.answer = (found) => found
    release()
    await nextTurn()

    expect(codeOf(await h.showNear(h.token))).toBe('session_unknown')
  })
})

describe('a copy whose lease is over', () => {
  type Alter = (found: Found) => Found

  /** A copy of 30 s ago, an engine whose keys may go, and a store that answers what it is told. */
  async function of30Seconds() {
    let alter: Alter = (found) => found
    const far = await harness(inMemory)
    const { store, host, keyring } = far
    let ring = rotateKeyring(keyring, host)
    const near = createSessions({
      store: withRead(store, (found) => alter(found)),
      host,
      lookup,
      localCopies: true,
      keyring: {
        ...keyring,
        get current() {
          return ring.current
        },
        get keys() {
          return ring.keys
        },
      },
    })
    const token = await far.login({ attributes: { roles: ['buyer'] } })
    const another = await far.login()
    await resealAll({ store, keyring: ring })
    const show = (): Promise<Verification> => near.verify({ token, request: atHome() })
    for (const ms of [0, 0, 30 * SECOND]) {
      await show()
      await nextTurn()
      host.advance(ms)
    }
    return {
      ...far,
      token,
      another,
      show,
      alter(change: Alter) {
        alter = change
      },
      /** Back to the ring of before, without the key that seals the record. */
      takeKey() {
        ring = keyring
      },
    }
  }

  const flipped = (bytes: Uint8Array): Uint8Array =>
    Uint8Array.from(bytes, (byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte))

  test.each<[string, Alter]>([
    ['a byte of the record', (found) => ({ ...found, sealed: flipped(found.sealed) })],
    ['the version', (found) => ({ ...found, version: found.version + 1 })],
    ['the generation', (found) => ({ ...found, generation: found.generation - 1 })],
    ['the deadline', (found) => ({ ...found, deadline: found.deadline + 1 })],
    ['the idle time', (found) => ({ ...found, idleMs: found.idleMs + 1 })],
    ['the instant of the login', (found) => ({ ...found, createdAt: found.createdAt - 1 })],
    [
      'a byte of the attributes',
      (found) => ({
        ...found,
        attributes: found.attributes && {
          ...found.attributes,
          sealed: flipped(found.attributes.sealed),
        },
      }),
    ],
    [
      'the version of the attributes',
      (found) => ({
        ...found,
        attributes: found.attributes && { ...found.attributes, version: 2 },
      }),
    ],
    ['all attributes', (found) => ({ ...found, attributes: undefined })],
  ])('does not stand in for a store that has changed %s', async (_, change) => {
    const h = await of30Seconds()
    expect(codeOf(await h.show())).toBe('ok')
    h.host.advance(30 * SECOND)

    h.alter(change)

    await expect(h.show()).rejects.toMatchObject({ code: 'record_invalid' })
  })

  test('keeps nothing of what the store answered together with it', async () => {
    const answered: WeakRef<ArrayBufferLike>[] = []
    const amongOthers = (found: Found): Found => {
      const chunk = Buffer.alloc(65_536)
      answered.push(new WeakRef(chunk.buffer))
      const view = (bytes: Uint8Array, at: number): Uint8Array => {
        chunk.set(bytes, at)
        return chunk.subarray(at, at + bytes.length)
      }
      const { sealed, attributes } = found
      return {
        ...found,
        sealed: view(sealed, 0),
        attributes: attributes && { ...attributes, sealed: view(attributes.sealed, 20_000) },
      }
    }
    const h = await twoEngines(inMemory, { through: (store) => withRead(store, amongOthers) })
    const token = await h.login({ attributes: { roles: ['buyer'] } })
    for (const ms of [0, 10 * SECOND, 3 * MINUTE, 10 * SECOND]) {
      h.host.advance(ms)
      await h.copied(token)
    }
    const before = { read: answered.length, hit: h.asked.hit }

    await nextTurn()
    collectGarbage()

    expect(before.read).toBeGreaterThan(3)
    expect(answered.filter((chunk) => chunk.deref() !== undefined)).toEqual([])
    expect(codeOf(await h.showNear(token))).toBe('ok')
    expect({ read: answered.length, hit: h.asked.hit }).toEqual({ ...before, hit: before.hit + 1 })
  })

  test('does not stand in for the record of another session under its own id', async () => {
    const h = await of30Seconds()
    const other = await h.store.entries.read(idOf(h.another))
    if (other === undefined) throw new Error('there is no such session')
    h.host.advance(30 * SECOND)

    h.alter(() => other)
    expect(codeOf(await h.show())).not.toBe('ok')
    h.alter(() => ({ ...other, id: idOf(h.token) }))

    await expect(h.show()).rejects.toMatchObject({ code: 'record_invalid' })
  })

  test('does not stand in for a record whose key has left the ring', async () => {
    const h = await of30Seconds()
    expect(codeOf(await h.show())).toBe('ok')
    h.host.advance(30 * SECOND)

    h.takeKey()

    await expect(h.show()).rejects.toMatchObject({ code: 'key_unknown' })
  })

  test('takes over the activity that the store has noted', async () => {
    const h = await of30Seconds()
    const id = idOf(h.token)
    await h.store.entries.touch([{ id, at: h.host.now() }])
    expect(codeOf(await h.show())).toBe('ok')

    h.host.advance(2 * HOUR - 1)
    expect(codeOf(await h.show())).toBe('ok')
    h.host.advance(2 * HOUR)

    expect(codeOf(await h.show())).toBe('session_expired')
  })
})

describe('a copy is not asked', () => {
  test('for a sensitive route, a requirement, a due rotation, or a difference', async () => {
    const h = await twoEngines(inMemory)
    const token = await h.login({ acr: 'urn:mfa' })
    await h.copied(token)
    const { hit } = h.asked

    await h.showNear(token, { acr: 'urn:mfa' })
    await h.showNear(token, { maxAgeMs: HOUR })
    await h.showNear(token, { request: abroad() })
    const rotated = await h.showNear(token, { sensitivity: 'sensitive' })

    expect(h.asked.hit).toBe(hit)
    expect(rotated.ok && rotated.token).toBeTruthy()
    h.host.advance(6 * MINUTE)
    await h.copied(held(token, await h.showNear(held(token, rotated))))
  })

  test('for a secret that is not the newest', async () => {
    const h = await twoEngines(inMemory)
    const token = await h.login()
    const newest = held(token, await h.showNear(token, { sensitivity: 'sensitive' }))
    await h.copied(newest)
    const { hit } = h.asked

    expect(codeOf(await h.showNear(token))).toBe('ok')
    expect(h.asked.hit).toBe(hit)
  })

  test('when it or the feed was read too long ago, or the clock was set back', async () => {
    const h = await twoEngines(inMemory)
    const token = await h.login()

    for (const ms of [3 * SECOND, 5 * SECOND]) {
      await h.copied(token)
      const { hit } = h.asked
      h.host.advance(ms)
      expect(codeOf(await h.showNear(token))).toBe('ok')
      expect(h.asked.hit).toBe(hit)
    }

    let now = h.host.now()
    const asked: string[] = []
    const store = memoryStore({ now: () => now })
    const host = { ...h.host, now: () => now }
    const sessions = createSessions({
      store,
      host,
      keyring: h.keyring,
      localCopies: { onAsked: (state) => asked.push(state) },
    })
    const request = { ip: '192.0.2.10', method: 'GET', url: '/', headers: {} }
    const created = await sessions.create({ subject: 'ada', request })
    const shown = { token: created.ok ? created.token : '', request }
    await until('a copy answers', async () => {
      await sessions.verify(shown)
      return asked.at(-1) === 'hit'
    })
    now -= 1
    await sessions.verify(shown)
    expect(asked.at(-1)).toBe('miss')
    await store.close()
  })

  test('for idleness: who was silent for too long is asked about afresh, and expired', async () => {
    const h = await twoEngines(inMemory)
    const token = await h.login()
    await h.copied(token)

    h.host.advance(2 * HOUR)

    expect(codeOf(await h.showNear(token))).toBe('session_expired')
  })

  test('of a session beyond the bound: those that were read first make room', async () => {
    const h = await twoEngines(inMemory, { max: 2 })
    const tokens = [await h.login(), await h.login(), await h.login()]
    for (const token of tokens) await h.copied(token)
    const asked: string[] = []

    for (const token of tokens.toReversed()) {
      const { hit } = h.asked
      await h.showNear(token)
      asked.push(h.asked.hit > hit ? 'hit' : 'miss')
    }

    expect(asked).toEqual(['hit', 'hit', 'miss'])
  })

  test('after a gap in the feed, until the feed is followed anew', async () => {
    let fail: (error: Error) => void = () => {}
    const h = await twoEngines(inMemory, {
      through: (store) =>
        withFeed(store, {
          async *watch(after, stop, options) {
            const failed = new Promise<never>((_, reject) => {
              fail = reject
            })
            const source = store.feed.watch(after, stop, options)[Symbol.asyncIterator]()
            for (;;) {
              const next = await Promise.race([source.next(), failed])
              if (next.done === true) return
              yield next.value
            }
          },
        }),
    })
    const token = await h.login()
    await h.copied(token)
    const { hit } = h.asked

    fail(new SessionError('feed_gap', 'entries are missing'))
    await new Promise((resolve) => setImmediate(resolve))

    expect(codeOf(await h.showNear(token))).toBe('ok')
    expect(h.asked.hit).toBe(hit)
    await h.copied(token)
  })
})

test('in an outage copies end with their proof, and nothing is decided', async () => {
  const server = await startRedis()
  onTestFinished(() => server.close())
  const client = new Redis({ port: server.port, retryStrategy: () => 50 })
  client.on('error', () => {})
  onTestFinished(() => client.disconnect())
  const h = await twoEngines(async (now) => redisStore({ client, now, timeout: 1_000 }))
  const token = await h.login()
  await h.copied(token)

  server.pause()
  await until('the outage is seen', async () => {
    const outcome = await h.showNear(token).catch((error: SessionError) => error.code)
    if (typeof outcome !== 'string') expect(codeOf(outcome)).toBe('ok')
    return outcome === 'store_unavailable'
  })
  server.resume()

  await until('it is over', async () => {
    const outcome = await h.showNear(token).catch(() => undefined)
    return outcome?.ok === true
  })
  await h.copied(token)
})

describe('the follower', () => {
  let built: Compiled
  beforeAll(() => {
    built = compiled('engine/create-sessions.ts', 'stores/memory.ts', 'stores/lmdb.ts')
  })
  afterAll(() => built.remove())

  test.each([
    ['memory', "import { memoryStore } from './stores/memory.js'\nconst store = memoryStore()"],
    [
      'LMDB',
      "import { lmdbStore } from './stores/lmdb.js'\nconst store = lmdbStore({ path: " +
        'process.argv[2] })',
    ],
  ])('keeps no process alive: %s', (name, open) => {
    const script = built.script(
      `${name}.js`,
      `import { createSessions } from './engine/create-sessions.js'
import { newKeyring } from './codecs/keyring.js'
${open}
let hits = 0
const localCopies = { onAsked: (state) => { if (state === 'hit') hits++ } }
const sessions = createSessions({ store, keyring: newKeyring(), localCopies })
const request = { ip: '192.0.2.10', method: 'GET', url: '/', headers: {} }
const { token } = await sessions.create({ subject: 'ada', request })
while (hits === 0) {
  await sessions.verify({ token, request })
  await new Promise((resolve) => setImmediate(resolve))
}
process.stdout.write('done')`,
    )

    const run = spawnSync(process.execPath, [script, `${built.directory}/${name}-data`], {
      encoding: 'utf8',
      timeout: 60_000,
    })

    expect(run.stderr).toBe('')
    expect(run).toMatchObject({ status: 0, stdout: 'done' })
  })

  test('ends with its store', async () => {
    let followers = 0
    const h = await twoEngines(inMemory, {
      through: (store) =>
        withFeed(store, {
          async *watch(after, stop, options) {
            followers++
            yield* store.feed.watch(after, stop, options)
            followers--
          },
        }),
    })
    await h.copied(await h.login())
    expect(followers).toBe(1)

    await h.store.close()

    await until('it has ended', async () => followers === 0)
  })
})

test('a bound that is no whole number above 0 is refused', () => {
  for (const max of [0, -1, 1.5, Number.NaN]) {
    const options = { store: memoryStore(), keyring: newKeyring(), localCopies: { max } }
    expect(() => createSessions(options)).toThrow(/localCopies\.max/)
  }
})

function idOf(token: string): string {
  return token.split('.')[1] ?? ''
}
