import { bearer } from './bearer.ts'
import type { Carrier } from './carrier.ts'
import { cookie } from './cookie.ts'
import { REFRESH_COOKIE, REFRESH_PATH } from './names.ts'

/** How refresh tokens travel. */
export interface RefreshOptions {
  /**
   * Where the application answers with `refresh()`. Browsers send the cookie to this path alone.
   * Default `/refresh`.
   */
  readonly path?: string
  /** Default `__Secure-refresh`. A `__Host-` name cannot be confined to a path. */
  readonly cookieName?: string
  /**
   * For applications that are no pages and keep tokens in secure storage. Refresh tokens come in
   * `Authorization`, or in a body that the handler reads, and leave in bodies. There is no cookie
   * then. Default false.
   */
  readonly native?: boolean
  /** Default `strict`. `none` is for pages that other sites embed. */
  readonly sameSite?: 'strict' | 'none'
  /** As for the session cookie. Needs `sameSite: 'none'`. Default false. */
  readonly partitioned?: boolean
}

/**
 * Carries refresh tokens: in a cookie that browsers send to the refresh path alone, and by default
 * never on behalf of another site, or in a header.
 */
export function refreshCarrier({
  path = REFRESH_PATH,
  cookieName = REFRESH_COOKIE,
  native = false,
  sameSite = 'strict',
  partitioned = false,
}: RefreshOptions = {}): Carrier {
  return native ? bearer() : cookie({ name: cookieName, path, sameSite, partitioned })
}
