import { expect, test } from 'vitest'
import { type Keyring, rotateKeyring } from '../../src/codecs/keyring.ts'
import { CODES } from '../../src/core/errors.ts'
import type { SessionEvent } from '../../src/core/events.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import { eventLog } from '../../src/maintenance/event-log.ts'
import { resealAll } from '../../src/maintenance/reseal.ts'
import { subjectKeys } from '../../src/maintenance/subject-key.ts'
import { describeOnEveryStore } from '../support/every-store.ts'
import { codeOf, type Harness, HOUR, harness, inMemory } from '../support/harness.ts'
import { pastOf } from '../support/pasts.ts'
import { abroad, atHome, lookup, onTheTrain } from '../support/people.ts'

const LOGIN = { subject: 'ada', factors: ['otp'], amr: ['pwd'], request: atHome() }

/** The ring as it is once its older keys have been taken out. */
function alone(ring: Keyring): Keyring {
  return { ...ring, keys: ring.keys.filter(({ id }) => id === ring.current) }
}

/** Turns one bit of the sealed record of a session. */
async function damage({ store }: Harness, token: string): Promise<void> {
  const found = await store.entries.read(token.split('.')[1] ?? '')
  if (found === undefined) throw new Error('there is no such session')
  const { lastActivity: _, attributes: __, ...entry } = found
  const sealed = Uint8Array.from(found.sealed, (byte, at) => (at === 40 ? byte ^ 1 : byte))
  await store.entries.write({ ...entry, version: entry.version + 1, sealed })
}

describeOnEveryStore('keys', (open) => {
  test('after re-sealing without the old key known subjects still log in', async () => {
    const { store, host, keyring, login } = await harness(open)
    await login()
    const rotated = rotateKeyring(keyring, host)

    const done = await resealAll({ store, keyring: rotated })
    const sessions = createSessions({ store, host, keyring: alone(rotated), lookup })
    const created = await sessions.create(LOGIN)

    expect(done).toMatchObject({ read: 2, resealed: 2, unreadable: 0 })
    const answer =
      created.ok &&
      (await sessions.verify({
        token: created.token,
        request: atHome(),
        sensitivity: 'sensitive',
      }))
    expect(answer).toMatchObject({ ok: true })
  })
})

test('re-sealing leaves a history its time', async () => {
  const { store, host, keyring, login } = await harness(inMemory)
  await login()
  const partitions = Array.from({ length: 64 }, (_, partition) => partition)
  const kept = async (): Promise<unknown[]> => {
    const query = (partition: number) => store.subjects.list({ partition, limit: 9 })
    const pages = await Promise.all(partitions.map(query))
    return pages.flatMap(({ items }) => items.map(({ subject, until }) => [subject, until]))
  }
  const before = await kept()
  host.advance(HOUR)

  await resealAll({ store, keyring: rotateKeyring(keyring, host) })

  expect(before).toHaveLength(1)
  expect(await kept()).toEqual(before)
})

test('events under a key that is gone are left out and counted, and the log goes on', async () => {
  const { store, host, keyring, login } = await harness(inMemory)
  await login()
  const rotated = rotateKeyring(keyring, host)
  await resealAll({ store, keyring: rotated })
  const sessions = createSessions({ store, host, keyring: alone(rotated), lookup })
  await sessions.create({ ...LOGIN, subject: 'linus' })
  const warnings: string[] = []
  const log = eventLog({
    store,
    keyring: alone(rotated),
    onWarning: (message) => warnings.push(message),
  })

  const page = await log.read(undefined, 100)
  await log.read(undefined, 100)

  expect(page.items.map(({ type }) => type)).toEqual(['session-established'])
  expect(page.unreadable).toBe(1)
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain(keyring.current)
  const stop = new AbortController()
  const start = (await log.read(undefined, 1)).cursor
  for await (const event of log.follow(start, stop.signal)) {
    expect(event.type).toBe('session-established')
    stop.abort()
  }
})

test('one damaged session hides no other, and keeps none from being re-sealed', async () => {
  const h = await harness(inMemory)
  const [first, second] = [await h.login(), await h.login({ attributes: { a: 1 } })]
  await damage(h, first)
  const rotated = rotateKeyring(h.keyring, h.host)

  const done = await resealAll({ store: h.store, keyring: rotated })
  const sessions = createSessions({ store: h.store, host: h.host, keyring: alone(rotated), lookup })

  expect(done).toEqual({ read: 4, resealed: 3, unreadable: 1 })
  const { items } = await sessions.list({ subject: 'ada' })
  expect(items.map(({ id }) => id)).toEqual([second.split('.')[1]])
  expect(codeOf(await h.show(second).catch(({ code }) => ({ ok: false, code }) as never))).toBe(
    'key_unknown',
  )
})

const DAMAGES = ['altered', 'under a lost key', 'cut short'] as const

async function damageHistory({ store, host, keyring }: Harness, how: string): Promise<void> {
  const key = subjectKeys(keyring)({ subject: 'ada' })
  const { version, sealed = new Uint8Array() } = await store.subjects.read(key)
  const position = how === 'altered' ? 40 : 2
  const bytes = Uint8Array.from(sealed, (byte, at) => (at === position ? byte ^ 1 : byte))
  const next = how === 'cut short' ? bytes.subarray(0, 3) : bytes
  await store.subjects.write(key, {
    version: version + 1,
    sealed: next,
    until: host.now() + 24 * HOUR,
  })
}

test.each(DAMAGES)(
  'a history that is %s bars nobody, confirms nothing, and is told of once',
  async (how) => {
    const h = await harness(inMemory)
    const token = await h.login()
    await damageHistory(h, how)

    const another = await h.login({ amr: ['pwd'] })

    expect(codeOf(await h.show(token, onTheTrain()))).toBe('ok')
    expect(codeOf(await h.show(another))).toBe('ok')
    expect(codeOf(await h.show(another, atHome(), { sensitivity: 'sensitive' }))).toBe(
      'step_up_required',
    )
    expect(h.events.filter(({ reason }) => reason === 'history_unreadable')).toHaveLength(1)
  },
)

test.each(DAMAGES)('a history that is %s never looks like a first login', async (how) => {
  const h = await harness(inMemory)
  await h.login()
  await damageHistory(h, how)
  const before = (await h.sessions.list({ subject: 'ada' })).items.map(({ id }) => id)

  await h.login({ amr: ['pwd'] })

  const sessions = (await h.sessions.list({ subject: 'ada' })).items
  const [session] = sessions.filter(({ id }) => !before.includes(id))
  expect(session?.contexts.map(({ state }) => state)).toEqual(['provisional'])
  expect((await pastOf(h)).contexts.map(({ state }) => state)).toEqual(['provisional'])
})

test('a real first login confirms where it came from, with the same factor', async () => {
  const h = await harness(inMemory)

  await h.login({ amr: ['pwd'] })

  const [session] = (await h.sessions.list({ subject: 'ada' })).items
  expect(session?.contexts.map(({ state }) => state)).toEqual(['confirmed'])
  expect((await pastOf(h)).contexts.map(({ state }) => state)).toEqual(['confirmed'])
})

test('a failed login leaves a history that does not open as it is', async () => {
  const h = await harness(inMemory)
  await h.login()
  await damageHistory(h, 'altered')
  const key = subjectKeys(h.keyring)({ subject: 'ada' })
  const before = await h.store.subjects.read(key)

  await h.sessions.report({ kind: 'login_failed', subject: 'ada' })

  expect(await h.store.subjects.read(key)).toEqual(before)
})

test('a history that does not open is replaced by the next login that succeeds', async () => {
  const h = await harness(inMemory)
  await h.login()
  await damageHistory(h, 'altered')

  await h.sessions.report({ kind: 'login_failed', subject: 'ada' })
  const thief = await h.login({ amr: ['pwd'], request: abroad() })
  expect(codeOf(await h.show(thief, abroad(), { sensitivity: 'sensitive' }))).toBe(
    'step_up_required',
  )
  await h.login()

  const owner = await h.login({ amr: ['pwd'] })
  expect(codeOf(await h.show(owner, atHome(), { sensitivity: 'sensitive' }))).toBe('ok')
})

test('a token under an unknown key is refused and costs no store access', async () => {
  const h = await harness(inMemory)
  await h.login()
  const rotated = rotateKeyring(h.keyring, h.host)
  const ahead = createSessions({ store: h.store, host: h.host, keyring: rotated, lookup })
  const created = await ahead.create(LOGIN)
  const token = created.ok ? created.token : ''
  const asked = (): never => {
    throw new Error('the store was asked')
  }
  const told: SessionEvent[] = []
  const behind = createSessions({
    store: { ...h.store, entries: { ...h.store.entries, read: asked } },
    host: h.host,
    keyring: h.keyring,
    onEvent: (event) => told.push(event),
  })

  const answer = await behind.verify({ token, request: atHome() })

  expect(codeOf(answer)).toBe('token_key_unknown')
  expect(CODES.token_key_unknown.clears).toBe(false)
  expect(told.map(({ type, reason }) => [type, reason])).toEqual([
    ['token-unknown', 'token_key_unknown'],
  ])
  expect(codeOf(await ahead.verify({ token, request: atHome() }))).toBe('ok')
})

test('a logout under an unknown key is not said to be done, a login goes on', async () => {
  const h = await harness(inMemory)
  const ahead = createSessions({
    store: h.store,
    host: h.host,
    keyring: rotateKeyring(h.keyring, h.host),
    lookup,
  })
  const created = await ahead.create(LOGIN)
  const token = created.ok ? created.token : ''

  await expect(h.sessions.logout(token)).rejects.toMatchObject({ code: 'key_unknown' })
  expect(await h.sessions.create({ ...LOGIN, previous: token })).toMatchObject({ ok: true })
})
