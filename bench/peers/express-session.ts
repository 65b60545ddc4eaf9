import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import session from 'express-session'
import { expectUser, REQUEST, SESSIONS, sessionFacts, userOf } from '../facts.ts'
import { inTurns, type Row } from '../rounds.ts'

const TWO_HOURS_MS = 2 * 3_600_000

/** Logs in, and answers the cookie that the browser would keep. */
export type ExpressLogin = (user: string) => Promise<string>

/** express-session without a server: its middleware gets a real request and response that no socket is behind. */
export async function expressSession(name: string, store: object): Promise<readonly Row[]> {
  const { login, userBehind } = expressOn(store)
  const cookies = await inTurns(SESSIONS, (turn) => login(userOf(turn)))
  const [cookie = ''] = cookies
  expectUser(await userBehind(tampered(cookie)), undefined)

  let at = 0
  return [
    {
      name,
      async run() {
        const turn = at++ % SESSIONS
        expectUser(await userBehind(cookies[turn] ?? ''), userOf(turn))
      },
    },
  ]
}

export function expressOn(store: object): {
  readonly login: ExpressLogin
  userBehind(cookie: string): Promise<string | undefined>
} {
  const middleware = session({
    secret: 'a secret of the bench, of no use to anybody',
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: TWO_HOURS_MS, sameSite: 'lax' },
    store,
  })
  const socket = new Socket()

  /** One request: the middleware, a handler, and the end of the response, before which the session is saved or touched. */
  function exchange<T>(
    cookie: string,
    handle: (keeping: Keeping) => T,
  ): Promise<[T, ServerResponse]> {
    return new Promise((resolve, reject) => {
      const request = new IncomingMessage(socket)
      request.method = 'GET'
      request.url = REQUEST.url
      request.headers = { ...REQUEST.headers, cookie } as NodeJS.Dict<string>
      const response = new ServerResponse(request)
      let handled: T
      response.end = () => {
        resolve([handled, response])
        return response
      }
      middleware(request, response, (error) => {
        if (error !== undefined) return reject(error)
        handled = handle(request as unknown as Keeping)
        response.end()
      })
    })
  }

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

interface Keeping {
  readonly session: { facts?: ReturnType<typeof sessionFacts> }
}

/** The same id with another signature. */
function tampered(cookie: string): string {
  return `${cookie.slice(0, -1)}${cookie.endsWith('A') ? 'B' : 'A'}`
}
