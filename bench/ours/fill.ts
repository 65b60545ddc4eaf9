import { createSessions, newKeyring } from 'holdfast'
import { redisStore } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { contend } from '../contender-process.ts'
import { FILL, fillUser } from '../fill.ts'
import { inTurns } from '../rounds.ts'
import { login } from './estate.ts'

/** Fills a Redis by logging in, with the store as it is by default, and has nothing to measure. */
await contend(async ({ redisPort }) => {
  const client = new Redis({ host: '127.0.0.1', port: redisPort })
  const sessions = createSessions({ store: redisStore({ client }), keyring: newKeyring() })
  await inTurns(FILL, (turn) => login(sessions, fillUser(turn)))
  return []
})
