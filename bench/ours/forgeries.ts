import { createSessions, newKeyring } from 'holdfast'
import { memoryStore } from 'holdfast/memory'
import { contend } from '../contender-process.ts'
import { userOf } from '../facts.ts'
import { login, refusesForgery } from './estate.ts'
import { FORGERY } from './names.ts'

/** Garbage, refused before any store is asked. */
await contend(async () => {
  const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })
  const token = await login(sessions, userOf(0))
  return [{ name: FORGERY, run: () => refusesForgery(sessions, token) }]
})
