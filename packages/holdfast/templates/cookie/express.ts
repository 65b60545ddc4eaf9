import express from 'express'
import { ownPath } from 'holdfast/express'
import { homePage, loginPage } from './pages.js'
import { login, logout, refuse, requireSession, sessionOf } from './sessions.js'
import { checkLogin, fieldOf } from './users.js'

export const app = express()

// Before the guards: they look for the form token in the parsed body.
app.use(express.urlencoded({ extended: false, limit: '8kb' }))

app.get('/login', (_, response) => {
  response.send(loginPage())
})

app.post('/login', async (request, response) => {
  const user = checkLogin(request.body)
  if (user === undefined) {
    response.status(401).send(loginPage('Name or password is wrong.'))
    return
  }
  const done = await login(request, response, { subject: user, amr: ['pwd'] })
  if (!done.ok) return refuse(response, done)
  response.redirect(303, ownPath(request.query.return))
})

// Guarded: a browser without a session is sent to the login page, a program gets 401.
app.get('/', requireSession(), (request, response) => {
  const { subject, formToken } = sessionOf(request)
  response.send(homePage(subject, formToken))
})

// Sensitive: it asks more of the place that the request comes from. A copied cookie is not enough.
app.post('/orders', requireSession({ sensitivity: 'sensitive' }), (request, response) => {
  response
    .status(201)
    .json({ buyer: sessionOf(request).subject, item: fieldOf(request.body, 'item') })
})

app.post('/logout', async (request, response) => {
  const done = await logout(request, response)
  if (!done.ok) return refuse(response, done)
  response.redirect(303, '/login')
})
