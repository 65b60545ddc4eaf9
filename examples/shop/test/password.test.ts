import { expect, test } from 'vitest'
import { attempts } from '../src/users/attempts.ts'
import { DEMO_USERS, directory } from '../src/users/directory.ts'

test('knows a user by the right password only', async () => {
  const users = await directory(DEMO_USERS)

  expect((await users.authenticate('ada', 'analytical-engine'))?.name).toBe('Ada Lovelace')
  expect(await users.authenticate('ada', 'vitamin-sea')).toBeUndefined()
  expect(await users.authenticate('nobody', 'analytical-engine')).toBeUndefined()
})

test('refuses further tries at a name after ten wrong ones, until five minutes have passed', () => {
  let now = 0
  const tries = attempts(() => now)

  for (let i = 0; i < 10; i++) tries.failed('ada')

  expect(tries.allowed('ada')).toBe(false)
  expect(tries.allowed('linus')).toBe(true)
  now = 5 * 60_000
  expect(tries.allowed('ada')).toBe(true)
})
