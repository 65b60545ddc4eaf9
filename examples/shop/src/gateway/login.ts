import { Router, urlencoded } from 'express'
import { ownPath } from 'holdfast/express'
import { PHONE_COOKIE } from '../demo/phones.ts'
import { document } from '../pages/layout.ts'
import { loginPage } from '../pages/login.ts'
import { attempts } from '../users/attempts.ts'
import { fieldOf, type GatewayParts, placeOf } from './parts.ts'

const MAX_NAME = 64
const MAX_PASSWORD = 128
const WRONG = 'Name or password is wrong.'
const TOO_MANY = 'Too many tries. Please wait a few minutes.'

/**
 * Why a session is over, by the code of the redirect. Nothing else of an address gets on a page.
 */
const OVER: Readonly<Record<string, string>> = {
  session_expired: 'You were away for too long, so you are logged out. Please log in again.',
  session_revoked:
    'Somebody else held this session, too, so it was ended for both. Please log in again.',
  session_unknown: 'Your session was ended. Please log in again.',
  token_superseded: 'You have logged in or confirmed elsewhere since. Please log in again.',
  begun_again: 'You are home, and logged out everywhere. Log in, and the tour begins again.',
  token_duplicated: 'Something is wrong with the cookies of this site. Please log in again.',
}

/** Login and logout. */
export function loginRoutes(parts: GatewayParts): Router {
  const { guard, users, phones, now } = parts
  const tries = attempts(now)
  const router = Router()

  router.get('/login', (request, response) => {
    const next = ownPath(fieldOf(request.query, 'return'))
    const place = placeOf(parts, request)
    const problem = OVER[fieldOf(request.query, 'reason')]
    const body = loginPage({ next, problem })
    response.send(document({ title: 'Log in', path: next, place, scripts: ['login.js'], body }))
  })

  router.post(
    '/login',
    urlencoded({ extended: false, limit: '8kb' }),
    async (request, response) => {
      const next = ownPath(fieldOf(request.body, 'next'))
      const name = fieldOf(request.body, 'name').trim().toLowerCase().slice(0, MAX_NAME)
      const password = fieldOf(request.body, 'password').slice(0, MAX_PASSWORD)

      const allowed = tries.allowed(name)
      const user = allowed ? await users.authenticate(name, password) : undefined
      if (user === undefined) {
        tries.failed(name)
        if (users.find(name) !== undefined) await guard.loginFailed(request, { subject: name })
        const place = placeOf(parts, request)
        const body = loginPage({ next, name, problem: allowed ? WRONG : TOO_MANY })
        const page = { title: 'Log in', path: next, place, scripts: ['login.js'], body }
        response.status(allowed ? 401 : 429).send(document(page))
        return
      }

      const begun = await guard.login(request, response, {
        subject: user.id,
        class: fieldOf(request.body, 'remember') === 'yes' ? 'remember' : 'default',
        amr: ['pwd'],
        factors: ['otp'],
      })
      if (!begun.ok) return guard.refuse(response, begun)
      response
        .cookie(PHONE_COOKIE, phones.handOut(user), {
          httpOnly: true,
          secure: true,
          sameSite: 'lax',
          path: '/',
        })
        .redirect(303, next)
    },
  )

  router.post(
    '/logout',
    urlencoded({ extended: false, limit: '8kb' }),
    async (request, response) => {
      const ended = await guard.logout(request, response)
      if (!ended.ok) return guard.refuse(response, ended)
      response.redirect(303, '/login')
    },
  )

  return router
}
