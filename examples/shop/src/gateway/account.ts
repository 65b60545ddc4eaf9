import { Router, urlencoded } from 'express'
import { isSessionId } from 'holdfast'
import { accountPage } from '../pages/account.ts'
import { document } from '../pages/layout.ts'
import { fieldOf, type GatewayParts, phoneOwner, placeOf, userOf, visitorOf } from './parts.ts'

const DONE: Readonly<Record<string, string>> = {
  one: 'That session is over.',
  others: 'You are logged out everywhere else.',
}

/** Where a customer sees and ends their own sessions. */
export function accountRoutes(parts: GatewayParts): Router {
  const { guard, sessions } = parts
  const router = Router()
  const form = urlencoded({ extended: false, limit: '8kb' })
  const sensitive = guard.requireSession({ sensitivity: 'sensitive' })

  router.get('/account', guard.requireSession(), async (request, response) => {
    const user = userOf(parts, request)
    const { items } = await sessions.list({ subject: user.id })
    const body = accountPage({
      user,
      session: guard.sessionOf(request),
      sessions: items,
      done: DONE[fieldOf(request.query, 'done')],
      phone: phoneOwner(parts, request)?.id === user.id,
    })
    const visitor = visitorOf(parts, request)
    const place = placeOf(parts, request)
    response.send(document({ title: 'Account', path: '/account', visitor, place, body }))
  })

  router.post('/account/end', form, sensitive, async (request, response) => {
    const id = fieldOf(request.body, 'session')
    const owned = isSessionId(id) && (await sessions.show(id, owner(guard.sessionOf(request))))
    if (owned) await sessions.revoke(id, 'ended_by_user', owner(guard.sessionOf(request)))
    response.redirect(303, '/account?done=one')
  })

  router.post('/account/end-others', form, sensitive, async (request, response) => {
    const { id, subject } = guard.sessionOf(request)
    await sessions.revokeSubject({ subject }, { why: 'logout_everywhere', except: id })
    response.redirect(303, '/account?done=others')
  })

  return router
}

function owner({ subject }: { readonly subject: string }): { readonly subject: string } {
  return { subject }
}
