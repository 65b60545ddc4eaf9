import { createServer } from 'node:http'
import express from 'express'
import { createSessions, newKeyring } from 'holdfast'
import { holdfast, ownPath } from 'holdfast/express'
import { memoryStore } from 'holdfast/memory'
import { fieldOf } from './form.ts'
import { homePage, loginPage } from './pages.ts'
import { listen, runAsProgram, type Started } from './program.ts'
import { checkLogin } from './users.ts'

/** Express 5. */
export function start(port: number): Promise<Started> {
  // For development: in this process alone, with new keys at every start. In production,
  // `lmdbStore()` or `redisStore()`, and `parseKeyring()` of a file that `holdfast keys new` made.
  const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })
  // Behind a proxy, trust it in `address`. Whoever has to prove a factor is sent to a `stepUpPage`;
  // without one, the answer is 401 (examples/shop/src/gateway/step-up.ts has such a page).
  const hf = holdfast(sessions, { loginPage: '/login' })
  const notes = new Map<string, string>()
  const app = express()

  // Before the guards: they look for the form token in the parsed body.
  app.use(express.urlencoded({ extended: false, limit: '8kb' }))

  app.get('/login', (_, response) => void response.send(loginPage()))

  app.post('/login', async (request, response) => {
    const { right, user } = checkLogin(request.body)
    if (!right) {
      // Failed tries are part of what speaks for or against a later session of this user.
      if (user !== undefined) await hf.loginFailed(request, { subject: user })
      return void response.status(401).send(loginPage('Name or password is wrong.'))
    }
    const done = await hf.login(request, response, { subject: user, amr: ['pwd'] })
    if (!done.ok) return hf.refuse(response, done)
    response.redirect(303, ownPath(request.query.return))
  })

  // A browser without a session is sent to the login page, a program gets 401.
  app.get('/', hf.requireSession(), (request, response) => {
    const { subject: user, formToken } = hf.sessionOf(request)
    response.send(homePage({ user, note: notes.get(user) ?? '', formToken }))
  })

  // Changes the secret before it answers, and asks more of the place that the request comes from.
  app.get('/api-key', hf.requireSession({ sensitivity: 'sensitive' }), (request, response) => {
    response.type('text').send(`The API key of ${hf.sessionOf(request).subject}\n`)
  })

  // A form without the form token of this session is refused before the handler sees it.
  app.post('/note', hf.requireSession(), (request, response) => {
    notes.set(hf.sessionOf(request).subject, fieldOf(request.body, 'note'))
    response.redirect(303, '/')
  })

  // No guard: a session that may do nothing else may still end.
  app.post('/logout', async (request, response) => {
    const done = await hf.logout(request, response)
    if (!done.ok) return hf.refuse(response, done)
    response.redirect(303, '/login')
  })

  return listen(createServer(app), port)
}

await runAsProgram(import.meta.url, start)
