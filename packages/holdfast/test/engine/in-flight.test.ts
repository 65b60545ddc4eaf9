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
  let jar = token
  for (let i = 0; i < calls; i++) {
    h.host.advance(100)
    jar = held(jar, await h.show(jar, atHome(), { sensitivity: 'sensitive' }))
  }
  return jar
}

test.each([
  ['with a second factor', ['otp']],
  ['without one', []],
] as const)(
  'three sensitive calls while one request is under way log nobody out: %s',
  async (_title, factors) => {
    const h = await harness(inMemory)
    const token = await h.login({ factors })
    const jar = await sensitiveCalls(h, token, 3)

    h.host.advance(100)
    expect(codeOf(await h.show(token))).toBe('ok')
    expect(codeOf(await h.show(jar))).toBe('ok')
    expect(h.events.filter(({ type }) => type === 'token-reused')).toEqual([])
  },
)

test('a copy of a secret from before three sensitive calls is a fork a minute later', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  await sensitiveCalls(h, token, 3)

  h.host.advance(61 * SECOND)
  expect(codeOf(await h.show(token, clone()))).toBe('step_up_required')
  expect(h.events.filter(({ type }) => type === 'token-reused')).toHaveLength(1)
})

test('a place where nothing else changed may have a request under way', async () => {
  const h = await harness(inMemory)
  const overV6 = (): RequestFacts => atHome({ ip: '2001:db8:1:2::10' })
  const quietly = { deliverable: false }
  let jar = await h.login()
  h.host.advance(5 * MINUTE - SECOND)
  jar = held(jar, await h.show(jar, overV6()))
  h.host.advance(SECOND)
  expect(codeOf(await h.show(jar, atHome(), quietly))).toBe('ok')
  h.host.advance(SECOND)
  jar = held(jar, await h.show(jar, overV6()))
  await h.show(jar, overV6())
  for (let i = 0; i < 5; i++) {
    h.host.advance(MINUTE)
    expect(codeOf(await h.show(jar, atHome(), quietly))).toBe('ok')
  }
  const old = jar
  jar = held(jar, await h.show(jar, overV6()))
  await h.show(jar, overV6())

  h.host.advance(SECOND)
  expect(old).not.toBe(jar)
  expect(codeOf(await h.show(old, atHome()))).toBe('ok')
  expect(h.events.filter(({ type }) => type === 'token-reused')).toEqual([])
})
