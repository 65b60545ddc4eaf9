import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSessions, newKeyring } from 'holdfast'
import { memoryStore } from 'holdfast/memory'
import { holdfast, ownPath } from 'holdfast/node'
import { fieldOf } from './form.ts'
import { homePage, loginPage } from './pages.ts'
import { listen, runAsProgram, type Started } from './program.ts'
import { checkLogin } from './users.ts'

/** Plain `node:http`. */
export function start(port: number): Promise<Started> {
  // For development: in this process alone, with new keys at every start. In production,
  // `lmdbStore()` or `redisStore()`, and `parseKeyring()` of a file that `holdfast keys new` made.
  const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })
  // Node parses no bodies: the form is read before its route runs, and `formToken` says where the
  // guard finds the token.
  const forms = new WeakMap<IncomingMessage, Readonly<Record<string, string>>>()
  // Behind a proxy, trust it in `address`. Whoever has to prove a factor is sent to a `stepUpPage`;
  // without one, the answer is 401 (examples/shop/src/gateway/step-up.ts has such a page).
  const hf = holdfast(sessions, {
    loginPage: '/login',
    formToken: (request) => forms.get(request)?._form,
  })
  const requireSession = hf.requireSession()
  const requireSensitive = hf.requireSession({ sensitivity: 'sensitive' })
  const notes = new Map<string, string>()

  type Route = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void
  const routes: Readonly<Record<string, Route>> = {
    'GET /login': (_, response) => html(response, loginPage()),

    async 'POST /login'(request, response) {
      const { right, user } = checkLogin(forms.get(request))
      if (!right) {
        // Failed tries are part of what speaks for or against a later session of this user.
        if (user !== undefined) await hf.loginFailed(request, { subject: user })
        response.statusCode = 401
        return html(response, loginPage('Name or password is wrong.'))
      }
      const done = await hf.login(request, response, { subject: user, amr: ['pwd'] })
      if (!done.ok) return hf.refuse(response, done)
      const [, query] = partsOf(request)
      redirect(response, ownPath(new URLSearchParams(query).get('return')))
    },

    // A browser without a session is sent to the login page, a program gets 401: then the answer is
    // already given.
    async 'GET /'(request, response) {
      const session = await requireSession(request, response)
      if (session === undefined) return
      const { subject: user, formToken } = session
      html(response, homePage({ user, note: notes.get(user) ?? '', formToken }))
    },

    // Changes the secret before it answers, and asks more of the place that the request comes from.
    async 'GET /api-key'(request, response) {
      const session = await requireSensitive(request, response)
      if (session === undefined) return
      response.setHeader('content-type', 'text/plain; charset=utf-8')
      response.end(`The API key of ${session.subject}\n`)
    },

    // A form without the form token of this session gets no further than the guard.
    async 'POST /note'(request, response) {
      const session = await requireSession(request, response)
      if (session === undefined) return
      notes.set(session.subject, fieldOf(forms.get(request), 'note'))
      redirect(response, '/')
    },

    // No guard: a session that may do nothing else may still end.
    async 'POST /logout'(request, response) {
      const done = await hf.logout(request, response)
      if (!done.ok) return hf.refuse(response, done)
      redirect(response, '/login')
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path] = partsOf(request)
    const route = routes[`${request.method} ${path}`]
    if (route === undefined) return void response.writeHead(404).end()
    if (request.method === 'POST') {
      if (!isBounded(request)) return void response.writeHead(413).end()
      forms.set(request, await formOf(request))
    }
    await route(request, response)
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      // Nothing that failed may look like an answer.
      process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
      if (response.headersSent) response.destroy()
      else response.writeHead(500).end()
    })
  })
  return listen(server, port)
}

/** A body of untold length, or of more than 8 KiB, is not read at all. */
function isBounded({ headers }: IncomingMessage): boolean {
  return Number(headers['content-length'] ?? Number.NaN) <= 8192
}

async function formOf(request: IncomingMessage): Promise<Readonly<Record<string, string>>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString('utf8')))
}

/** Path and query. Not by `new URL`, which throws for what a client may well send. */
function partsOf({ url = '/' }: IncomingMessage): readonly string[] {
  return url.split('?', 2)
}

function html(response: ServerResponse, page: string): void {
  response.setHeader('content-type', 'text/html; charset=utf-8')
  response.end(page)
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { location }).end()
}

await runAsProgram(import.meta.url, start)
