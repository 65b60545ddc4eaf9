import { contend } from '../contender-process.ts'
import { authOptions, authRows } from './better-auth.ts'
import { AUTH_COOKIE } from './names.ts'
import { redisStorage } from './redis-storage.ts'

await contend(async ({ redisPort }) =>
  authRows(AUTH_COOKIE, authOptions({ secondaryStorage: await redisStorage(redisPort) }, true)),
)
