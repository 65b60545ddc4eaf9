import { betterAuth } from 'better-auth'
import { answerSubjects, SUBJECT_SESSIONS } from '../subject-process.ts'
import { authLogin, authOptions, authUser } from './better-auth.ts'
import { redisStorage } from './redis-storage.ts'

answerSubjects(async (redisPort) => {
  const auth = betterAuth(authOptions({ secondaryStorage: await redisStorage(redisPort) }))

  return async (name) => {
    const user = await authUser(auth, name)
    let headers = await authLogin(auth, user)
    // One after another: logins of one user at the same time would lose each other's entry in its
    // list.
    for (let more = 1; more < SUBJECT_SESSIONS; more++) headers = await authLogin(auth, user)
    return {
      list: async () => (await auth.api.listSessions({ headers })).length,
      revoke: () => auth.api.revokeSessions({ headers }),
      left: async () => ((await auth.api.getSession({ headers })) === null ? 0 : 1),
    }
  }
})
