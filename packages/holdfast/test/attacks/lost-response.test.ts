import { expect, test } from 'vitest'
import { describeOnEveryStore } from '../support/every-store.ts'
import { codeOf, harness, held, MINUTE, SECOND } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

describeOnEveryStore('lost responses', (open) => {
  test('within ten seconds the very same successor is sent again', async () => {
    const { host, login, show } = await harness(open)
    const token = await login()
    host.advance(6 * MINUTE)

    const lost = await show(token)
    host.advance(10 * SECOND)
    const again = await show(token)

    expect(again.ok && again.token).toBe(lost.ok && lost.token)
  })

  test('later a sibling takes its place, and the owner who lost it works on', async () => {
    const { host, login, show, events } = await harness(open)
    let token = await login()

    for (let i = 0; i < 6; i++) {
      host.advance(6 * MINUTE)
      await show(token)
      host.advance(11 * SECOND)
      const sibling = held(token, await show(token))
      expect(sibling).not.toBe(token)
      token = sibling
      host.advance(MINUTE)
      expect(codeOf(await show(token))).toBe('ok')
    }

    expect(events.filter(({ type }) => type === 'token-reused')).toEqual([])
  })

  test('a successor that was displaced and comes back later is a second holder: fork', async () => {
    const { host, login, show, events } = await harness(open)
    const token = await login()
    host.advance(6 * MINUTE)
    const displaced = held(token, await show(token))
    host.advance(11 * SECOND)
    const sibling = held(token, await show(token))

    host.advance(11 * SECOND)
    expect(codeOf(await show(displaced))).toBe('step_up_required')
    expect(codeOf(await show(sibling))).toBe('step_up_required')
    expect(events.filter(({ type }) => type === 'token-reused')).toHaveLength(1)
  })

  test('an answer that cannot carry a cookie mints nothing, and displaces nothing', async () => {
    const { sessions, host, login, show, store, events } = await harness(open)
    const token = await login()
    host.advance(6 * MINUTE)
    const lost = held(token, await show(token))
    const [session] = (await sessions.list({ subject: 'ada' })).items
    const id = session?.id ?? ''
    const before = await store.entries.read(id)
    host.advance(11 * SECOND)

    for (let i = 0; i < 3; i++) {
      const answer = await show(token, atHome(), { deliverable: false })
      expect(answer).toMatchObject({ ok: true })
      expect(answer).not.toHaveProperty('token')
    }

    expect((await store.entries.read(id))?.version).toBe(before?.version)
    // The response was late, not lost: what it brought is still the one successor.
    host.advance(11 * SECOND)
    const answer = await show(lost)
    expect(answer).toMatchObject({ ok: true })
    expect(answer).not.toHaveProperty('token')
    expect(events.filter(({ type }) => type === 'token-reused')).toEqual([])
  })

  test('a completed step-up can be asked for again for a minute, by the same hand', async () => {
    const { sessions, host, login, show } = await harness(open)
    const token = await login()
    const request = atHome()
    const begun = await sessions.beginStepUp({ token, request })
    if (!begun.ok) throw new Error(begun.code)
    const proof = { challenge: begun.challenge, token, request, subject: 'ada', amr: ['otp'] }

    const lost = await sessions.completeStepUp(proof)
    host.advance(59 * SECOND)
    const again = await sessions.completeStepUp(proof)
    expect(again.ok && again.token).toBe(lost.ok && lost.token)
    expect(codeOf(await show(token))).toBe('token_superseded')

    host.advance(2 * SECOND)
    expect(codeOf(await sessions.completeStepUp(proof))).toBe('challenge_invalid')
  })
})
