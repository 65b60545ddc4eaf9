import { type CryptoKey, jwtVerify, SignJWT } from 'jose'
import { expectUser, SESSIONS, sessionFacts, userOf } from '../facts.ts'
import { inTurns, type Row } from '../rounds.ts'

type Key = CryptoKey | Uint8Array

export interface JoseKeys {
  readonly alg: 'HS256' | 'EdDSA'
  readonly sign: Key
  readonly verify: Key
}

/** A token that carries the session itself: nothing is looked up, and nothing can be revoked. */
export async function joseRows(name: string, keys: JoseKeys): Promise<readonly Row[]> {
  const tokens = await inTurns(SESSIONS, (turn) => joseToken(userOf(turn), keys))
  const [token = ''] = tokens
  const forged = `${token.slice(0, -2)}${token.endsWith('AA') ? 'BA' : 'AA'}`
  const accepted = await joseUser(forged, keys).then(
    () => true,
    () => false,
  )
  if (accepted) throw new Error('A forged token was accepted.')

  let at = 0
  return [
    {
      name,
      async run() {
        const turn = at++ % SESSIONS
        expectUser(await joseUser(tokens[turn] ?? '', keys), userOf(turn))
      },
    },
  ]
}

export function joseToken(user: string, { alg, sign }: JoseKeys): Promise<string> {
  const { userId, ...facts } = sessionFacts(user)
  return new SignJWT(facts)
    .setProtectedHeader({ alg })
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime('2h')
    .sign(sign)
}

export async function joseUser(
  token: string,
  { alg, verify }: JoseKeys,
): Promise<string | undefined> {
  return (await jwtVerify(token, verify, { algorithms: [alg] })).payload.sub
}
