import { type Auth, type AuthOptions, betterAuth } from 'better-auth'
import { makeSignature } from 'better-auth/crypto'
import { expectUser, REQUEST, sessionFacts, userOf } from '../facts.ts'
import { inTurns, type Row } from '../rounds.ts'
import { IN_TURN, rowOn, walkThrough } from '../working-sets.ts'

/**
 * better-auth keeps address and user agent by itself; all else that ours keeps is one field of
 * text.
 */
export function authOptions(
  storage: Pick<AuthOptions, 'database' | 'secondaryStorage'>,
  cached = false,
): AuthOptions {
  return {
    baseURL: 'http://localhost',
    secret: 'a secret of the bench, of no use to anybody',
    session: {
      additionalFields: { device: { type: 'string', required: false } },
      ...(cached ? { cookieCache: { enabled: true, maxAge: 7_200 } } : {}),
    },
    logger: { disabled: true },
    telemetry: { enabled: false },
    ...storage,
  }
}

/**
 * `getSession`, as a server asks it about each request. It keeps nothing in the process, so that
 * one working set is enough.
 */
export async function authRows(name: string, options: AuthOptions): Promise<readonly Row[]> {
  const auth = betterAuth(options)
  const logins = await inTurns(IN_TURN.sessions, async (turn) => {
    const user = await authUser(auth, userOf(turn))
    const headers = await authLogin(auth, user)
    if (options.session.cookieCache !== undefined) await addCachedSession(auth, headers)
    return { user, headers }
  })
  const [first] = logins
  if (first === undefined) throw new Error('Nobody is logged in.')
  expectUser(await userBehind(auth, tampered(first.headers)), undefined)

  const walk = walkThrough(IN_TURN)
  return [
    {
      name: rowOn(name, IN_TURN),
      async run() {
        const login = logins[walk.next()] ?? first
        expectUser(await userBehind(auth, login.headers), login.user)
      },
    },
  ]
}

export async function authUser(auth: Auth, name: string): Promise<string> {
  const { internalAdapter } = await auth.$context
  const email = `${name}@example.com`
  return (await internalAdapter.createUser({ email, name, emailVerified: true })).id
}

/** Starts a session; the headers that its browser sends with each request. */
export async function authLogin(auth: Auth, user: string): Promise<Headers> {
  const { internalAdapter, authCookies, secret } = await auth.$context
  const { userId, userAgent, createdAt, network, ...device } = sessionFacts(user)
  const { token } = await internalAdapter.createSession(user, false, {
    ipAddress: network.address,
    userAgent,
    device: JSON.stringify(device),
  })
  const signed = encodeURIComponent(`${token}.${await makeSignature(token, secret)}`)
  const { name } = authCookies.sessionToken
  return new Headers({ ...REQUEST.headers, cookie: `theme=dark; ${name}=${signed}` } as Record<
    string,
    string
  >)
}

/** The cookie in which it sends the session along, so that it need not be asked for. */
async function addCachedSession(auth: Auth, headers: Headers): Promise<void> {
  const { headers: answer } = await auth.api.getSession({ headers, returnHeaders: true })
  const line = answer.getSetCookie().find((one) => one.includes('session_data='))
  if (line === undefined) throw new Error('better-auth cached no session in a cookie.')
  headers.set('cookie', `${headers.get('cookie')}; ${line.split(';', 1)[0]}`)
}

async function userBehind(auth: Auth, headers: Headers): Promise<string | undefined> {
  return (await auth.api.getSession({ headers }))?.user.id
}

/** The same token with another signature. */
function tampered(headers: Headers): Headers {
  const cookie = headers.get('cookie') ?? ''
  const at = cookie.indexOf('.', cookie.indexOf('session_token=')) + 1
  const other = cookie[at] === 'A' ? 'B' : 'A'
  return new Headers({ cookie: `${cookie.slice(0, at)}${other}${cookie.slice(at + 1)}` })
}
