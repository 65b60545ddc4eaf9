import { type Request, Router, urlencoded } from 'express'
import { ownPath } from 'holdfast/express'
import { document } from '../pages/layout.ts'
import { stepUpPage } from '../pages/step-up.ts'
import { attempts } from '../users/attempts.ts'
import { fieldOf, frameOf, type GatewayParts, phoneOwner } from './parts.ts'
import { type Prompt, prompts } from './prompts.ts'

const WRONG =
  'That was not the code, or it was used already. The next one comes within half a minute.'
const TOO_MANY = 'Too many tries from here. Please wait a few minutes.'

/** Wrong codes from one place and browser, after which Holdfast asks it no more; of two holders one is out at once. */
const MOST_WRONG = 5
const MOST_WRONG_AFTER_FORK = 1

/** Asks for the second factor, and goes back to the page that was interrupted. */
export function stepUpRoutes(parts: GatewayParts): Router {
  const { guard, users, now } = parts
  const tries = attempts(now)
  const begun = prompts(parts)
  const router = Router()

  function page(
    request: Request,
    prompt: Prompt,
    { next, problem }: { readonly next: string; readonly problem?: string },
  ): string {
    const owner = phoneOwner(parts, request)
    const phone = owner?.id === prompt.subject
    return document({
      ...frameOf(parts, request),
      title: 'Is it you?',
      path: next,
      scripts: phone ? ['phone.js'] : [],
      body: stepUpPage({ next, problem, phone, prompt }),
    })
  }

  router.get('/step-up', async (request, response) => {
    const next = ownPath(fieldOf(request.query, 'return'))
    const open = begun.of(request)
    if (open !== undefined) {
      response.send(page(request, open, { next }))
      return
    }
    const begin = await guard.beginStepUp(request)
    if (!begin.ok) return guard.refuse(response, begin)
    const { challenge, subject, expiresAt, decision } = begin
    const reasons = decision.because.filter(({ weight }) => weight >= 0).map(({ text }) => text)
    const forked = decision.because.some(({ reason }) => reason === 'secret_forked')
    const triesLeft = forked ? MOST_WRONG_AFTER_FORK : MOST_WRONG
    const prompt = { challenge, subject, expiresAt, reasons, triesLeft }
    response.send(page(request, begun.keep(request, prompt), { next }))
  })

  router.post(
    '/step-up',
    urlencoded({ extended: false, limit: '8kb' }),
    async (request, response) => {
      const next = ownPath(fieldOf(request.body, 'next'))
      const again = `/step-up?${new URLSearchParams({ return: next })}`
      const prompt = begun.of(request)
      if (prompt === undefined) return response.redirect(303, again)
      const { challenge, subject } = prompt
      // By place as well: who guesses elsewhere must not keep the owner from proving herself here.
      const guesser = `${guard.requestFacts(request).ip} ${subject}`

      if (!tries.allowed(guesser)) {
        response.status(429).send(page(request, prompt, { next, problem: TOO_MANY }))
        return
      }
      const right = users.find(subject)?.totp.accept(fieldOf(request.body, 'code'), now())
      if (right !== true) {
        tries.failed(guesser)
        const told = await guard.stepUpFailed(request, challenge)
        if (!told.ok && told.code !== 'invalid_input') return guard.refuse(response, told)
        const left = begun.failed(request, prompt)
        if (left.triesLeft > 0) {
          response.status(401).send(page(request, left, { next, problem: WRONG }))
          return
        }
        // Asked afresh, Holdfast says why there is no more to be tried.
        begun.forget(request)
        return response.redirect(303, again)
      }

      begun.forget(request)
      const done = await guard.completeStepUp(request, response, {
        challenge,
        subject,
        acr: 'mfa',
        amr: ['otp'],
      })
      if (done.ok) return response.redirect(303, next)
      if (done.code === 'challenge_invalid' || done.code === 'context_refused') {
        return response.redirect(303, again)
      }
      guard.refuse(response, done)
    },
  )

  router.get('/demo/phone', (request, response) => {
    const owner = phoneOwner(parts, request)
    if (owner === undefined) response.status(404).json({ title: 'There is no phone here.' })
    else response.json(owner.totp.code(now()))
  })

  return router
}
