import { redisStore } from 'holdfast/redis'
import { createClient } from 'redis'
import { contend } from '../contender-process.ts'
import { verifications } from './estate.ts'

await contend(async ({ redisPort }) => {
  const client = createClient({ socket: { host: '127.0.0.1', port: redisPort } })
  await client.connect()
  const prefix = (name: string): string => `node-redis:${name}:`
  return verifications('Redis (node-redis)', (name, now) =>
    redisStore({ client, prefix: prefix(name), now }),
  )
})
