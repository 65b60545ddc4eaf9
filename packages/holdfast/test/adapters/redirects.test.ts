import { expect, test } from 'vitest'
import { guard } from '../../src/adapters/guard/guard.ts'
import type { HttpFacts } from '../../src/adapters/guard/http-request.ts'
import { cookie } from '../../src/carriers/cookie.ts'
import { harness, held, inMemory, MINUTE } from '../support/harness.ts'
import { onTheTrain } from '../support/people.ts'

/** A person on the train, where the session is provisional, and what a guard sees of them. */
async function onTheWay() {
  const h = await harness(inMemory)
  let token = await h.login()
  token = held(token, await h.show(token, onTheTrain()))
  const { headers } = onTheTrain()
  const facts = (url: string): HttpFacts => ({
    method: 'GET',
    url,
    peer: onTheTrain().ip ?? undefined,
    encrypted: true,
    header: (name) =>
      ({
        ...headers,
        cookie: `${cookie().name}=${token}; hf-client=s=2560x1440x1&z=Europe/Oslo`,
        host: 'shop.example',
        'sec-fetch-site': 'same-origin',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
      })[name],
  })
  return { ...h, facts }
}

function locationOf(answer: object): string {
  const { refusal } = answer as { refusal: { headers: readonly (readonly [string, string])[] } }
  return refusal.headers.find(([name]) => name === 'location')?.[1] ?? ''
}

test('a step-up for a sensitive route names it as its cause, as its refusal does', async () => {
  const { sessions, host, facts, events } = await onTheWay()
  const pages = { loginPage: '/login', stepUpPage: '/step-up', now: host.now }
  const { require, beginStepUp } = guard(sessions, pages)
  const refused = await require({ sensitivity: 'sensitive' })(facts('/orders'))

  const begun = await beginStepUp(facts(locationOf(refused)))

  expect(locationOf(refused)).toBe('/step-up?return=%2Forders&sensitivity=sensitive')
  expect(begun).toMatchObject({ ok: true, decision: { outcome: 'challenge' } })
  const stated = begun.ok ? begun.decision.because.filter(({ weight }) => weight === 0) : []
  expect(stated.map(({ reason }) => reason)).toEqual(['network_unconfirmed'])
  expect(events.slice(-2).map(({ reason, decision }) => [reason, decision])).toEqual([
    ['network_unconfirmed', begun.ok && begun.decision],
    ['step_up_begun', begun.ok && begun.decision],
  ])
})

test('who is logged out on the step-up page goes on to the page that was asked for', async () => {
  const { sessions, host, facts } = await onTheWay()
  const pages = { loginPage: '/login', stepUpPage: '/step-up', now: host.now }
  const { beginStepUp, require } = guard(sessions, pages)
  await sessions.revokeSubject({ subject: 'ada' }, { reason: 'test' })
  host.advance(MINUTE)

  const page = await beginStepUp(facts('/step-up?return=%2Forders&sensitivity=sensitive'))
  const onward = await require()(facts('/step-up/continue?form=x&return=%2Faccount'))

  expect(locationOf(page)).toBe('/login?return=%2Forders&reason=session_unknown')
  expect(locationOf(onward)).toBe('/login?return=%2Faccount&reason=session_unknown')
})
