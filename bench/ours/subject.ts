import { createSessions, newKeyring } from 'holdfast'
import { redisStore } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { inTurns } from '../rounds.ts'
import { answerSubjects, SUBJECT_SESSIONS } from '../subject-process.ts'
import { login } from './estate.ts'

const PAGE = 200

answerSubjects(async (redisPort) => {
  const client = new Redis({ host: '127.0.0.1', port: redisPort })
  const sessions = createSessions({ store: redisStore({ client }), keyring: newKeyring() })

  async function count(subject: string): Promise<number> {
    let total = 0
    let after: string | undefined
    do {
      const page = { limit: PAGE, ...(after === undefined ? {} : { after }) }
      const { items, next } = await sessions.list({ subject }, page)
      total += items.length
      after = next
    } while (after !== undefined)
    return total
  }

  return async (user) => {
    await inTurns(SUBJECT_SESSIONS, () => login(sessions, user))
    return {
      list: () => count(user),
      revoke: () => sessions.revokeSubject({ subject: user }, { reason: 'logout_everywhere' }),
      left: () => count(user),
    }
  }
})
