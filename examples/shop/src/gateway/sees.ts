import { Router } from 'express'
import { document } from '../pages/layout.ts'
import { seesPage } from '../pages/sees.ts'
import { streamSession } from '../sees/stream.ts'
import { type GatewayParts, placeOf, visitorOf } from './parts.ts'

/** "What Holdfast sees": an operator's view, of the visitor's own session only. */
export function seesRoutes(parts: GatewayParts): Router {
  const { guard, operator, now, stop } = parts
  const router = Router()

  router.get('/sees', guard.requireSession(), (request, response) => {
    const visitor = visitorOf(parts, request)
    const place = placeOf(parts, request)
    const page = { title: 'What Holdfast sees', path: '/sees', visitor, place }
    response.send(document({ ...page, scripts: ['sees.js'], body: seesPage() }))
  })

  router.get('/sees/stream', guard.requireSession(), async (request, response) => {
    const session = guard.sessionOf(request).id
    response.set('content-type', 'text/event-stream').flushHeaders()
    await streamSession(response, { operator, session, now, stop })
  })

  return router
}
