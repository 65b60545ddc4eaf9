import { expect, test } from 'vitest'
import { describeOnEveryStore } from '../support/every-store.ts'
import { codeOf, harness, held, MINUTE, SECOND } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

describeOnEveryStore('lost responses', (open) => {
  test('every answer brings a successor of its own, and who lost some works on', async () => {
    const { host, login, show, events } = await harness(open)
    let token = await login()

    for (let i = 0; i < 6; i++) {
      host.advance(6 * MINUTE)
      const lost = held(token, await show(token))
      host.advance(11 * SECOND)
      const successor = held(token, await show(token))
      expect(new Set([token, lost, successor]).size).toBe(3)
      token = successor
      host.advance(MINUTE)
      expect(codeOf(await show(token))).toBe('ok')
    }

    expect(events.filter(({ type }) => type === 'token-reused')).toEqual([])
  })

  test('answers in another order leave the jar with a sibling: it is served', async () => {
    const { host, login, show, events } = await harness(open)
    const token = await login()
    host.advance(6 * MINUTE)
    const slow = held(token, await show(token))
    const quick = held(token, await show(token))
    expect(codeOf(await show(quick))).toBe('ok')

    host.advance(9 * SECOND)
    for (let i = 0; i < 20; i++) {
      expect(codeOf(await show(slow))).toBe('ok')
      host.advance(MINUTE)
    }

    expect(events.filter(({ type }) => type === 'token-reused')).toEqual([])
  })

  test('a sibling that comes back after another holder went on is a fork', async () => {
    const { host, login, show, events } = await harness(open)
    const token = await login()
    host.advance(6 * MINUTE)
    const [mine, other] = [held(token, await show(token)), held(token, await show(token))]
    await show(mine)

    host.advance(6 * MINUTE)
    await show(mine)
    host.advance(SECOND)
    expect(codeOf(await show(other))).toBe('step_up_required')
    expect(codeOf(await show(mine))).toBe('step_up_required')
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
    expect(held('', again)).not.toBe(held('', lost))
    expect(codeOf(await show(token))).toBe('token_superseded')
    expect(codeOf(await show(held('', again)))).toBe('ok')

    host.advance(2 * SECOND)
    expect(codeOf(await sessions.completeStepUp(proof))).toBe('challenge_invalid')
  })
})
