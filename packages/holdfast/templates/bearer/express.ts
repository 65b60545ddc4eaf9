import express from 'express'
import { login, logout, refuse, requireSession, sessionOf } from './sessions.js'
import { checkLogin, fieldOf } from './users.js'

export const app = express()
app.use(express.json({ limit: '8kb' }))

app.post('/login', async (request, response) => {
  const user = checkLogin(request.body)
  if (user === undefined) {
    response.status(401).json({ problem: 'Name or password is wrong.' })
    return
  }
  const done = await login(request, response, { subject: user, amr: ['pwd'] })
  if (!done.ok) return refuse(response, done)
  response.json({ token: done.token })
})

// Guarded: without `Authorization: Bearer <token>` the answer is 401.
app.get('/', requireSession(), (request, response) => {
  response.json({ user: sessionOf(request).subject })
})

// Sensitive: it asks more of the place that the request comes from. A copied token is not enough.
app.post('/orders', requireSession({ sensitivity: 'sensitive' }), (request, response) => {
  response
    .status(201)
    .json({ buyer: sessionOf(request).subject, item: fieldOf(request.body, 'item') })
})

app.post('/logout', async (request, response) => {
  const done = await logout(request, response)
  if (!done.ok) return refuse(response, done)
  response.status(204).end()
})
