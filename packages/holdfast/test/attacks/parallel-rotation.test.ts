import { expect, test } from 'vitest'
import { describeOnEveryStore } from '../support/every-store.ts'
import { codeOf, harness, held, MINUTE, SECOND } from '../support/harness.ts'

describeOnEveryStore('200 parallel verifies over one rotation', (open) => {
  test('all pass with a successor each, and nobody looks like a thief', async () => {
    const { host, login, show, events } = await harness(open)
    const token = await login()
    host.advance(6 * MINUTE)

    const answers = await Promise.all(Array.from({ length: 200 }, () => show(token)))

    expect(new Set(answers.map(codeOf))).toEqual(new Set(['ok']))
    const successors = new Set(answers.map((answer) => held(token, answer)))
    expect(successors.size).toBe(200)
    expect(successors.has(token)).toBe(false)
    for (const successor of [...successors].slice(0, 5)) {
      expect(codeOf(await show(successor))).toBe('ok')
    }
    expect(events.filter(({ type }) => type === 'secret-rotated')).toHaveLength(1)
    expect(events.filter(({ type }) => type === 'token-reused')).toEqual([])
  })

  test('stragglers with the predecessor pass for a minute', async () => {
    const { host, login, show, events } = await harness(open)
    const token = await login()
    host.advance(6 * MINUTE)
    const successor = held(token, await show(token))
    await show(successor)

    host.advance(60 * SECOND)
    const late = await Promise.all(Array.from({ length: 50 }, () => show(token)))

    expect(new Set(late.map(codeOf))).toEqual(new Set(['ok']))
    expect(late.every((answer) => answer.ok && answer.token === undefined)).toBe(true)
    expect(events.filter(({ type }) => type === 'token-reused')).toEqual([])
  })
})
