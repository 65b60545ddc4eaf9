import { once } from 'node:events'
import express from 'express'
import { holdfast } from 'holdfast/express'
import type { FloorHeaders } from '../floor.ts'
import { BEHIND_PROXY, serve } from './server.ts'
import { NOBODY } from './visitors.ts'

await serve(async (door) => {
  const app = express()
  switch (door.who) {
    case 'bare':
      app.get('/orders', (_, response) => void response.json({ user: NOBODY }))
      break
    case 'floor':
      app.get('/orders', async (request, response) => {
        const user = await door.floor.batched(request.headers as FloorHeaders)
        if (user === null) response.status(401).end()
        else response.json({ user })
      })
      break
    case 'ours': {
      const { requireSession, sessionOf } = holdfast(door.sessions, BEHIND_PROXY)
      app.get('/orders', requireSession(), (request, response) => {
        response.json({ user: sessionOf(request).subject })
      })
    }
  }
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('There is no port.')
  return address.port
})
