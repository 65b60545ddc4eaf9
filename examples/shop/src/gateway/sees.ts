import { Router, urlencoded } from 'express'
import { describeDevice } from 'holdfast/testing'
import { PHONE_COOKIE } from '../demo/phones.ts'
import { CLOCK_COOKIE, PLACE_COOKIE } from '../edge/edge.ts'
import { document } from '../pages/layout.ts'
import { seesPage } from '../pages/sees.ts'
import { streamSession } from '../sees/stream.ts'
import { type GatewayParts, placeOf, visitorOf } from './parts.ts'
import { DRAWER_COOKIE, DRAWER_PATH } from './thief.ts'

/** "What Holdfast sees": an operator's view, of the visitor's own session only. */
export function seesRoutes(parts: GatewayParts): Router {
  const { guard, operator, sessions, now, stop } = parts
  const router = Router()

  router.get('/sees', guard.requireSession(), (request, response) => {
    const visitor = visitorOf(parts, request)
    const place = placeOf(parts, request)
    const page = { title: 'What Holdfast sees', path: '/sees', visitor, place }
    response.send(document({ ...page, scripts: ['sees.js'], body: seesPage(visitor) }))
  })

  router.get('/sees/stream', guard.requireSession(), async (request, response) => {
    const session = guard.sessionOf(request).id
    const facts = guard.requestFacts(request)
    const viewer = { ip: facts.ip, device: describeDevice(facts) }
    response.set('content-type', 'text/event-stream').flushHeaders()
    await streamSession(response, { operator, session, viewer, now, stop })
  })

  // The tour from its start: the page empties the basket, which is the browser's own.
  router.post(
    '/demo/begin-again',
    urlencoded({ extended: false, limit: '8kb' }),
    guard.requireSession(),
    async (request, response) => {
      const { id, subject } = guard.sessionOf(request)
      await sessions.revokeSubject({ subject }, { reason: 'demo_begun_again', except: id })
      const ended = await guard.logout(request, response)
      if (!ended.ok) return guard.refuse(response, ended)
      for (const name of [PHONE_COOKIE, PLACE_COOKIE, CLOCK_COOKIE]) {
        response.clearCookie(name, { secure: true, path: '/' })
      }
      response
        .clearCookie(DRAWER_COOKIE, { secure: true, path: DRAWER_PATH })
        .redirect(303, '/login?reason=begun_again')
    },
  )

  return router
}
