import { randomUUID } from 'node:crypto'
import { type CryptoKey, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { contend } from '../contender-process.ts'
import { expectUser, SESSIONS, userOf } from '../facts.ts'
import { inTurns } from '../rounds.ts'
import { JOSE_PAIR } from './names.ts'

/**
 * A refresh token is checked, and a pair of tokens signed: nobody notices when one is used twice.
 */
await contend(async () => {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA')
  const sign = (user: string, life: string, key: CryptoKey): Promise<string> =>
    new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: 'EdDSA' })
      .setSubject(user)
      .setIssuedAt()
      .setExpirationTime(life)
      .sign(key)
  const held = [...(await inTurns(SESSIONS, (turn) => sign(userOf(turn), '30d', privateKey)))]
  let at = 0
  return [
    {
      name: JOSE_PAIR,
      async run() {
        const turn = at++ % SESSIONS
        const { payload } = await jwtVerify(held[turn] ?? '', publicKey, { algorithms: ['EdDSA'] })
        expectUser(payload.sub, userOf(turn))
        const [, refresh] = await Promise.all([
          sign(userOf(turn), '90s', privateKey),
          sign(userOf(turn), '30d', privateKey),
        ])
        held[turn] = refresh
      },
    },
  ]
})
