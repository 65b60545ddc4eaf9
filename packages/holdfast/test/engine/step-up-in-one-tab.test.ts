import { describe, expect, test } from 'vitest'
import type { RequestFacts } from '../../src/core/request.ts'
import { codeOf, type Harness, harness, held, inMemory, MINUTE } from '../support/harness.ts'
import { atHome, clone, onTheTrain } from '../support/people.ts'

/**
 * Begins at home, four minutes after the login. Two minutes later another tab rotates the secret in
 * the cookie jar.
 */
async function rotatedMeanwhile(h: Harness): Promise<{ answer: Answer; old: string }> {
  const old = await h.login()
  h.host.advance(4 * MINUTE)
  const begun = await h.sessions.beginStepUp({ token: old, request: atHome() })
  if (!begun.ok) throw new Error(begun.code)
  h.host.advance(2 * MINUTE)
  const token = held(old, await h.show(old))
  expect(token).not.toBe(old)
  const { challenge } = begun
  return { old, answer: { challenge, token, request: atHome(), subject: 'ada', amr: ['otp'] } }
}

interface Answer {
  readonly challenge: string
  readonly token: string
  readonly request: RequestFacts
  readonly subject: string
  readonly amr: readonly string[]
}

describe('a step-up in one tab, while another one rotates the secret', () => {
  test('passes with the secret that the cookie jar holds by then', async () => {
    const h = await harness(inMemory)
    const { answer } = await rotatedMeanwhile(h)

    const passed = await h.sessions.completeStepUp(answer)

    expect(codeOf(passed)).toBe('ok')
    expect(codeOf(await h.show(held('', passed)))).toBe('ok')
    const again = await h.sessions.completeStepUp(answer)
    expect(again).toEqual({ ...passed, token: expect.any(String) })
  })

  test('fails with it too, which counts against the place', async () => {
    const h = await harness(inMemory)
    const { answer } = await rotatedMeanwhile(h)
    const { challenge, token, request } = answer

    await h.sessions.report({ kind: 'step_up_failed', challenge, token, request })

    expect(h.events.at(-1)).toMatchObject({ type: 'step-up-failed' })
  })

  test('does not pass from another place, nor once two holders are proven', async () => {
    const h = await harness(inMemory)
    const { answer, old } = await rotatedMeanwhile(h)

    const moved = { ...answer, request: onTheTrain() }
    expect(codeOf(await h.sessions.completeStepUp(moved))).toBe('challenge_invalid')
    await h.show(answer.token)
    h.host.advance(90_000)
    expect(codeOf(await h.show(old, clone()))).toBe('step_up_required')
    expect(codeOf(await h.sessions.completeStepUp(answer))).toBe('challenge_invalid')
    const { challenge, token, request } = answer
    await expect(
      h.sessions.report({ kind: 'step_up_failed', challenge, token, request }),
    ).rejects.toMatchObject({ code: 'invalid_input' })
    expect(codeOf(await h.stepUp(token, atHome()))).toBe('ok')
  })
})
