import { createCipheriv, randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { contend } from '../contender-process.ts'
import { sessionFacts } from '../facts.ts'
import { FILL, fillUser } from '../fill.ts'
import { inTurns } from '../rounds.ts'

const TWO_HOURS_S = 2 * 3_600

/** What is usually made at home: AES-GCM as base64 in JSON, and a SET of ids for each user. */
await contend(async ({ redisPort }) => {
  const client = new Redis({ host: '127.0.0.1', port: redisPort })
  const key = randomBytes(32)

  function seal(text: string): string {
    const iv = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', key, iv)
    const data = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    const sealed = { iv, tag: cipher.getAuthTag(), data }
    const texts = Object.entries(sealed).map(([name, bytes]) => [name, bytes.toString('base64')])
    return JSON.stringify({ v: 1, ...Object.fromEntries(texts) })
  }

  await inTurns(FILL, async (turn) => {
    const user = fillUser(turn)
    const id = randomBytes(24).toString('base64url')
    await client
      .pipeline()
      .set(`session:${id}`, seal(JSON.stringify(sessionFacts(user))), 'EX', TWO_HOURS_S)
      .sadd(`user-sessions:${user}`, id)
      .expire(`user-sessions:${user}`, TWO_HOURS_S)
      .exec()
  })
  return []
})
