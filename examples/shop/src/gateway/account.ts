import { Router, urlencoded } from 'express'
import { isSessionId } from 'holdfast'
import { accountPage } from '../pages/account.ts'
import { document } from '../pages/layout.ts'
import { addresses } from '../users/addresses.ts'
import {
  FRESH_MS,
  fieldOf,
  type GatewayParts,
  phoneOwner,
  placeOf,
  userOf,
  visitorOf,
} from './parts.ts'

const DONE: Readonly<Record<string, string>> = {
  one: 'That session is over.',
  others: 'You are logged out everywhere else.',
  address: 'Your address is kept.',
  passkey: 'Your passkey is added.',
  'no-passkey': 'That passkey could not be added. Please try again.',
  'passkey-removed': 'That passkey is removed, and you are logged out everywhere else.',
}

const MAX_TEXT = 200

/** Where a customer sees and ends their own sessions. */
export function accountRoutes(parts: GatewayParts): Router {
  const { guard, sessions, factors } = parts
  const kept = addresses()
  const router = Router()
  const form = urlencoded({ extended: false, limit: '8kb' })
  const sensitive = guard.requireSession({ sensitivity: 'sensitive' })
  // Who ends sessions has shown just now who they are (ASVS 7.5.2).
  const fresh = guard.requireSession({ sensitivity: 'sensitive', maxAge: FRESH_MS })

  router.get('/account', guard.requireSession(), async (request, response) => {
    const user = userOf(parts, request)
    const { items } = await sessions.list({ subject: user.id })
    const body = accountPage({
      user,
      session: guard.sessionOf(request),
      sessions: items,
      done: DONE[fieldOf(request.query, 'done')],
      phone: phoneOwner(parts, request)?.id === user.id,
      factors: await factors.show(guard.sessionOf(request)),
      address: kept.of(user.id),
    })
    const visitor = visitorOf(parts, request)
    const place = placeOf(parts, request)
    const scripts = ['passkey.js']
    response.send(document({ title: 'Account', path: '/account', visitor, place, scripts, body }))
  })

  router.post('/account/address', form, sensitive, (request, response) => {
    const text = (name: string): string => fieldOf(request.body, name).slice(0, MAX_TEXT)
    const address = { name: text('name'), street: text('street'), note: text('note') }
    kept.keep(userOf(parts, request).id, address)
    response.redirect(303, '/account?done=address')
  })

  router.post('/account/end', form, fresh, async (request, response) => {
    const id = fieldOf(request.body, 'session')
    const owned = isSessionId(id) && (await sessions.show(id, owner(guard.sessionOf(request))))
    if (owned)
      await sessions.revoke(id, { reason: 'ended_by_user', ...owner(guard.sessionOf(request)) })
    response.redirect(303, '/account?done=one')
  })

  router.post('/account/end-others', form, fresh, async (request, response) => {
    const { id, subject } = guard.sessionOf(request)
    await sessions.revokeSubject({ subject }, { reason: 'logout_everywhere', except: id })
    response.redirect(303, '/account?done=others')
  })

  return router
}

function owner({ subject }: { readonly subject: string }): { readonly subject: string } {
  return { subject }
}
