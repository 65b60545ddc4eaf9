import express from 'express'
import { createSessions, newKeyring } from 'holdfast'
import { holdfast } from 'holdfast/express'
import { memoryStore } from 'holdfast/memory'
import { proverOf, textOf, userOf } from './users.js'

// For development: in this process alone, with new keys at every start. In production,
// `lmdbStore()` or `redisStore()`, and `parseKeyring()` of a file that `holdfast keys new` made.
const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })
const hf = holdfast(sessions, {
  // The reverse proxy on this machine says who the client is.
  address: { trust: { proxies: ['127.0.0.0/8', '::1/128'] } },
})

const app = express()
app.use(express.json())

app.post('/login', async (request, response) => {
  const user = userOf(request.body)
  if (user === undefined) return void response.sendStatus(401)
  const done = await hf.login(request, response, { subject: user, amr: ['pwd'], factors: ['otp'] })
  if (!done.ok) return hf.refuse(response, done)
  response.json({ user })
})

app.get('/account', hf.requireSession(), (request, response) => {
  response.json({ user: hf.sessionOf(request).subject })
})

// From a place that this user has not confirmed, the answer is 401 `step_up_required`.
app.post('/orders', hf.requireSession({ sensitivity: 'sensitive' }), (request, response) => {
  response.status(201).json({ buyer: hf.sessionOf(request).subject })
})

app.post('/step-up/begin', async (request, response) => {
  const begun = await hf.beginStepUp(request, { sensitivity: 'sensitive' })
  if (!begun.ok) return hf.refuse(response, begun)
  response.json({ challenge: begun.challenge, factors: begun.factors })
})

app.post('/step-up/complete', async (request, response) => {
  const challenge = textOf(request.body, 'challenge')
  const subject = proverOf(request.body)
  if (subject === undefined) {
    const noted = await hf.stepUpFailed(request, challenge)
    if (!noted.ok) return hf.refuse(response, noted)
    return void response.sendStatus(401)
  }
  const done = await hf.completeStepUp(request, response, { challenge, subject, amr: ['otp'] })
  if (!done.ok) return hf.refuse(response, done)
  response.json({ user: subject })
})

app.post('/logout', async (request, response) => {
  const done = await hf.logout(request, response)
  if (!done.ok) return hf.refuse(response, done)
  response.sendStatus(204)
})

app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
