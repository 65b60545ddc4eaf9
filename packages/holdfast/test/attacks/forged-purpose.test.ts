import { describe, expect, test } from 'vitest'
import { settlingTime } from '../../src/core/rotation.ts'
import {
  codeOf,
  type Harness,
  HOUR,
  harness,
  held,
  inMemory,
  MINUTE,
  SECOND,
} from '../support/harness.ts'
import { abroad, atHome, clone, docked, onTheTrain } from '../support/people.ts'

/**
 * A thief says of each request that a browser made it ahead of its user, or that nobody is at the
 * page. The first is a header that anybody can send. Neither may spare anything that the same
 * request without it would meet.
 */
const FLAGS = [
  ['prefetch', { 'sec-purpose': 'prefetch' }, {}],
  ['prerender', { 'sec-purpose': 'prefetch;prerender' }, {}],
  ['odd spelling', { 'sec-purpose': ' Prefetch ;x, prerender' }, {}],
  ['passive', {}, { activity: 'passive' }],
] as const

type Headers = Readonly<Record<string, string>>

const saying = (request = clone(), headers: Headers = {}) => ({
  ...request,
  headers: { ...request.headers, ...headers },
})

describe.each(FLAGS)('a thief who says %s', (_, headers, changes) => {
  const speculative = Object.keys(headers).length > 0

  test.each([abroad(), onTheTrain(), docked()])('is judged as without it', async (place) => {
    const answers = []
    for (const [given, flags] of [
      [{}, {}],
      [headers, changes],
    ] as const) {
      const h = await harness(inMemory)
      const token = await h.login()
      h.host.advance(MINUTE)
      const { ok, decision } = await h.show(token, saying(place, given), flags)
      answers.push({ ok, decision })
    }

    expect(answers[1]).toEqual(answers[0])
  })

  test('is found by the rotation as one who throws successors away', async () => {
    const h = await harness(inMemory)
    const token = await h.login()
    h.host.advance(6 * MINUTE)
    await h.show(token, saying(clone(), headers), changes)

    const owner = held(token, await h.show(token))
    await h.show(owner)
    h.host.advance(settlingTime('session'))

    expect(codeOf(await h.show(token, saying(clone(), headers), changes))).toBe('step_up_required')
    expect(h.events.map(({ type }) => type)).toContain('token-reused')
  })

  test('is overdue when nobody else rotates', async () => {
    const h = await harness(inMemory)
    const token = await h.login()
    for (let round = 0; round < 20; round++) {
      h.host.advance(MINUTE)
      await h.show(token, saying(clone(), headers), { ...changes, deliverable: false })
    }
    // Elsewhere there is something to weigh, and the reason is told.
    const answer = await h.show(token, saying(onTheTrain(), headers), {
      ...changes,
      deliverable: false,
    })

    expect(answer.decision?.because.map(({ reason }) => reason)).toContain('secret_overdue')
  })

  test('reaches no sensitive route that it would not reach otherwise', async () => {
    const h = await harness(inMemory)
    const token = await h.login()
    h.host.advance(settlingTime('session') + SECOND)
    const sensitive = { ...changes, sensitivity: 'sensitive' } as const

    const there = await h.show(token, saying(onTheTrain(), headers), sensitive)
    const home = await h.show(token, saying(clone(), headers), sensitive)

    expect(codeOf(there)).toBe(speculative ? 'speculative_request' : 'step_up_required')
    // At home it is rotated first, as ever, or it is refused.
    if (speculative) expect(codeOf(home)).toBe('speculative_request')
    else expect(home).toMatchObject({ ok: true, token: expect.any(String) })
  })

  test('keeps nothing alive', async () => {
    const h = await harness(inMemory)
    const token = await h.login()
    await pollFor(h, 2 * HOUR - 10 * MINUTE, () =>
      h.show(token, saying(clone(), headers), { ...changes, deliverable: false }),
    )
    h.host.advance(10 * MINUTE)

    expect(codeOf(await h.show(token))).toBe('session_expired')
  })
})

async function pollFor(
  { host }: Harness,
  forMs: number,
  poll: () => Promise<unknown>,
): Promise<void> {
  for (let passed = 0; passed < forMs; passed += 10 * MINUTE) {
    host.advance(10 * MINUTE)
    await poll()
  }
}

test('a step-up is not begun ahead of its user, and costs no prompt', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  const request = saying(abroad(), { 'sec-purpose': 'prefetch' })

  for (let tries = 0; tries < 5; tries++) {
    expect(await h.sessions.beginStepUp({ token, request })).toEqual({
      ok: false,
      code: 'speculative_request',
    })
  }

  expect(await h.sessions.beginStepUp({ token, request: abroad() })).toMatchObject({ ok: true })
})

test('no value of the header makes a request heavier to judge or throws', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  const values = ['', 'x', 'x'.repeat(2_048), ['prefetch', 'x'], [], 'prefetchx', 'noprefetch']
  for (const value of values) {
    const request = { ...atHome(), headers: { ...atHome().headers, 'sec-purpose': value } }
    expect(codeOf(await h.show(token, request))).toBe('ok')
  }
})
