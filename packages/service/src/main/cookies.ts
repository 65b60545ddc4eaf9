import { cookie } from 'holdfast/gateway'
import type { Cookies } from '../api/parts.ts'
import type { Config } from '../config/schema.ts'

/**
 * The cookies in answers, as the library's carrier writes them. The refresh cookie is sent only to
 * its endpoint.
 */
export function sessionCookies(
  config: Pick<
    Config,
    'cookieName' | 'cookieSameSite' | 'cookiePartitioned' | 'refreshCookieName' | 'refreshPath'
  >,
  now: () => number,
): Cookies {
  const { cookieName, cookieSameSite, cookiePartitioned, refreshCookieName, refreshPath } = config
  const session = cookie({
    name: cookieName,
    sameSite: cookieSameSite,
    partitioned: cookiePartitioned,
  })
  const refresh = cookie({
    name: refreshCookieName,
    path: refreshPath,
    sameSite: cookieSameSite === 'none' ? 'none' : 'strict',
    partitioned: cookiePartitioned,
  })
  return {
    session: (token, life) => session.deliver(token, { ...life, now: now() }),
    expired: () => session.clear(),
    refresh: (token, life) => refresh.deliver(token, { ...life, now: now() }),
    refreshExpired: () => refresh.clear(),
  }
}
