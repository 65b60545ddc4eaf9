import { createSessions, newKeyring, systemHost } from 'holdfast'
import { redisStore } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { contend } from '../contender-process.ts'
import { REQUEST, SESSIONS, userOf } from '../facts.ts'
import { inTurns } from '../rounds.ts'
import { ROTATION } from './names.ts'

/** Each refresh token is shown once, and its successor takes its place. */
await contend(async ({ redisPort }) => {
  const client = new Redis({ host: '127.0.0.1', port: redisPort })
  const store = redisStore({ client, prefix: 'refresh:' })
  // A session's turn comes again more than a settling time later, by this clock.
  let at = Date.now()
  const host = { ...systemHost(), now: () => (at += 60_000 / SESSIONS) }
  const sessions = createSessions({ store, keyring: newKeyring(), host })
  const held = [
    ...(await inTurns(SESSIONS, async (turn) => {
      const login = { subject: userOf(turn), request: REQUEST, factors: ['otp'], refresh: true }
      const created = await sessions.create(login)
      if (!created.ok || created.refreshToken === undefined)
        throw new Error('A login brought no refresh token.')
      return created.refreshToken
    })),
  ]
  const [stale = ''] = held
  await rotate(0)
  await sessions.refresh({ token: held[0] ?? '', request: REQUEST })
  at += 21_000
  const again = await sessions.refresh({ token: stale, request: REQUEST })
  if (again.ok) throw new Error('A refresh token was good after its successor was used.')

  async function rotate(turn: number): Promise<void> {
    const token = held[turn] ?? ''
    const answer = await sessions.refresh({ token, request: REQUEST })
    if (!answer.ok) throw new Error(`A refresh was refused: ${answer.code}`)
    if (answer.refreshToken === undefined) throw new Error('A refresh brought no successor.')
    held[turn] = answer.refreshToken
  }

  // not of session 0: that one showed an old token
  let turn = 0
  return [{ name: ROTATION, run: () => rotate(1 + (turn++ % (SESSIONS - 1))) }]
})
