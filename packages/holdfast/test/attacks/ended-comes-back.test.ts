import { expect, test } from 'vitest'
import { sealingCodec } from '../../src/codecs/codec.ts'
import { newKeyring } from '../../src/codecs/keyring.ts'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { samples } from '../../src/contracts/stores/sample-entry.ts'
import type { SessionEvent } from '../../src/core/events.ts'
import { subjectOf } from '../../src/core/ids.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import { keepingEnded } from '../../src/engine/state/ended.ts'
import { eventWriter } from '../../src/engine/state/events.ts'
import { strict } from '../../src/policies/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { twoEngines } from '../support/copies.ts'
import { describeOnEveryStore } from '../support/every-store.ts'
import { failingOver } from '../support/fail-over.ts'
import { codeOf, type Harness, harness, held, MINUTE, SECOND } from '../support/harness.ts'
import { atHome, lookup } from '../support/people.ts'
import { until } from '../support/until.ts'

const idOf = (token: string): string => token.split('.')[1] ?? ''
const by = { reason: 'test' }

/** Another process that starts after the fail-over, and has seen nothing. */
function fresh({ store, host, keyring }: Harness) {
  return createSessions({ store, host, keyring, lookup })
}

function reported(events: readonly SessionEvent[]): readonly SessionEvent[] {
  return events.filter(({ reason }) => reason === 'store_rolled_back')
}

describeOnEveryStore('a fail-over that lost what ended a session', (open) => {
  test('the process that revoked it refuses it in every way, and says so once', async () => {
    const replicated = failingOver(open)
    const h = await harness(replicated.open)
    const { token, refreshToken } = await h.loginForRefresh({ attributes: { cart: 1 } })
    const begun = await h.sessions.beginStepUp({ token, request: atHome() })
    if (!begun.ok) throw new Error(begun.code)
    const { challenge } = begun
    const id = idOf(token)
    replicated.lag()
    await h.sessions.revoke(id, by)
    replicated.failOver()
    expect(await h.store.entries.read(id)).toBeDefined()
    h.events.length = 0
    const presented = { token, request: atHome() }

    const answers = [
      await h.show(token),
      await h.renew(refreshToken),
      await h.sessions.completeStepUp({ challenge, ...presented, subject: 'ada', amr: ['otp'] }),
    ]

    expect(answers.map(codeOf)).toEqual(Array(3).fill('session_unknown'))
    expect(await h.sessions.beginStepUp(presented)).toMatchObject({ code: 'session_unknown' })
    expect((await h.sessions.list({ subject: 'ada' })).items).toEqual([])
    expect(await h.sessions.show(id)).toBeUndefined()
    await expect(h.sessions.patchAttributes(id, {}, 1)).rejects.toMatchObject({
      code: 'not_found',
    })
    expect(reported(h.events)).toMatchObject([{ type: 'anomaly-detected', session: id }])
  })

  test('the other processes are told: it is ended once more', async () => {
    const replicated = failingOver(open)
    const h = await harness(replicated.open)
    const token = await h.login()
    replicated.lag()
    await h.sessions.logout(token)
    replicated.failOver()
    const head = await h.store.feed.head()

    await h.sessions.list({ subject: 'ada' })

    expect(await fresh(h).verify({ token, request: atHome() })).toMatchObject({
      code: 'session_unknown',
    })
    const { items } = await h.store.feed.read(head, 10)
    expect(items).toMatchObject([
      { kind: 'revoked', session: idOf(token), reason: 'store_rolled_back' },
      { kind: 'event' },
    ])
  })

  test.each([
    ['a logout', async (h: Harness, token: string) => h.sessions.logout(token)],
    [
      'a login in its place',
      async (h: Harness, token: string) => void (await h.login({ previous: token })),
    ],
    ['a login beyond the limit', async (h: Harness) => void (await h.login())],
    [
      'a report that it was not me',
      async (h: Harness, token: string) =>
        h.sessions.report({ kind: 'not_me', session: idOf(token) }),
    ],
    [
      'a changed credential',
      async (h: Harness) => h.sessions.report({ kind: 'credential_changed', subject: 'ada' }),
    ],
  ])('%s holds although the store forgot it', async (_, end) => {
    const replicated = failingOver(open)
    const h = await harness(replicated.open, { sessionLimit: 1, sessionLimitBeyond: 'end_oldest' })
    const token = await h.login()
    h.host.advance(SECOND)
    replicated.lag()
    await end(h, token)
    replicated.failOver()

    expect(codeOf(await h.show(token))).toBe('session_unknown')
    const { items } = await h.sessions.list({ subject: 'ada' })
    expect(items.map(({ id }) => id)).not.toContain(idOf(token))
  })

  test('"log out everywhere but here" spares the one it spared, and nobody else', async () => {
    const replicated = failingOver(open)
    const h = await harness(replicated.open)
    const [here, there] = [await h.login(), await h.login()]
    h.host.advance(SECOND)
    replicated.lag()
    await h.sessions.revokeSubject({ subject: 'ada' }, { ...by, except: idOf(here) })
    replicated.failOver()
    h.host.advance(SECOND)

    expect(codeOf(await h.show(there))).toBe('session_unknown')
    expect(codeOf(await h.show(here))).toBe('ok')
    const { items } = await h.sessions.list({ subject: 'ada' })
    expect(items.map(({ id }) => id)).toEqual([idOf(here)])
    expect(await fresh(h).verify({ token: there, request: atHome() })).toMatchObject({ ok: false })
    expect(reported(h.events)).toMatchObject([{ type: 'anomaly-detected', session: null }])
    expect(codeOf(await h.show(await h.login()))).toBe('ok')
  })

  test('the spared one is found first, too', async () => {
    const replicated = failingOver(open)
    const h = await harness(replicated.open)
    const [here, there] = [await h.login(), await h.login()]
    h.host.advance(SECOND)
    replicated.lag()
    await h.sessions.revokeSubject({ subject: 'ada' }, { ...by, except: idOf(here) })
    replicated.failOver()

    const { items } = await h.sessions.list({ subject: 'ada' })

    expect(items.map(({ id }) => id)).toEqual([idOf(here)])
    expect(codeOf(await h.show(here))).toBe('ok')
    expect(codeOf(await h.show(there))).toBe('session_unknown')
  })

  test('a session that was dead when it was to be spared stays dead', async () => {
    const replicated = failingOver(open)
    const h = await harness(replicated.open)
    const [first, second] = [await h.login(), await h.login()]
    h.host.advance(SECOND)
    replicated.lag()
    await h.sessions.revoke(idOf(first), by)
    await h.sessions.revokeSubject({ subject: 'ada' }, by)
    for (const token of [first, second]) {
      await h.sessions.revokeSubject({ subject: 'ada' }, { ...by, except: idOf(token) })
    }
    replicated.failOver()

    expect(codeOf(await h.show(second))).toBe('session_unknown')
    expect(codeOf(await h.show(first))).toBe('session_unknown')
  })

  test('a login that began before "log out everywhere" comes too late all the same', async () => {
    const replicated = failingOver(open)
    let late: (() => Promise<unknown>) | undefined
    const h = await harness(async (now) => {
      const store = await replicated.open(now)
      return {
        ...store,
        entries: {
          ...store.entries,
          async write(entry, options) {
            await late?.()
            return store.entries.write(entry, options)
          },
        },
      }
    })
    await h.login()
    late = async () => {
      late = undefined
      replicated.lag()
      await h.sessions.revokeSubject({ subject: 'ada' }, by)
      replicated.failOver()
    }

    await h.sessions.create({ subject: 'ada', request: atHome() })

    expect((await h.sessions.list({ subject: 'ada' })).items).toEqual([])
  })

  test('what the engine itself revoked, for two holders, stays revoked', async () => {
    const replicated = failingOver(open)
    const h = await harness(replicated.open, { policy: strict() })
    const { token: stolen, refreshToken } = await h.loginForRefresh()
    h.host.advance(6 * MINUTE)
    const rotated = held(stolen, await h.show(stolen))
    expect(codeOf(await h.show(rotated))).toBe('ok')
    h.host.advance(5 * MINUTE)
    replicated.lag()
    expect(codeOf(await h.show(stolen))).toBe('session_revoked')
    replicated.failOver()

    expect(codeOf(await h.show(rotated))).toBe('session_unknown')
    expect(codeOf(await h.renew(refreshToken))).toBe('session_unknown')
  })

  test('no local copy lets it pass either', async () => {
    const replicated = failingOver(open)
    const h = await twoEngines(replicated.open)
    const token = await h.login()
    await h.copied(token)
    replicated.lag()
    await h.near.revoke(idOf(token), by)
    replicated.failOver()

    for (let i = 0; i < 5; i++) expect(codeOf(await h.showNear(token))).toBe('session_unknown')
  })
})

test('an answer that was on its way when the session ended is no rolled back store', async () => {
  const h = await harness(async (now) => memoryStore({ now }))
  const token = await h.login()
  const found = await h.store.entries.read(idOf(token))
  const events: SessionEvent[] = []
  const sessions = createSessions({
    host: h.host,
    keyring: h.keyring,
    lookup,
    store: { ...h.store, entries: { ...h.store.entries, read: async () => found } },
    onEvent: (event) => events.push(event),
  })

  await sessions.revoke(idOf(token), by)
  await sessions.revokeSubject({ subject: 'ada' }, by)

  expect(await sessions.verify({ token, request: atHome() })).toMatchObject({
    code: 'session_unknown',
  })
  expect(reported(events)).toEqual([])
})

test('no generation is given twice, though it was lost and the clock was set back', async () => {
  const host = fakeHost()
  const subject = samples(host).subject()
  const codec = sealingCodec(newKeyring(host), host)
  let store = memoryStore({ now: host.now })
  const writer = eventWriter({ codec, host, feed: store.feed, onEvent: undefined })
  const subjects = new Proxy(store.subjects, {
    get: (_, name) => Reflect.get(store.subjects, name),
  })
  const keeping = keepingEnded(
    { ...store, subjects },
    { host, eventWriter: writer, onWarning: () => {} },
  )
  const end = { at: host.now() + MINUTE, reason: 'test' }

  const first = await keeping.subjects.revoke(subject, end)
  store = memoryStore({ now: host.now })
  const again = await keeping.subjects.revoke(subject, { ...end, at: host.now() })

  expect((await store.subjects.read(subject)).generation).toBe(again)
  expect(again).toBeGreaterThan(first)
})

test('nothing is given again once the store is closed', async () => {
  const host = fakeHost()
  const make = samples(host)
  const store = memoryStore({ now: host.now })
  const codec = sealingCodec(newKeyring(host), host)
  let rollBack = () => {}
  let reads = 0
  const keeping = keepingEnded(
    {
      ...store,
      entries: {
        ...store.entries,
        async read() {
          reads++
          await keeping.close()
          return undefined
        },
      },
      onRollback(heard) {
        rollBack = () => heard([])
        return () => {}
      },
    },
    {
      ...{ host, onWarning: () => {} },
      eventWriter: eventWriter({ codec, host, feed: store.feed, onEvent: undefined }),
    },
  )
  for (let i = 0; i < 200; i++) {
    const { id } = make.entry()
    await keeping.entries.revoke(id, { reason: 'test', at: host.now() })
  }

  rollBack()
  await until('the first were looked for', () => reads > 0)
  await new Promise((resolve) => setImmediate(resolve))

  expect(reads).toBeLessThan(200)
})

test('as many endings are remembered as there is room for, the newest ones', async () => {
  const host = fakeHost()
  const make = samples(host)
  const store = memoryStore({ now: host.now })
  const codec = sealingCodec(newKeyring(host), host)
  const writer = eventWriter({ codec, host, feed: store.feed, onEvent: undefined })
  const forgetful = {
    ...store,
    entries: { ...store.entries, revoke: async () => true },
    subjects: { ...store.subjects, revoke: async () => host.now() },
  }
  const keeping = keepingEnded(forgetful, {
    ...{ host, eventWriter: writer, max: 3 },
    onWarning: () => {},
  })
  const ended = Array.from({ length: 5 }, () => make.entry())
  const everywhere = Array.from({ length: 5 }, () => make.entry())
  for (const entry of [...ended, ...everywhere]) await store.entries.write(entry)

  for (const { id } of ended) {
    await keeping.entries.revoke(id, { reason: 'test', at: host.now() })
  }
  for (const { id } of everywhere) {
    await keeping.subjects.revoke(subjectOf(id), { reason: 'test', at: host.now() })
  }

  const found = async (entries: typeof ended): Promise<boolean[]> =>
    Promise.all(entries.map(async ({ id }) => (await keeping.entries.read(id)) !== undefined))
  expect(await found(ended)).toEqual([true, true, false, false, false])
  host.advance(1)
  expect(await found(everywhere)).toEqual([true, true, false, false, false])
})
