import { randomBytes } from 'node:crypto'
import type { User } from '../users/directory.ts'

/**
 * Cookie of the browser that a demo phone lies beside. It is not the session cookie: a thief of
 * that one has no phone.
 */
export const PHONE_COOKIE = 'demo_phone'

/** Demo phones, handed out at login, for visitors without an authenticator app. At most 1000. */
export interface Phones {
  handOut(user: User): string
  owner(key: string | undefined): User | undefined
}

const MOST = 1_000
const KEY_BYTES = 16

export function phones(): Phones {
  const owners = new Map<string, User>()

  return {
    handOut: (user) => {
      const oldest = owners.keys().next()
      if (owners.size >= MOST && !oldest.done) owners.delete(oldest.value)
      const key = randomBytes(KEY_BYTES).toString('base64url')
      owners.set(key, user)
      return key
    },
    owner: (key) => (key === undefined ? undefined : owners.get(key)),
  }
}
