import { Router, urlencoded } from 'express'
import { recoveryCodesPage } from '../pages/account.ts'
import { document } from '../pages/layout.ts'
import { FRESH_MS, fieldOf, type GatewayParts, placeOf, userOf, visitorOf } from './parts.ts'

/** Where a customer adds and removes ways to prove that it is them. */
export function factorRoutes(parts: GatewayParts): Router {
  const { guard, factors, sessions } = parts
  const router = Router()
  const form = urlencoded({ extended: false, limit: '32kb' })
  // Whoever adds a factor can come back with it.
  const fresh = guard.requireSession({ sensitivity: 'sensitive', maxAge: FRESH_MS })

  router.post('/account/passkeys/begin', fresh, async (request, response) => {
    response.json(await factors.beginPasskey(guard.sessionOf(request), userOf(parts, request).name))
  })

  router.post('/account/passkeys', form, fresh, async (request, response) => {
    const value = fieldOf(request.body, 'value')
    const name = fieldOf(request.body, 'name').trim() || 'Passkey'
    const added = await factors.finishPasskey(guard.sessionOf(request), { value, name })
    response.redirect(303, added ? '/account?done=passkey' : '/account?done=no-passkey')
  })

  router.post('/account/passkeys/remove', form, fresh, async (request, response) => {
    const session = guard.sessionOf(request)
    const { subject, id: except } = session
    if (await factors.removePasskey(session, fieldOf(request.body, 'id'))) {
      // Who has lost a passkey may have lost a session with it (ASVS 7.4.3).
      await sessions.report({ kind: 'credential_changed', subject, except })
    }
    response.redirect(303, '/account?done=passkey-removed')
  })

  router.post('/account/recovery-codes', form, fresh, async (request, response) => {
    const codes = await factors.newRecoveryCodes(guard.sessionOf(request))
    const visitor = visitorOf(parts, request)
    const place = placeOf(parts, request)
    const body = recoveryCodesPage(codes)
    const page = { title: 'Recovery codes', path: '/account', visitor, place }
    response.send(document({ ...page, scripts: ['recovery-codes.js'], body }))
  })

  return router
}
