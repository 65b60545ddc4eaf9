import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { createSessions, newKeyring } from 'holdfast'
import { holdfast, ownPath } from 'holdfast/fetch'
import { memoryStore } from 'holdfast/memory'
import { fieldOf } from './form.ts'
import { homePage, loginPage } from './pages.ts'
import { listen, runAsProgram, type Started } from './program.ts'
import { checkLogin } from './users.ts'

/**
 * Anything that calls `(request: Request) => Response`; here on Node, through `@hono/node-server`.
 */
export function start(port: number): Promise<Started> {
  // For development: in this process alone, with new keys at every start. In production,
  // `lmdbStore()` or `redisStore()`, and `parseKeyring()` of a file that `holdfast keys new` made.
  const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })
  // A `Request` does not know its socket: `peer` says what the runtime knows, for example
  // `server.requestIP(request)`.
  const peers = new WeakMap<Request, string>()
  // Behind a proxy, trust it in `address`. Whoever has to prove a factor is sent to a `stepUpPage`;
  // without one, the answer is 401 (examples/shop/src/gateway/step-up.ts has such a page).
  const hf = holdfast(sessions, { loginPage: '/login', peer: (request) => peers.get(request) })
  const notes = new Map<string, string>()

  const routes: Readonly<Record<string, (request: Request) => Response | Promise<Response>>> = {
    'GET /login': () => html(loginPage()),

    async 'POST /login'(request) {
      const { right, user } = checkLogin(await formOf(request))
      if (!right) {
        // Failed tries are part of what speaks for or against a later session of this user.
        if (user !== undefined) await hf.loginFailed(request, { subject: user })
        return html(loginPage('Name or password is wrong.'), 401)
      }
      const done = await hf.login(request, { subject: user, amr: ['pwd'] })
      const back = ownPath(new URL(request.url).searchParams.get('return'))
      // `attach` puts the cookie on whatever you answer.
      return done.ok ? done.attach(redirect(back)) : done.response
    },

    // A browser without a session is sent to the login page, a program gets 401.
    'GET /': hf.requireSession()((_, { session: { subject: user, formToken } }) =>
      html(homePage({ user, note: notes.get(user) ?? '', formToken })),
    ),

    // Changes the secret before it answers, and asks more of the place that the request comes from.
    'GET /api-key': hf.requireSession({ sensitivity: 'sensitive' })(
      (_, { session }) => new Response(`The API key of ${session.subject}\n`),
    ),

    // A form without the form token of this session is refused before the handler sees it.
    'POST /note': hf.requireSession()(async (request, { session }) => {
      notes.set(session.subject, fieldOf(await formOf(request), 'note'))
      return redirect('/')
    }),

    // No guard: a session that may do nothing else may still end.
    async 'POST /logout'(request) {
      const done = await hf.logout(request)
      return done.ok ? done.attach(redirect('/login')) : done.response
    },
  }

  const listener = getRequestListener((request, env) => {
    const peer = 'incoming' in env ? env.incoming.socket.remoteAddress : undefined
    if (peer !== undefined) peers.set(request, peer)
    const route = routes[`${request.method} ${new URL(request.url).pathname}`]
    if (route === undefined) return new Response(null, { status: 404 })
    return isBounded(request) ? route(request) : new Response(null, { status: 413 })
  })
  return listen(createServer(listener), port)
}

/** A body of untold length, or of more than 8 KiB, is not read at all. */
function isBounded({ method, headers }: Request): boolean {
  return method !== 'POST' || Number(headers.get('content-length') ?? Number.NaN) <= 8192
}

async function formOf(request: Request): Promise<unknown> {
  return Object.fromEntries(new URLSearchParams(await request.text()))
}

function html(page: string, status = 200): Response {
  return new Response(page, { status, headers: { 'content-type': 'text/html; charset=utf-8' } })
}

/** `Response.redirect` wants a whole address. */
function redirect(location: string): Response {
  return new Response(null, { status: 303, headers: { location } })
}

await runAsProgram(import.meta.url, start)
