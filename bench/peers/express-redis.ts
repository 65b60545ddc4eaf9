import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'
import { contend } from '../contender-process.ts'
import { expressSession } from './express-session.ts'
import { EXPRESS_REDIS } from './names.ts'

await contend(async ({ redisPort }) => {
  const client = createClient({ socket: { host: '127.0.0.1', port: redisPort } })
  await client.connect()
  return expressSession(EXPRESS_REDIS, new RedisStore({ client }))
})
