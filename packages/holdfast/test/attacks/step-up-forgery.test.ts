import { describe, expect, test } from 'vitest'
import type { Proof } from '../../src/core/sessions.ts'
import { codeOf, type Harness, harness, held, inMemory, MINUTE } from '../support/harness.ts'
import { abroad, atHome } from '../support/people.ts'

async function begun(h: Harness, token: string, request = abroad()): Promise<Proof> {
  const answer = await h.sessions.beginStepUp({ token, request })
  if (!answer.ok) throw new Error(answer.code)
  return { challenge: answer.challenge, token, request, subject: 'ada', amr: ['otp'] }
}

describe('a challenge', () => {
  test.each([
    ['another subject', () => ({ subject: 'mallory' })],
    ['another tenant', () => ({ tenant: 'elsewhere' })],
    ['another place', () => ({ request: atHome() })],
    ['another challenge text', () => ({ challenge: 'hc1.nonsense.nonsense' })],
    ['a token of nobody', () => ({ token: 'hf1.nonsense' })],
  ] as const)('cannot be completed with %s', async (_title, change) => {
    const h = await harness(inMemory)
    const token = await h.login()
    const proof = await begun(h, token)

    expect(codeOf(await h.sessions.completeStepUp({ ...proof, ...change() }))).toBe(
      'challenge_invalid',
    )
    expect(codeOf(await h.show(token, abroad()))).toBe('step_up_required')
  })

  test('of one session does not open another one', async () => {
    const h = await harness(inMemory)
    const victim = await h.login()
    const own = await h.login({ subject: 'mallory', request: abroad() })
    const proof = await begun(h, own)

    const answer = await h.sessions.completeStepUp({ ...proof, token: victim })

    expect(codeOf(answer)).toBe('challenge_invalid')
    expect(codeOf(await h.show(victim, abroad()))).toBe('step_up_required')
  })

  test('is over after five minutes, and after its family ended', async () => {
    const h = await harness(inMemory)
    const token = await h.login()
    const late = await begun(h, token)
    h.host.advance(5 * MINUTE)
    expect(codeOf(await h.sessions.completeStepUp(late))).toBe('challenge_invalid')

    const first = await begun(h, token, atHome())
    const second = await begun(h, token, atHome())
    held(token, await h.sessions.completeStepUp(first))
    expect(codeOf(await h.sessions.completeStepUp(second))).toBe('challenge_invalid')
  })

  test('does not pass for less than the route asked for', async () => {
    const h = await harness(inMemory, { acrOrder: ['aal1', 'aal2'] })
    const token = await h.login({ acr: 'aal1' })
    const answer = await h.sessions.beginStepUp({ token, request: atHome(), acr: 'aal2' })
    if (!answer.ok) throw new Error(answer.code)
    const proof = { challenge: answer.challenge, token, request: atHome(), subject: 'ada' }

    expect(await h.sessions.completeStepUp({ ...proof, acr: 'aal1' })).toMatchObject({
      code: 'step_up_required',
      requirements: { acr: 'aal2' },
    })
    expect(await h.sessions.completeStepUp({ ...proof, acr: 'aal2' })).toMatchObject({
      ok: true,
      session: { acr: 'aal2' },
    })
  })

  test('with any byte changed is no challenge', async () => {
    const h = await harness(inMemory)
    const token = await h.login()
    const proof = await begun(h, token)

    for (let at = 0; at < proof.challenge.length; at += 7) {
      const letter = proof.challenge[at] === 'A' ? 'B' : 'A'
      const challenge = proof.challenge.slice(0, at) + letter + proof.challenge.slice(at + 1)
      expect(codeOf(await h.sessions.completeStepUp({ ...proof, challenge }))).toBe(
        'challenge_invalid',
      )
    }
  })
})

describe('what a step-up proved', () => {
  test('belongs to the new family, and freshness is asked for again when it is over', async () => {
    const h = await harness(inMemory)
    const token = await h.login()
    h.host.advance(20 * MINUTE)
    const fresh = { maxAgeMs: 5 * MINUTE }

    expect(await h.show(token, atHome(), fresh)).toMatchObject({
      code: 'step_up_required',
      requirements: { maxAgeMs: 5 * MINUTE },
    })
    const passed = held(token, await h.stepUp(token, atHome()))
    expect(codeOf(await h.show(passed, atHome(), fresh))).toBe('ok')
    h.host.advance(5 * MINUTE + 1)
    expect(codeOf(await h.show(passed, atHome(), fresh))).toBe('step_up_required')
    expect(codeOf(await h.show(passed, atHome()))).toBe('ok')
  })

  test('is asked for again when it is stale, though nothing else has changed', async () => {
    const h = await harness(inMemory)
    const token = await h.login()
    h.host.advance(4 * MINUTE)

    const answer = await h.show(token, atHome(), { maxAgeMs: MINUTE })

    expect(codeOf(answer)).toBe('step_up_required')
  })

  test('five failures from one place weigh against it, the owner elsewhere works on', async () => {
    const h = await harness(inMemory)
    const token = await h.login()
    const proof = await begun(h, token)
    const { challenge, request } = proof

    await h.sessions.report({ kind: 'step_up_failed', challenge, token, request })

    const answer = await h.show(token, abroad())
    expect(answer.decision?.because.map(({ reason }) => reason)).toContain('step_up_failed')
    expect(h.events.map(({ type }) => type)).toContain('step-up-failed')
    expect(codeOf(await h.show(token))).toBe('ok')
  })
})
