import { scryptSync, timingSafeEqual } from 'node:crypto'
import { fieldOf } from './form.ts'

/** What came of a login form. `user`: whose password was wrong, when there is such a user. */
export type Attempt =
  | { readonly right: true; readonly user: string }
  | { readonly right: false; readonly user: string | undefined }

/** The one user of these examples; the login page shows both. */
export const DEMO = { name: 'ada', password: 'analytical-engine' } as const

/** What a user table holds in place of the password. With a salt of its own for each user. */
const KEPT = { salt: 'demo-salt', hash: scryptSync(DEMO.password, 'demo-salt', 32) } as const

/**
 * A stand-in for the login that you have: Holdfast starts where it ends. A real one also bounds how
 * often a name may be tried, and derives the hash beside the event loop (`scrypt` with a callback).
 */
export function checkLogin(form: unknown): Attempt {
  const user = fieldOf(form, 'name') === DEMO.name ? DEMO.name : undefined
  const hash = scryptSync(fieldOf(form, 'password'), KEPT.salt, KEPT.hash.length)
  // After the slow part, and in constant time: an answer's haste must not tell which names exist.
  const same = timingSafeEqual(hash, KEPT.hash)
  return user !== undefined && same ? { right: true, user } : { right: false, user }
}
