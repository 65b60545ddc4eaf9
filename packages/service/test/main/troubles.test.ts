import { createSessions, newKeyring, SessionError, type Store } from 'holdfast'
import { fakeHost } from 'holdfast/contracts'
import { memoryStore } from 'holdfast/memory'
import { newSigningKeys } from 'holdfast/tokens'
import { expect, test } from 'vitest'
import type { Trouble } from '../../src/audit/trouble.ts'
import { type TroubleOptions, type TroubleWatch, troubleWatch } from '../../src/main/troubles.ts'

const DAY_MS = 86_400_000

interface Watched extends TroubleWatch {
  readonly told: readonly Trouble[]
  failing: boolean
  heard: boolean
  blind: boolean
}

function watched(options: Partial<TroubleOptions> = {}): Watched {
  const host = fakeHost()
  const told: Trouble[] = []
  const state = { told, failing: false, heard: true, blind: false }
  const watch = troubleWatch({
    store: memoryStore(),
    revocations: { ready: () => !state.blind },
    keys: { keyring: newKeyring(host), signingKeys: newSigningKeys({ host }) },
    now: () => host.now(),
    backlogBytes: 256_000_000,
    ...options,
    audit: {
      isFailing: () => state.failing,
      async tell(trouble) {
        if (state.heard) told.push(trouble)
        return state.heard
      },
    },
  })
  return Object.assign(state, watch)
}

async function looks(watch: Watched, times: number): Promise<void> {
  for (let at = 0; at < times; at++) await watch.look()
}

function awayStore(): Store & { away: boolean } {
  const store = memoryStore()
  const feed: Store['feed'] = {
    ...store.feed,
    async head() {
      if (away.away) throw new SessionError('store_unavailable', 'gone')
      return store.feed.head()
    },
  }
  const away = { ...store, feed, away: true }
  return away
}

test('where nothing is wrong, nothing is told', async () => {
  const watch = watched()

  await looks(watch, 10)

  expect(watch.told).toEqual([])
})

test('what lasts is told once, and again only when it was over meanwhile', async () => {
  const watch = watched()

  watch.blind = true
  await looks(watch, 1)
  expect(watch.told).toEqual([])
  await looks(watch, 9)
  expect(watch.told).toEqual(['feed_blind'])
  watch.blind = false
  await looks(watch, 1)
  watch.blind = true
  await looks(watch, 5)

  expect(watch.told).toEqual(['feed_blind', 'feed_blind'])
})

test('what could not be told is told later', async () => {
  const watch = watched()

  watch.blind = true
  watch.heard = false
  await looks(watch, 5)
  watch.heard = true
  await looks(watch, 5)

  expect(watch.told).toEqual(['feed_blind'])
})

test('a store that is away is one trouble, and what waits for it is none', async () => {
  const store = awayStore()
  const watch = watched({ store })

  watch.failing = true
  await looks(watch, 5)
  expect(watch.told).toEqual(['store_unreachable'])
  store.away = false
  await looks(watch, 5)

  expect(watch.told).toEqual(['store_unreachable', 'audit_unwritten'])
})

test('a signing key is overdue after 90 days, a sealing key after 400', async () => {
  const host = fakeHost()
  const keyring = newKeyring(host)
  const signing = { keyring, signingKeys: newSigningKeys({ host }) }
  const told = async (keys: TroubleOptions['keys'], days: number): Promise<readonly Trouble[]> => {
    const watch = watched({ keys, now: () => host.now() + days * DAY_MS })
    await looks(watch, 3)
    return watch.told
  }

  expect(await told(signing, 89)).toEqual([])
  expect(await told(signing, 91)).toEqual(['key_overdue'])
  expect(await told({ keyring, signingKeys: undefined }, 399)).toEqual([])
  expect(await told({ keyring, signingKeys: undefined }, 401)).toEqual(['key_overdue'])
})

test('a backlog of half of what the store keeps for the audit log is told', async () => {
  const host = fakeHost()
  const store = memoryStore({ now: () => host.now() })
  const sessions = createSessions({ store, keyring: newKeyring(host), host })
  const request = { ip: '192.0.2.10', method: 'POST', url: '/', headers: {} }
  const login = () => sessions.create({ subject: 'ada', request })
  await store.feed.hold?.confirm(await store.feed.head())
  const watch = watched({ store, backlogBytes: 1_280_000 })

  for (let at = 0; at < 5; at++) await login()
  await looks(watch, 3)
  expect(watch.told).toEqual([])
  for (let at = 0; at < 10; at++) await login()
  await looks(watch, 3)

  expect(watch.told).toEqual(['audit_unwritten'])
})
