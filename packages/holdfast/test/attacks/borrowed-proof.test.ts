import { describe, expect, test } from 'vitest'
import { codeOf, harness, held, inMemory, MINUTE } from '../support/harness.ts'
import { abroad, atHome, onTheTrain } from '../support/people.ts'

const acrOrder = ['basic', 'mfa', 'hardware']

describe('what a login or step-up proved', () => {
  test.each([
    ['authentication context', { acr: 'mfa' }],
    ['freshness', { maxAgeMs: 5 * MINUTE }],
  ] as const)('is no %s for a place that has proved nothing itself', async (_title, demand) => {
    const { login, show } = await harness(inMemory, { acrOrder })
    const token = await login({ acr: 'mfa' })
    expect(codeOf(await show(token, onTheTrain()))).toBe('ok')

    for (let i = 0; i < 2; i++) {
      expect(codeOf(await show(token, onTheTrain(), demand))).toBe('step_up_required')
    }
    expect(codeOf(await show(token, atHome(), demand))).toBe('ok')
    expect(codeOf(await show(token, atHome(), demand))).toBe('ok')
  })

  test('counts in every place that the session has confirmed', async () => {
    const { login, show, stepUp } = await harness(inMemory, { acrOrder })
    let token = await login({ acr: 'mfa' })
    token = held(token, await stepUp(token, onTheTrain()))
    token = held(token, await stepUp(token, atHome()))

    const demand = { maxAgeMs: 5 * MINUTE }
    expect(codeOf(await show(token, onTheTrain(), demand))).toBe('ok')
  })

  test('is not handed to a thief who proves a weaker factor elsewhere', async () => {
    const { sessions, login, show } = await harness(inMemory, { acrOrder })
    const token = await login({ acr: 'hardware' })
    const request = abroad()
    const begun = await sessions.beginStepUp({ token, request })
    if (!begun.ok) throw new Error(begun.code)
    const proof = { challenge: begun.challenge, token, request, subject: 'ada', amr: ['otp'] }
    const stolen = held(token, await sessions.completeStepUp({ ...proof, acr: 'mfa' }))

    expect(codeOf(await show(stolen, abroad(), { acr: 'hardware' }))).toBe('step_up_required')
    expect(codeOf(await show(stolen, abroad(), { acr: 'mfa' }))).toBe('ok')
  })

  test('nor are its methods', async () => {
    const { sessions, login, show } = await harness(inMemory, { acrOrder })
    const token = await login({ amr: ['hwk', 'user'] })
    const request = abroad()
    const begun = await sessions.beginStepUp({ token, request })
    if (!begun.ok) throw new Error(begun.code)
    const proof = { challenge: begun.challenge, token, request, subject: 'ada', amr: ['otp'] }

    const passed = await sessions.completeStepUp({ ...proof, acr: 'mfa' })

    expect(passed).toMatchObject({ ok: true, session: { amr: ['otp'] } })
    expect(await show(held(token, passed), abroad())).toMatchObject({ session: { amr: ['otp'] } })
  })

  test.each([
    ['a weaker factor leaves the stronger one standing', 'mfa', 'hardware'],
    ['none that is named leaves it standing too', undefined, 'hardware'],
    ['one that is not in the order takes its place', 'other', 'other'],
  ] as const)('where it was proved: %s', async (_title, acr, left) => {
    const { sessions, login } = await harness(inMemory, { acrOrder })
    const token = await login({ acr: 'hardware' })
    const request = atHome()
    const begun = await sessions.beginStepUp({ token, request })
    if (!begun.ok) throw new Error(begun.code)
    const proof = { challenge: begun.challenge, token, request, subject: 'ada' }

    const passed = await sessions.completeStepUp(acr === undefined ? proof : { ...proof, acr })

    expect(passed).toMatchObject({ ok: true, session: { acr: left } })
  })
})
