import { expect, test } from 'vitest'
import type { RequestFacts } from '../../src/core/request.ts'
import {
  codeOf,
  type Harness,
  harness,
  held,
  inMemory,
  MINUTE,
  SECOND,
} from '../support/harness.ts'
import { atHome, clone } from '../support/people.ts'

async function sensitiveCalls(h: Harness, token: string, calls: number): Promise<string> {
  let newest = token
  for (let i = 0; i < calls; i++) {
    h.host.advance(100)
    newest = held(newest, await h.show(newest, atHome(), { sensitivity: 'sensitive' }))
  }
  return newest
}

test.each([
  ['with a second factor', ['otp']],
  ['without one', []],
] as const)(
  'three sensitive calls while one request is under way log nobody out: %s',
  async (_title, factors) => {
    const h = await harness(inMemory)
    const token = await h.login({ factors })
    const newest = await sensitiveCalls(h, token, 3)

    h.host.advance(100)
    expect(codeOf(await h.show(token))).toBe('ok')
    expect(codeOf(await h.show(newest))).toBe('ok')
    expect(h.events.filter(({ type }) => type === 'token-reused')).toEqual([])
  },
)

test('a copy of a secret from before three sensitive calls is a fork a minute later', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  const newest = await sensitiveCalls(h, token, 3)
  await h.show(newest)

  h.host.advance(63 * SECOND)
  expect(codeOf(await h.show(token, clone()))).toBe('step_up_required')
  expect(h.events.filter(({ type }) => type === 'token-reused')).toHaveLength(1)
})

test('a place where nothing else changed may have a request under way', async () => {
  const h = await harness(inMemory)
  const overV6 = (): RequestFacts => atHome({ ip: '2001:db8:1:2::10' })
  const undeliverable = { deliverable: false }
  let newest = await h.login()
  h.host.advance(5 * MINUTE - SECOND)
  newest = held(newest, await h.show(newest, overV6()))
  h.host.advance(SECOND)
  expect(codeOf(await h.show(newest, atHome(), undeliverable))).toBe('ok')
  h.host.advance(SECOND)
  newest = held(newest, await h.show(newest, overV6()))
  await h.show(newest, overV6())
  for (let i = 0; i < 5; i++) {
    h.host.advance(MINUTE)
    expect(codeOf(await h.show(newest, atHome(), undeliverable))).toBe('ok')
  }
  const old = newest
  newest = held(newest, await h.show(newest, overV6()))
  await h.show(newest, overV6())

  h.host.advance(SECOND)
  expect(old).not.toBe(newest)
  expect(codeOf(await h.show(old, atHome()))).toBe('ok')
  expect(h.events.filter(({ type }) => type === 'token-reused')).toEqual([])
})
