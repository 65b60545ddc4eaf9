import { once } from 'node:events'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { createClient } from 'redis'
import { type SessionFacts, sessionFacts } from '../facts.ts'
import { servePeer } from '../http/server.ts'

const TWO_HOURS_MS = 2 * 3_600_000

await servePeer(async ({ ground: { redisPort } }) => {
  const client = createClient({ socket: { host: '127.0.0.1', port: redisPort } })
  await client.connect()
  const app = express()
  app.set('trust proxy', 'loopback')
  app.use(
    session({
      name: '__Host-session',
      secret: 'a secret of the bench, of no use to anybody',
      resave: false,
      saveUninitialized: false,
      cookie: { maxAge: TWO_HOURS_MS, sameSite: 'lax', secure: true },
      store: new RedisStore({ client }) as session.Store,
    }),
  )
  app.post('/login/:user', (request, response) => {
    keptIn(request).facts = sessionFacts(request.params.user)
    response.json({})
  })
  app.get('/orders', (request, response) => {
    const user = keptIn(request).facts?.userId
    if (user === undefined) response.status(401).end()
    else response.json({ user })
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('There is no port.')
  const { port } = address
  return {
    port,
    async login(user) {
      const headers = { 'x-forwarded-proto': 'https' }
      const url = `http://127.0.0.1:${port}/login/${user}`
      const answer = await fetch(url, { method: 'POST', headers })
      await answer.text()
      const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';')
      return cookie
    },
  }
})

function keptIn(request: object): { facts?: SessionFacts } {
  return (request as { session: { facts?: SessionFacts } }).session
}
