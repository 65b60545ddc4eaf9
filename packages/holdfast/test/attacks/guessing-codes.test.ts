import { expect, test } from 'vitest'
import { codeOf, harness, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { abroad, atHome, lookup, onTheTrain } from '../support/people.ts'

test('after five wrong codes a place is refused, and the owner steps up elsewhere', async () => {
  const { sessions, host, login, stepUp } = await harness(inMemory)
  const token = await login()
  const request = abroad()
  const begun = await sessions.beginStepUp({ token, request })
  if (!begun.ok) throw new Error(begun.code)
  const { challenge } = begun

  for (let guess = 0; guess < 5; guess++) {
    await sessions.report({ kind: 'step_up_failed', challenge, token, request })
  }

  const right = { challenge, token, request, subject: 'ada', amr: ['otp'] }
  expect(codeOf(await sessions.completeStepUp(right))).toBe('context_refused')
  host.advance(61 * MINUTE)
  const again = await sessions.beginStepUp({ token, request })
  expect(again).toMatchObject({ ok: false, code: 'context_refused' })
  expect(again.decision?.because.map(({ reason }) => reason)).toContain('attempts_exhausted')
  expect(codeOf(await stepUp(token, atHome()))).toBe('ok')
})

test('wrong codes count on while disguises drive their place out of the session', async () => {
  const { sessions, host, login, show } = await harness(inMemory, {
    lookup: (address) => lookup(address.startsWith('198.') ? '192.0.2.10' : address),
  })
  const token = await login()
  const request = onTheTrain()
  const begun = await sessions.beginStepUp({ token, request })
  if (!begun.ok) throw new Error(begun.code)
  const { challenge } = begun
  for (let i = 0; i < 16; i++) {
    host.advance(SECOND)
    await show(token, atHome({ ip: `198.18.${i}.7` }))
  }

  for (let guess = 0; guess < 5; guess++) {
    await sessions.report({ kind: 'step_up_failed', challenge, token, request })
  }

  const [session] = (await sessions.list({ subject: 'ada' })).items
  expect(session?.contexts.map(({ network }) => network.address)).not.toContain(request.ip)
  const right = { challenge, token, request, subject: 'ada', amr: ['otp'] }
  expect(codeOf(await sessions.completeStepUp(right))).toBe('context_refused')
})

test('four wrong codes are forgiven by the right one', async () => {
  const { sessions, login, show } = await harness(inMemory)
  const token = await login()
  const request = abroad()
  const begun = await sessions.beginStepUp({ token, request })
  if (!begun.ok) throw new Error(begun.code)
  const { challenge } = begun

  for (let guess = 0; guess < 4; guess++) {
    await sessions.report({ kind: 'step_up_failed', challenge, token, request })
  }
  const right = { challenge, token, request, subject: 'ada', amr: ['otp'] }
  const passed = await sessions.completeStepUp(right)

  expect(codeOf(passed)).toBe('ok')
  expect(await show((passed.ok && passed.token) || '', request)).toMatchObject({
    decision: { score: 0 },
  })
})
