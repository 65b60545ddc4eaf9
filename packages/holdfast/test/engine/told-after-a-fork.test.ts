import { expect, test } from 'vitest'
import type { Verification } from '../../src/core/sessions.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import {
  codeOf,
  type Harness,
  harness,
  held,
  inMemory,
  MINUTE,
  SECOND,
} from '../support/harness.ts'
import { atHome, clone, lookup, onTheTrain } from '../support/people.ts'

const SENSITIVE = { sensitivity: 'sensitive' } as const

/**
 * The owner is on the train, the thief sits behind her router at home. Both networks are hers. He
 * has what she has, uses it `after` she does, and goes on.
 */
async function forked(after: (h: Harness, token: string) => Promise<void> = async () => {}) {
  const h = await harness(inMemory)
  const token = held('', await h.stepUp(await h.login(), onTheTrain()))
  const since = h.host.now()
  h.host.advance(MINUTE)
  await h.show(token, onTheTrain({ method: 'GET' }), { ...SENSITIVE, deliverable: false })
  await after(h, token)
  h.host.advance(MINUTE)
  const theft = h.host.now()
  const order = await h.show(token, clone({ method: 'POST' }), SENSITIVE)
  expect(codeOf(order)).toBe('ok')
  let his = held(token, order)
  for (let i = 0; i < 4; i++) {
    h.host.advance(6 * MINUTE)
    his = held(his, await h.show(his, clone()))
  }
  expect(codeOf(await h.show(token, onTheTrain()))).toBe('step_up_required')
  return { ...h, token, since, theft }
}

function meanwhile(answer: Verification) {
  return answer.ok ? answer.meanwhile : answer.code
}

test('after a fork the one who passes is told which sensitive calls were served', async () => {
  const h = await forked()

  const passed = await h.stepUp(h.token, onTheTrain())

  expect(meanwhile(passed)).toEqual([
    {
      at: h.theft,
      method: 'POST',
      network: {
        asn: 64500,
        organisation: 'AS 64500',
        kind: 'fixed',
        country: 'NO',
        city: 'Oslo',
      },
      device: { family: 'chrome', major: 156, os: 'windows' },
      here: false,
    },
    expect.objectContaining({ at: h.since + MINUTE, method: 'GET', here: true }),
  ])
})

test('another process tells it, too, and an answer that was lost is told again', async () => {
  const h = await forked()
  const request = onTheTrain()
  const begun = await h.sessions.beginStepUp({ token: h.token, request })
  if (!begun.ok) throw new Error(begun.code)
  const proof = { ...begun, token: h.token, request, subject: 'ada', amr: ['otp'] }
  const { store, keyring, host } = h
  const elsewhere = createSessions({ store, keyring, host, lookup })

  const first = await elsewhere.completeStepUp({ ...proof })
  host.advance(30 * SECOND)
  const again = await h.sessions.completeStepUp({ ...proof })

  expect(meanwhile(first)).toHaveLength(2)
  expect(meanwhile(again)).toEqual(meanwhile(first))
})

test('calls that repeat each other are told once, and of many the newest sixteen', async () => {
  const h = await forked(async ({ host, show }, token) => {
    const ask = (method: string) =>
      show(token, onTheTrain({ method }), { ...SENSITIVE, deliverable: false })
    await Promise.all(Array.from({ length: 12 }, () => ask('PUT')))
    for (let i = 0; i < 30; i++) {
      host.advance(SECOND)
      await ask(i < 10 ? 'PUT' : `ODD-${i}`)
    }
    for (let i = 0; i < 20; i++) {
      host.advance(11 * SECOND)
      await ask('DELETE')
    }
  })

  const told = meanwhile(await h.stepUp(h.token, onTheTrain()))

  expect(Array.isArray(told) && told.map(({ method }) => method)).toEqual([
    'POST',
    ...Array(15).fill('DELETE'),
  ])
})

test('a step-up that ended no fork tells nothing', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  await h.show(token, atHome({ method: 'POST' }), { ...SENSITIVE, deliverable: false })

  expect(meanwhile(await h.stepUp(token, atHome()))).toBeUndefined()
})
