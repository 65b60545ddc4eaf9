import { expect, test } from 'vitest'
import { newKeyring } from '../../src/codecs/keyring.ts'
import { createSessions, type Memories } from '../../src/engine/create-sessions.ts'
import { highestNumbers } from '../../src/engine/state/highest-numbers.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { atHome } from '../support/people.ts'

test('an engine tells how many entries its memories have', async () => {
  let count: (() => Memories) | undefined
  const sessions = createSessions({
    store: memoryStore(),
    keyring: newKeyring(),
    onMemories: (given) => {
      count = given
    },
  })
  const before = count?.()

  const request = atHome()
  const one = await sessions.create({ subject: 'ada', request })
  const other = await sessions.create({ subject: 'ada', request })
  if (!one.ok || !other.ok) throw new Error('a login is refused')
  await sessions.verify({ token: other.token, request })
  await sessions.revoke(one.session.id, { reason: 'test' })
  await sessions.revokeSubject({ subject: 'ada' }, { reason: 'test' })

  const none = { records: 0, cacheBytes: 0, copies: 0, touches: 0, versions: 0, told: 0, ended: 0 }
  expect(before).toEqual(none)
  expect(count?.()).toMatchObject({ records: 2, versions: 2, ended: 2 })
})

test('a flood of keys leaves as many as are kept', () => {
  const numbers = highestNumbers()

  for (let key = 0; key < 100_100; key++) numbers.note(`${key}`, 1)

  expect(numbers.size()).toBe(100_000)
})
