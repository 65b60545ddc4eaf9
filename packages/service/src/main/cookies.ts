import { cookie } from 'holdfast'
import type { Cookies } from '../api/parts.ts'

/** The session cookie in answers, as the library's own carrier words it. */
export function sessionCookies(name: string, now: () => number): Cookies {
  const carrier = cookie({ name })
  return {
    session: (token, life) => carrier.deliver(token, { ...life, now: now() }),
    expired: () => carrier.clear(),
  }
}
