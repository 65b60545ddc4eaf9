import { type CryptoKey, jwtVerify, SignJWT } from 'jose'
import { sessionFacts } from '../facts.ts'
import type { Row } from '../rounds.ts'
import { shownRows } from './shown.ts'

type Key = CryptoKey | Uint8Array

export interface JoseKeys {
  readonly alg: 'HS256' | 'EdDSA'
  readonly sign: Key
  readonly verify: Key
}

/** A token that carries the session itself: nothing is looked up, and nothing can be revoked. */
export function joseRows(name: string, keys: JoseKeys): Promise<readonly Row[]> {
  return shownRows(name, {
    make: (user) => joseToken(user, keys),
    read: (token) => joseUser(token, keys),
  })
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
