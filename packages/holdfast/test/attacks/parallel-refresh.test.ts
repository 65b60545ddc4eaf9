import { expect, test } from 'vitest'
import type { Refreshed } from '../../src/core/sessions.ts'
import { describeOnEveryStore } from '../support/every-store.ts'
import { codeOf, type Harness, harness, heldRefresh, MINUTE, SECOND } from '../support/harness.ts'

function together(h: Harness, token: string, count: number): Promise<readonly Refreshed[]> {
  return Promise.all(Array.from({ length: count }, () => h.renew(token)))
}

function successorsIn(answers: readonly Refreshed[]): readonly string[] {
  return answers.flatMap((answer) =>
    answer.ok && answer.refreshToken !== undefined ? [answer.refreshToken] : [],
  )
}

function codesIn(answers: readonly Refreshed[]): ReadonlySet<string> {
  return new Set(answers.map(codeOf))
}

describeOnEveryStore('parallel refreshes of one token', (open) => {
  test('200 of them get a successor each, no two the same, and nobody is logged out', async () => {
    const h = await harness(open)
    const { token, refreshToken } = await h.loginForRefresh()
    h.host.advance(MINUTE)

    const answers = await together(h, refreshToken, 200)

    expect(codesIn(answers)).toEqual(new Set(['ok']))
    const successors = successorsIn(answers)
    expect(new Set(successors).size).toBe(200)
    // The jar keeps the one whose answer came last.
    const last = successors.at(-1) ?? ''
    expect(await h.renew(last)).toMatchObject({ ok: true, status: 'kept' })
    expect(codeOf(await h.renew(successors[0] ?? ''))).toBe('ok')
    h.host.advance(MINUTE)
    expect(await h.renew(last)).toMatchObject({ ok: true, status: 'rotated' })
    expect(codeOf(await h.show(token))).toBe('ok')
    expect(h.events.filter(({ type }) => type === 'token-reused')).toEqual([])
  })

  test('whatever of the responses is lost, retries are served', async () => {
    const h = await harness(open)
    const { refreshToken } = await h.loginForRefresh()
    h.host.advance(MINUTE)
    await together(h, refreshToken, 100)

    h.host.advance(10 * SECOND)
    await together(h, refreshToken, 100)
    h.host.advance(11 * SECOND)
    const retries = await together(h, refreshToken, 100)

    expect(codesIn(retries)).toEqual(new Set(['ok']))
    const [successor = ''] = successorsIn(retries)
    h.host.advance(MINUTE)
    expect(codeOf(await h.renew(successor))).toBe('ok')
    expect(h.events.filter(({ type }) => type === 'token-reused')).toEqual([])
  })

  test('two holders of siblings do not both go on', async () => {
    const h = await harness(open)
    const { refreshToken } = await h.loginForRefresh()
    h.host.advance(MINUTE)
    const [one = '', two = ''] = successorsIn(await together(h, refreshToken, 2))
    await h.renew(one)

    h.host.advance(41 * SECOND)
    await h.renew(one)
    h.host.advance(SECOND)

    expect(codeOf(await h.renew(two))).toBe('step_up_required')
    expect(h.events.filter(({ type }) => type === 'token-reused')).toHaveLength(1)
  })

  test('peers, complaint 1: the losers of the race get a usable session, too', async () => {
    const h = await harness(open)
    const { token, refreshToken } = await h.loginForRefresh()
    h.host.advance(MINUTE)
    const second = heldRefresh(refreshToken, await h.renew(refreshToken))
    await h.renew(second)

    h.host.advance(19 * SECOND)
    const losers = await together(h, refreshToken, 50)

    expect(codesIn(losers)).toEqual(new Set(['ok']))
    expect(losers.every((loser) => loser.ok && loser.status === 'in_flight')).toBe(true)
    expect(successorsIn(losers)).toEqual([])
    expect(losers.every((loser) => loser.ok && loser.session.subject === 'ada')).toBe(true)
    expect(codeOf(await h.renew(second))).toBe('ok')
    expect(codeOf(await h.show(token))).toBe('ok')
  })
})
