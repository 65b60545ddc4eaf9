import { createSessions, newKeyring, systemHost } from 'holdfast'
import { redisStore } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { contend } from '../contender-process.ts'
import { expectUser, REQUEST, userOf } from '../facts.ts'
import { PACED_ROW, PACED_SESSIONS } from '../pace.ts'
import { login } from './estate.ts'

/** A sixtieth of the idle timeout. */
const TOUCHED_EVERY_MS = 120_000

/**
 * Sessions that are used once a second for some minutes, by a clock that does not wait for them.
 */
await contend(async ({ redisPort }) => {
  const client = new Redis({ host: '127.0.0.1', port: redisPort })
  let clock = Date.now()
  const now = (): number => Math.floor(clock)
  const sessions = createSessions({
    store: redisStore({ client, now }),
    keyring: newKeyring(),
    host: { ...systemHost(), now },
  })

  async function use(turn: number, token: string): Promise<void> {
    clock += 1_000 / PACED_SESSIONS
    const answer = await sessions.verify({ token, request: REQUEST })
    if (!answer.ok) throw new Error(`A verification was refused: ${answer.code}`)
    expectUser(answer.session.subject, userOf(turn))
  }

  const tokens: string[] = []
  // Logins apart: what each session writes down from time to time does not fall together.
  for (let turn = 0; turn < PACED_SESSIONS; turn++) {
    clock += TOUCHED_EVERY_MS / PACED_SESSIONS
    const token = await login(sessions, userOf(turn))
    await use(turn, token)
    tokens.push(token)
  }

  let at = 0
  const next = (): Promise<void> => {
    const turn = at++ % PACED_SESSIONS
    return use(turn, tokens[turn] ?? '')
  }
  return [{ name: PACED_ROW, run: next }]
})
