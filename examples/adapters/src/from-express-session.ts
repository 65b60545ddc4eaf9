import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import express, { type Request } from 'express'
import session from 'express-session'
import { createSessions, newKeyring } from 'holdfast'
import { holdfast, ownPath } from 'holdfast/express'
import { memoryStore } from 'holdfast/memory'
import { expressSessionBridge } from './express-session-bridge.ts'
import { loginPage } from './pages.ts'
import { listen, runAsProgram, type Started } from './program.ts'
import { checkLogin } from './users.ts'

declare module 'express-session' {
  interface SessionData {
    user: string
    loggedInAt: number
  }
}

/** What the application has had all along. */
export interface OldParts {
  readonly store: session.Store
  readonly secret: string
}

const DAY_MS = 24 * 3_600_000

/**
 * An Express application in the middle of its way from express-session to Holdfast: both are there.
 */
export function start(port: number, old: OldParts = newOldParts()): Promise<Started> {
  const store = memoryStore()
  const sessions = createSessions({ store, keyring: newKeyring() })
  const hf = holdfast(sessions, { loginPage: '/login' })
  const { migrate, requireEither, endOld } = expressSessionBridge({
    hf,
    loginOf: ({ session: { user, loggedInAt } }) =>
      user === undefined
        ? undefined
        : { subject: user, amr: ['pwd'], ...(loggedInAt ? { authenticatedAt: loggedInAt } : {}) },
    once: (key) => store.replays.once(key, Date.now() + DAY_MS),
    revoke: (id) => sessions.revoke(id, { reason: 'migrated_twice' }),
  })
  const requireLogin = requireEither(hf.requireSession())
  const userOf = (request: Request): string | undefined =>
    hf.optionalSessionOf(request)?.subject ?? request.session.user

  const app = express()
  app.use(session({ ...old, resave: false, saveUninitialized: false }))
  app.use(migrate)
  app.use(express.urlencoded({ extended: false, limit: '8kb' }))

  app.get('/login', (_, response) => void response.send(loginPage()))

  // New logins are Holdfast's from the first day on.
  app.post('/login', async (request, response) => {
    const { right, user } = checkLogin(request.body)
    if (!right) return void response.status(401).send(loginPage('Name or password is wrong.'))
    const done = await hf.login(request, response, { subject: user, amr: ['pwd'] })
    if (!done.ok) return hf.refuse(response, done)
    await endOld(request, response)
    response.redirect(303, ownPath(request.query.return))
  })

  app.get('/', requireLogin, (request, response) => {
    const migrated = hf.optionalSessionOf(request)?.attributes.migrated === true
    response.json({ user: userOf(request), migrated })
  })

  app.post('/note', requireLogin, (request, response) => {
    response.json({ user: userOf(request) })
  })

  app.post('/logout', async (request, response) => {
    const done = await hf.logout(request, response)
    if (!done.ok) return hf.refuse(response, done)
    await endOld(request, response)
    response.redirect(303, '/login')
  })

  return listen(createServer(app), port)
}

function newOldParts(): OldParts {
  return { store: new session.MemoryStore(), secret: randomBytes(32).toString('base64url') }
}

await runAsProgram(import.meta.url, start)
