import { describe, expect, test } from 'vitest'
import { harness, inMemory } from '../support/harness.ts'
import { abroad, atHome } from '../support/people.ts'

const correlation = 'request-1'

function idOf(token: string): string {
  return token.split('.')[1] ?? ''
}

describe('an event', () => {
  test('names the request that caused it, from login to logout', async () => {
    const { sessions, login, events } = await harness(inMemory)
    const previous = await login()
    events.length = 0
    const traced = { request: atHome(), correlation }

    const token = await login({ previous, correlation })
    const begun = await sessions.beginStepUp({ token, ...traced })
    if (!begun.ok) throw new Error(begun.code)
    const { challenge } = begun
    await sessions.report({ kind: 'step_up_failed', challenge, token, ...traced })
    const proof = { challenge, token, subject: 'ada', amr: ['otp'], ...traced }
    const passed = await sessions.completeStepUp(proof)
    await sessions.logout((passed.ok && passed.token) || '', { correlation })
    await sessions.report({ kind: 'login_failed', subject: 'ada', ...traced })
    await sessions.report({
      kind: 'not_me',
      session: idOf(await login({ correlation })),
      correlation,
    })
    await sessions.report({ kind: 'account_disabled', subject: 'ada', correlation })

    expect(events.map(({ type }) => type)).toEqual([
      'session-revoked',
      'session-established',
      'step-up-required',
      'step-up-failed',
      'step-up-completed',
      'session-revoked',
      'login-failed',
      'session-established',
      'session-revoked',
      'subject-revoked',
    ])
    expect(new Set(events.map((event) => event.correlation))).toEqual(new Set([correlation]))
  })

  test('names the session and request of a thief whose failure ended the session', async () => {
    const { sessions, host, login, show, events } = await harness(inMemory)
    const token = await login()
    host.advance(6 * 60_000)
    const successor = await show(token)
    await show((successor.ok && successor.token) || '')
    host.advance(2 * 60_000)
    await show(token, abroad())
    const begun = await sessions.beginStepUp({ token, request: abroad() })
    if (!begun.ok) throw new Error(begun.code)
    const { challenge } = begun
    const failed = { kind: 'step_up_failed', challenge, token, request: abroad() } as const

    await sessions.report({ ...failed, correlation })

    expect(events.at(-1)).toMatchObject({ reason: 'step_up_failed_after_fork', correlation })
  })

  test('of a revocation names who ordered it', async () => {
    const { sessions, login, events } = await harness(inMemory)
    const by = { actor: 'operations', correlation }

    await sessions.revoke(idOf(await login()), { reason: 'stolen_laptop', ...by })
    await sessions.revokeSubject({ subject: 'ada' }, { reason: 'spring_clean', ...by })
    await sessions.revoke(idOf(await login()), { reason: 'by_itself' })

    expect(events.filter(({ type }) => type.endsWith('-revoked'))).toMatchObject([
      { actor: 'operations', reason: 'stolen_laptop', correlation },
      { actor: 'operations', reason: 'spring_clean', correlation },
      { actor: 'application', reason: 'by_itself', correlation: null },
    ])
  })
})

test.each(['', 'Stolen laptop', 'stolen-laptop', '1_laptop', '<b>', 'x'.repeat(65), 7] as const)(
  'an end for the reason "%s" is refused: machines read it as a code',
  async (reason) => {
    const { sessions, login } = await harness(inMemory)
    const id = idOf(await login())
    const refused = { code: 'invalid_input', message: expect.stringContaining('reason') }

    await expect(sessions.revoke(id, { reason: reason as string })).rejects.toMatchObject(refused)
    await expect(
      sessions.revokeSubject({ subject: 'ada' }, { reason: reason as string }),
    ).rejects.toMatchObject(refused)
    expect(await sessions.show(id)).toBeDefined()
  },
)

test('an actor or a correlation of any length is refused before anything ends', async () => {
  const { sessions, login } = await harness(inMemory)
  const token = await login()
  const long = 'x'.repeat(1_000)
  const id = idOf(token)
  const calls = [
    () => sessions.revoke(id, { reason: 'test', actor: long }),
    () => sessions.revokeSubject({ subject: 'ada' }, { reason: 'test', correlation: long }),
    () => sessions.logout(token, { correlation: long }),
    () => login({ previous: token, correlation: long }),
    () => sessions.report({ kind: 'not_me', session: id, correlation: long }),
  ]

  for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'invalid_input' })
  expect(await sessions.show(id)).toBeDefined()
})
