import { type Request, Router, urlencoded } from 'express'
import { ownPath } from 'holdfast/express'
import { heldFormMarkup, totpCode } from 'holdfast/step-up'
import { document } from '../pages/layout.ts'
import { continuePage, meanwhilePage, onwardPath, stepUpPage } from '../pages/step-up.ts'
import {
  fieldOf,
  frameOf,
  type GatewayParts,
  phoneOwner,
  placeOf,
  TENANT,
  visitorOf,
} from './parts.ts'
import { type Prompt, prompts } from './prompts.ts'

const WRONG = {
  totp: 'That was not the code, or it was used already. The next one comes within half a minute.',
  passkey: 'That passkey was not accepted. Try another way.',
  recovery: 'That is no recovery code, or it was used already.',
} as const
const TOO_MANY = 'Too many tries from here. Please wait a few minutes, or use another way.'

/**
 * Wrong answers from one place and browser, after which Holdfast asks it no more; of two holders
 * one is out at once.
 */
const MOST_WRONG = 5
const MOST_WRONG_AFTER_FORK = 1

const TOTP_PERIOD_MS = 30_000

/** What a person was about to do. */
interface Interrupted {
  readonly next: string
  /** Names the form that was interrupted; opens nothing by itself. */
  readonly form: string
}

/** What the interrupted route asked for: these fields of the address, in one order. */
function askedOf(query: unknown): string {
  const names = ['acr', 'max_age', 'sensitivity']
  const fields = names.map((name): [string, string] => [name, fieldOf(query, name).slice(0, 64)])
  return String(new URLSearchParams(fields.filter(([, value]) => value !== '')))
}

/** Asks for a factor, and goes on exactly where the request was interrupted. */
export function stepUpRoutes(parts: GatewayParts): Router {
  const { guard, factors, factorStore, forms, now, users } = parts
  const begun = prompts(parts)
  const router = Router()

  async function page(
    request: Request,
    prompt: Prompt,
    { problem, ...interrupted }: Interrupted & { readonly problem?: string },
  ): Promise<string> {
    const offer = await factors.offer(prompt, { acr: prompt.acr })
    const phone = phoneOwner(parts, request)?.id === prompt.subject
    return document({
      ...frameOf(parts, request),
      title: 'Is it you?',
      path: interrupted.next,
      scripts: [
        ...(phone ? ['phone.js'] : []),
        ...(offer.passkey === undefined ? [] : ['passkey.js']),
      ],
      body: stepUpPage({ ...interrupted, problem, phone, prompt, offer }),
    })
  }

  router.get('/step-up', async (request, response) => {
    const next = ownPath(fieldOf(request.query, 'return'))
    const form = fieldOf(request.query, 'form').slice(0, 64)
    const acr = fieldOf(request.query, 'acr').slice(0, 64) || undefined
    const asked = askedOf(request.query)
    const open = begun.of(request)
    if (open !== undefined && open.asked === asked) {
      response.send(await page(request, open, { next, form }))
      return
    }
    const begin = await guard.beginStepUp(request)
    if (!begin.ok) return guard.refuse(response, begin)
    // A fresh login, or a step-up in another tab: there is nothing left to ask.
    if (begin.decision.outcome === 'allow')
      return response.redirect(303, onwardPath({ next, form }))
    const { challenge, subject, tenant, expiresAt, decision } = begin
    const reasons = decision.because.filter(({ weight }) => weight >= 0).map(({ text }) => text)
    const forked = decision.because.some(({ reason }) => reason === 'secret_forked')
    const triesLeft = forked ? MOST_WRONG_AFTER_FORK : MOST_WRONG
    const about = { asked, acr, reasons, triesLeft, forked }
    const prompt = { challenge, subject, tenant, expiresAt, ...about }
    response.send(await page(request, begun.keep(request, prompt), { next, form }))
  })

  router.post(
    '/step-up',
    urlencoded({ extended: false, limit: '16kb' }),
    async (request, response) => {
      const next = ownPath(fieldOf(request.body, 'next'))
      const form = fieldOf(request.body, 'form').slice(0, 64)
      const prompt = begun.of(request)
      const again = (): void => {
        const query = new URLSearchParams({ return: next, ...(form && { form }) })
        const asked = prompt === undefined || prompt.asked === '' ? '' : `&${prompt.asked}`
        response.redirect(303, `/step-up?${query}${asked}`)
      }
      if (prompt === undefined) return again()
      const factor = fieldOf(request.body, 'factor')
      const value = fieldOf(request.body, 'value')

      const done = await factors.prove(
        prompt,
        { factor, value },
        {
          request: guard.requestFacts(request),
          failed: (challenge) => guard.stepUpFailed(request, challenge),
          complete: (proof) => guard.completeStepUp(request, response, proof),
        },
      )
      if (done.ok) {
        begun.forget(request)
        if (done.meanwhile.length === 0) {
          return response.redirect(303, onwardPath({ next, form }))
        }
        const { name } = users.find(done.session.subject) ?? { name: done.session.subject }
        const visitor = { name, formToken: done.session.formToken }
        const body = meanwhilePage({ calls: done.meanwhile, onward: onwardPath({ next, form }) })
        const place = placeOf(parts, request)
        response.send(
          document({ title: 'What was done meanwhile', path: next, visitor, place, body }),
        )
        return
      }
      if (!('unproved' in done)) {
        begun.forget(request)
        const askAgain = done.code === 'challenge_invalid' || done.code === 'context_refused'
        return askAgain ? again() : guard.refuse(response, done)
      }
      switch (done.unproved) {
        case 'too_many':
          response.status(429).send(await page(request, prompt, { next, form, problem: TOO_MANY }))
          return
        case 'wrong': {
          const left = begun.failed(request, prompt)
          if (left.triesLeft > 0) {
            const problem = WRONG[factor === 'passkey' || factor === 'recovery' ? factor : 'totp']
            response.status(401).send(await page(request, left, { next, form, problem }))
            return
          }
        }
      }
      // Asked afresh, Holdfast says why there is no more to be tried.
      begun.forget(request)
      again()
    },
  )

  /**
   * The interrupted form is sent again by the browser, once, and judged as any other; who comes
   * back goes on to the page.
   */
  router.get('/step-up/continue', guard.requireSession(), async (request, response) => {
    const next = ownPath(fieldOf(request.query, 'return'))
    const { id: session } = guard.sessionOf(request)
    const form = fieldOf(request.query, 'form')
    const held = await forms.take(form, { session, cookies: request.headers.cookie })
    if (held === undefined) return response.redirect(303, next)
    const visitor = visitorOf(parts, request)
    const place = placeOf(parts, request)
    const body = continuePage({ markup: heldFormMarkup(held, 'Go on') })
    const scripts = ['continue.js']
    response.send(document({ title: 'One moment', path: next, visitor, place, scripts, body }))
  })

  router.get('/demo/phone', async (request, response) => {
    const owner = phoneOwner(parts, request)
    if (owner === undefined) {
      response.status(404).json({ title: 'There is no phone here.' })
      return
    }
    const at = now()
    const kept = await factorStore.read({ subject: owner.id, tenant: TENANT })
    const lastStep = kept?.factors.totp?.lastStep ?? 0
    response.json({
      code: await totpCode(owner.totpSecret, at),
      secondsLeft: Math.ceil((TOTP_PERIOD_MS - (at % TOTP_PERIOD_MS)) / 1000),
      used: Math.floor(at / TOTP_PERIOD_MS) <= lastStep,
    })
  })

  return router
}
