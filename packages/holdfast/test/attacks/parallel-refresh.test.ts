import { expect, test } from 'vitest'
import type { Refreshed } from '../../src/core/sessions.ts'
import { describeOnEveryStore } from '../support/every-store.ts'
import { codeOf, type Harness, harness, heldRefresh, MINUTE, SECOND } from '../support/harness.ts'

function together(h: Harness, token: string, count: number): Promise<readonly Refreshed[]> {
  return Promise.all(Array.from({ length: count }, () => h.renew(token)))
}

function successorsIn(answers: readonly Refreshed[]): ReadonlySet<string | undefined> {
  return new Set(answers.map((answer) => (answer.ok ? answer.refreshToken : 'refused')))
}

function codesIn(answers: readonly Refreshed[]): ReadonlySet<string> {
  return new Set(answers.map(codeOf))
}

describeOnEveryStore('parallel refreshes of one token', (open) => {
  test('200 of them get one and the same successor, and nobody is logged out', async () => {
    const h = await harness(open)
    const { token, refreshToken } = await h.loginForRefresh()
    h.host.advance(MINUTE)

    const answers = await together(h, refreshToken, 200)

    expect(codesIn(answers)).toEqual(new Set(['ok']))
    const [successor, another] = successorsIn(answers)
    expect(another).toBeUndefined()
    expect(successor).not.toBe(refreshToken)
    expect(answers.filter((answer) => answer.ok && answer.status === 'normal')).toHaveLength(1)
    expect(codeOf(await h.renew(successor ?? ''))).toBe('ok')
    expect(codeOf(await h.show(token))).toBe('ok')
    expect(h.events.filter(({ type }) => type === 'token-reused')).toEqual([])
  })

  test('with half of the responses lost, quick retries get the same successor', async () => {
    const h = await harness(open)
    const { refreshToken } = await h.loginForRefresh()
    h.host.advance(MINUTE)
    const [successor] = successorsIn((await together(h, refreshToken, 200)).slice(100))

    h.host.advance(10 * SECOND)
    const retries = await together(h, refreshToken, 100)

    expect(codesIn(retries)).toEqual(new Set(['ok']))
    expect(successorsIn(retries)).toEqual(new Set([successor]))
    expect(codeOf(await h.renew(successor ?? ''))).toBe('ok')
  })

  test('with all of them lost, retries after ten seconds get one fresh sibling', async () => {
    const h = await harness(open)
    const { refreshToken } = await h.loginForRefresh()
    h.host.advance(MINUTE)
    const [lost] = successorsIn(await together(h, refreshToken, 200))

    h.host.advance(11 * SECOND)
    const retries = await together(h, refreshToken, 200)

    expect(codesIn(retries)).toEqual(new Set(['ok']))
    const [sibling, another] = successorsIn(retries)
    expect(another).toBeUndefined()
    expect(sibling).not.toBe(lost)
    h.host.advance(MINUTE)
    expect(codeOf(await h.renew(sibling ?? ''))).toBe('ok')
    expect(h.events.filter(({ type }) => type === 'token-reused')).toEqual([])
    expect(h.events.filter(({ reason }) => reason === 'response_lost')).toHaveLength(1)
  })

  test('peers, complaint 1: the losers of the race get a usable session, too', async () => {
    const h = await harness(open)
    const { token, refreshToken } = await h.loginForRefresh()
    h.host.advance(MINUTE)
    const second = heldRefresh(refreshToken, await h.renew(refreshToken))
    const third = heldRefresh(second, await h.renew(second))

    h.host.advance(59 * SECOND)
    const losers = await together(h, refreshToken, 50)

    expect(codesIn(losers)).toEqual(new Set(['ok']))
    expect(losers.every((loser) => loser.ok && loser.status === 'in_flight')).toBe(true)
    expect(successorsIn(losers)).toEqual(new Set([undefined]))
    expect(losers.every((loser) => loser.ok && loser.session.subject === 'ada')).toBe(true)
    expect(codeOf(await h.renew(third))).toBe('ok')
    expect(codeOf(await h.show(token))).toBe('ok')
  })
})
