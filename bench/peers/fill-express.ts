import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'
import { contend } from '../contender-process.ts'
import { FILL, fillUser } from '../fill.ts'
import { inTurns } from '../rounds.ts'
import { expressOn } from './express-session.ts'

/** Fills a Redis by logging in, and has nothing to measure. */
await contend(async ({ redisPort }) => {
  const client = createClient({ socket: { host: '127.0.0.1', port: redisPort } })
  await client.connect()
  const { login } = expressOn(new RedisStore({ client }))
  await inTurns(FILL, (turn) => login(fillUser(turn)))
  return []
})
