import { createSessions, newKeyring, systemHost } from 'holdfast'
import { redisStore } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { contend } from '../contender-process.ts'
import { expectUser, REQUEST, userOf } from '../facts.ts'
import { PACED_ROW, PACED_SESSIONS } from '../pace.ts'
import { login } from './estate.ts'

/** Sessions that are used once a second for some minutes, by a clock that does not wait for them. */
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
  // Logins some seconds apart: what each session writes down from time to time does not fall together.
  for (let turn = 0; turn < PACED_SESSIONS; turn++) {
    clock += 2_000
    tokens.push(await login(sessions, userOf(turn)))
  }
  for (const [turn, token] of tokens.entries()) await use(turn, token)

  let at = 0
  const next = (): Promise<void> => {
    const turn = at++ % PACED_SESSIONS
    return use(turn, tokens[turn] ?? '')
  }
  return [{ name: PACED_ROW, run: next }]
})
