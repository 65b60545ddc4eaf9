import { bearer } from './bearer.ts'
import type { Carrier } from './carrier.ts'
import { cookie } from './cookie.ts'
import { REFRESH_COOKIE, REFRESH_PATH } from './names.ts'

/** How refresh tokens travel. */
export interface RefreshOptions {
  /** Where the application answers with `refresh()`; the cookie goes there alone. Default `/refresh`. */
  readonly path?: string
  /** Default `__Secure-refresh`. A `__Host-` name cannot be confined to a path. */
  readonly cookieName?: string
  /**
   * For applications that are no pages, and keep tokens in secure storage: refresh tokens come in `Authorization` or where
   * the handler found them, and leave in bodies. There is no cookie then. Default false.
   */
  readonly native?: boolean
}

/** Carries refresh tokens: a cookie that only the refresh path sees and no other site can cause to be sent, or a header. */
export function refreshCarrier({
  path = REFRESH_PATH,
  cookieName = REFRESH_COOKIE,
  native = false,
}: RefreshOptions = {}): Carrier {
  return native ? bearer() : cookie({ name: cookieName, path, sameSite: 'strict' })
}
