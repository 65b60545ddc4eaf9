import session from 'express-session'
import { sessionFacts } from '../facts.ts'
import type { Row } from '../rounds.ts'
import { exchangeThrough, type Middleware } from './exchange.ts'
import { shownRows } from './shown.ts'

const TWO_HOURS_MS = 2 * 3_600_000

export function expressSession(name: string, store: object): Promise<readonly Row[]> {
  const { login, userBehind } = expressOn(store)
  return shownRows(name, { make: login, read: userBehind })
}

/** express-session as its documentation advises it, on a store. */
export function expressOn(store: object): {
  /** Logs in, and answers the cookie that the browser would keep. */
  login(user: string): Promise<string>
  userBehind(cookie: string): Promise<string | undefined>
} {
  const exchange = exchangeThrough(
    session({
      secret: 'a secret of the bench, of no use to anybody',
      resave: false,
      saveUninitialized: false,
      cookie: { maxAge: TWO_HOURS_MS, sameSite: 'lax' },
      store: store as session.Store,
    }) as Middleware,
  )

  return {
    async login(user) {
      const [, response] = await exchange('', (request) => {
        request.session.facts = sessionFacts(user)
      })
      const [pair = ''] = String(response.getHeader('set-cookie')).split(';')
      return pair
    },
    async userBehind(cookie) {
      const [user] = await exchange(`theme=dark; ${cookie}`, ({ session }) => session.facts?.userId)
      return user
    },
  }
}
