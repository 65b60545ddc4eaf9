import { expect, test } from 'vitest'
import type { Store } from '../../src/core/store.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import { type Harness, harness, inMemory, MINUTE } from '../support/harness.ts'
import { atHome, lookup } from '../support/people.ts'

/**
 * Somebody between the engine and its store answers once in its place. What he says cannot open,
 * and must not count for what the store itself says later.
 */
function answeredOnceBySomebodyElse(
  { host, keyring, store, events }: Harness,
  change: (genuine: Store) => Partial<Pick<Store, 'entries' | 'subjects'>>,
): { readonly sessions: ReturnType<typeof createSessions>; forge(): void } {
  const forged: Store = { ...store, ...change(store) }
  let lying = false
  const through: Store = {
    ...store,
    entries: {
      ...store.entries,
      read: (id) => (lying ? forged : store).entries.read(id),
    },
    subjects: {
      ...store.subjects,
      read: (subject) => (lying ? forged : store).subjects.read(subject),
    },
  }
  const onEvent = (event: (typeof events)[number]): void => void events.push(event)
  return {
    sessions: createSessions({ store: through, host, keyring, lookup, onEvent }),
    forge() {
      lying = !lying
    },
  }
}

test('a forged answer with the next version makes no true record rolled back', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  const { sessions, forge } = answeredOnceBySomebodyElse(h, ({ entries }) => ({
    entries: {
      ...entries,
      async read(id) {
        const found = await entries.read(id)
        return found && { ...found, version: found.version + 1 }
      },
    },
  }))
  const show = () => sessions.verify({ token, request: atHome(), deliverable: true })
  expect(await show()).toMatchObject({ ok: true })

  forge()
  await expect(show()).rejects.toMatchObject({ code: 'record_invalid' })
  forge()

  expect(await show()).toMatchObject({ ok: true })
  h.host.advance(6 * MINUTE)
  expect(await show()).toMatchObject({ ok: true })
})

test('a history of a version that was made up hides no later one that does not open', async () => {
  const h = await harness(inMemory)
  await h.login()
  const [session] = (await h.sessions.list({ subject: 'ada' })).items
  if (session === undefined) throw new Error('no session')
  let version = 2 ** 31
  const { sessions, forge } = answeredOnceBySomebodyElse(h, ({ subjects }) => ({
    subjects: {
      ...subjects,
      async read(subject) {
        return { ...(await subjects.read(subject)), version }
      },
    },
  }))
  const login = () => sessions.create({ subject: 'ada', request: atHome() })
  const unreadable = () => h.events.filter(({ reason }) => reason === 'history_unreadable').length

  forge()
  await login()
  expect(unreadable()).toBe(1)
  version = 7
  await login()

  expect(unreadable()).toBe(2)
})
