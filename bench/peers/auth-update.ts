import { betterAuth } from 'better-auth'
import { contend } from '../contender-process.ts'
import { SESSIONS, userOf } from '../facts.ts'
import { inTurns } from '../rounds.ts'
import { authLogin, authOptions, authUser } from './better-auth.ts'
import { AUTH_UPDATE } from './names.ts'
import { redisStorage } from './redis-storage.ts'

/** What comes next to a rotation there: the session is written anew, under the same token. */
await contend(async ({ redisPort }) => {
  const auth = betterAuth(authOptions({ secondaryStorage: await redisStorage(redisPort) }))
  const logins = await inTurns(SESSIONS, async (turn) =>
    authLogin(auth, await authUser(auth, userOf(turn))),
  )
  let at = 0
  return [
    {
      name: AUTH_UPDATE,
      async run() {
        const turn = at++
        const headers = logins[turn % SESSIONS] ?? new Headers()
        await auth.api.updateSession({ headers, body: { device: `{"turn":${turn}}` } })
      },
    },
  ]
})
