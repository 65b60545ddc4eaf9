import { expect, onTestFinished, test } from 'vitest'
import { systemHost } from '../../src/codecs/system-host.ts'
import { NAVIGATION, OWNER, THIEF } from '../../src/contracts/adapters/adapter-answers.ts'
import { engineHarness } from '../../src/contracts/adapters/adapter-harness.ts'
import type { RawAnswer } from '../../src/contracts/adapters/raw-http.ts'
import { type Visitor, visitor } from '../../src/contracts/adapters/visitor.ts'
import { heldForms, memoryForms } from '../../src/step-up/held-forms.ts'
import { startExpress } from '../contracts/apps/express.ts'

/** The owner, who travels, and a thief with a copy of her session cookie: both have to step up. */
async function scene() {
  const harness = await engineHarness()
  const host = { ...systemHost(), now: harness.now }
  const forms = heldForms({ store: memoryForms({ now: harness.now }), host })
  const options = { stepUpPage: '/step-up', heldForms: forms }
  const app = await startExpress(harness.sessions, options, async () => {})
  onTestFinished(async () => {
    await app.close()
    await harness.close()
  })
  const owner = visitor(app.origin, { headers: OWNER })
  await owner.post('/login', { subject: 'ada', factors: ['otp'] })
  const { formToken } = (await owner.send('/me')).json() as { readonly formToken: string }
  const session = owner.cookie('__Host-session')?.split('.')[1] ?? ''
  return { forms, session, formToken, away: owner.stolenBy(THIEF), thief: owner.stolenBy(THIEF) }
}

function submit(who: Visitor, fields: Readonly<Record<string, string>>): Promise<RawAnswer> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', ...NAVIGATION }
  const body = new URLSearchParams(fields).toString()
  return who.send('/transfer', { method: 'POST', headers, body })
}

function formOf(answer: RawAnswer): string {
  const address = new URL(answer.header('location') ?? '', 'http://localhost')
  return address.searchParams.get('form') ?? ''
}

function cookiesOf(who: Visitor): string {
  return `__Host-held-forms=${who.cookie('__Host-held-forms')}`
}

async function stepUp(who: Visitor): Promise<void> {
  const { challenge, subject } = (await who.post('/step-up/begin')).json() as {
    readonly challenge: string
    readonly subject: string
  }
  const done = await who.post('/step-up/complete', { challenge, subject, amr: ['otp'] })
  expect(done.status).toBe(200)
}

test('the address of a thief’s form does nothing in the owner’s step-up', async () => {
  const { forms, session, formToken, away, thief } = await scene()
  const planted = formOf(await submit(thief, { to: 'mallory', _form: formToken }))
  await submit(away, { to: 'bob', _form: formToken })

  await stepUp(away)

  expect(await forms.take(planted, { session, cookies: cookiesOf(away) })).toBeUndefined()
})

test('a form without its form token is held, and refused when it comes again', async () => {
  const { forms, session, away } = await scene()
  const id = formOf(await submit(away, { to: 'mallory', _form: 'a guess' }))
  await stepUp(away)

  const held = await forms.take(id, { session, cookies: cookiesOf(away) })
  const again = await submit(away, Object.fromEntries(held?.fields ?? []))

  expect(held?.fields).toEqual([
    ['to', 'mallory'],
    ['_form', 'a guess'],
  ])
  expect([again.status, (again.json() as { code: string }).code]).toEqual([
    403,
    'form_token_invalid',
  ])
})

test('a form with it goes on, once, after the step-up and not before', async () => {
  const { forms, session, formToken, away } = await scene()
  const sent = { to: 'bob', _form: formToken }
  const first = await submit(away, sent)
  const before = await submit(away, sent)
  await stepUp(away)

  const from = { session, cookies: cookiesOf(away) }
  const held = await forms.take(formOf(first), from)
  const again = await submit(away, Object.fromEntries(held?.fields ?? []))

  expect([first.status, before.status, again.status]).toEqual([303, 303, 200])
  expect(await forms.take(formOf(first), from)).toBeUndefined()
})

test('a form that another site posts is never held', async () => {
  const { away, formToken } = await scene()
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    ...NAVIGATION,
    'sec-fetch-site': 'cross-site',
  }
  const body = new URLSearchParams({ to: 'mallory', _form: formToken }).toString()

  const answer = await away.send('/transfer', { method: 'POST', headers, body })

  expect(answer.status).toBe(403)
  expect(away.cookie('__Host-held-forms')).toBeUndefined()
})
