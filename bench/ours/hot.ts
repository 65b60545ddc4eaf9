import { redisStore } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { contend } from '../contender-process.ts'
import { hotVerification } from './estate.ts'

await contend(({ redisPort }) => {
  const client = new Redis({ host: '127.0.0.1', port: redisPort })
  return hotVerification(redisStore({ client, prefix: 'hot:' }))
})
