import { once } from 'node:events'
import express from 'express'
import { holdfast } from 'holdfast/express'
import { NOBODY, serve } from './shop.ts'

await serve(async (sessions) => {
  const app = express()
  if (sessions === undefined) {
    app.get('/orders', (_, response) => void response.json({ user: NOBODY }))
  } else {
    const { requireSession, sessionOf } = holdfast(sessions)
    app.get('/orders', requireSession(), (request, response) => {
      response.json({ user: sessionOf(request).subject })
    })
  }
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('There is no port.')
  return address.port
})
