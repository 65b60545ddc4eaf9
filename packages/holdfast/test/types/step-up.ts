import type { FetchHoldfast } from 'holdfast/fetch'
import type { HonoHoldfast } from 'holdfast/hono'
import {
  type Answer,
  type Begun,
  type FactorStore,
  heldForms,
  memoryFactors,
  memoryForms,
  stepUp,
} from 'holdfast/step-up'
import type { Context } from 'hono'

const store: FactorStore = memoryFactors()

/** Without a relying party there are no passkeys, and no other package is needed. */
export const codes = stepUp({ store, name: 'Shop' })

export const forms = heldForms({ store: memoryForms() })

/** With Hono, whose calls take a context. */
export async function withHono(
  hf: HonoHoldfast,
  c: Context,
  { begun, answer }: { readonly begun: Begun; readonly answer: Answer },
): Promise<Response> {
  const done = await codes.prove(begun, answer, {
    request: hf.requestFacts(c),
    failed: (challenge) => hf.stepUpFailed(c, challenge),
    complete: (proof) => hf.completeStepUp(c, proof),
  })
  if (done.ok) return c.redirect('/', 303)
  return 'unproved' in done ? c.text(done.unproved, 401) : hf.refuse(c, done)
}

/** With web standard handlers, whose answers are attached. */
export async function withFetch(
  hf: FetchHoldfast,
  request: Request,
  { begun, answer }: { readonly begun: Begun; readonly answer: Answer },
): Promise<Response> {
  const done = await codes.prove(begun, answer, {
    request: hf.requestFacts(request),
    failed: (challenge) => hf.stepUpFailed(request, challenge),
    complete: (proof) => hf.completeStepUp(request, proof),
  })
  if (done.ok) return done.attach(new Response(null, { status: 303, headers: { location: '/' } }))
  return 'unproved' in done ? new Response(done.unproved, { status: 401 }) : done.response
}

// @ts-expect-error A name for the site is not optional: authenticators show it.
export const nameless = stepUp({ store })
