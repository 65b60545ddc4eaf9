import { cookie } from 'holdfast/gateway'
import type { Cookies } from '../api/parts.ts'
import type { Config } from '../config/schema.ts'

/**
 * The cookies in answers, as the library's carrier writes them. The refresh cookie is sent only to
 * its endpoint.
 */
export function sessionCookies(
  names: Pick<Config, 'cookieName' | 'refreshCookieName' | 'refreshPath'>,
  now: () => number,
): Cookies {
  const session = cookie({ name: names.cookieName })
  const refresh = cookie({
    name: names.refreshCookieName,
    path: names.refreshPath,
    sameSite: 'strict',
  })
  return {
    session: (token, life) => session.deliver(token, { ...life, now: now() }),
    expired: () => session.clear(),
    refresh: (token, life) => refresh.deliver(token, { ...life, now: now() }),
    refreshExpired: () => refresh.clear(),
  }
}
