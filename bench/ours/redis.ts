import { redisStore } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { contend } from '../contender-process.ts'
import { verifications } from './estate.ts'

await contend(({ redisPort }) => {
  const client = new Redis({ host: '127.0.0.1', port: redisPort })
  return verifications('Redis', (name, now) => redisStore({ client, prefix: `${name}:`, now }))
})
