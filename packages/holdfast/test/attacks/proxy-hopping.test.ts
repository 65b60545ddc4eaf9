import { expect, test } from 'vitest'
import type { Lookup, LookupResult } from '../../src/core/lookup.ts'
import { codeOf, harness, inMemory, MINUTE } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

/**
 * Each documentation prefix is a line in Oslo of a provider of its own; those above 100 are mobile.
 */
const lookup: Lookup = (address) => {
  const line = Number(/^2001:db8:(\d+):/.exec(address)?.[1] ?? 0)
  const kind: LookupResult['kind'] = line > 100 ? 'mobile' : 'fixed'
  return { asn: 65_000 + line, kind, country: 'NO', latitude: 59.91, longitude: 10.75 }
}
const line = (number: number): ReturnType<typeof atHome> => atHome({ ip: `2001:db8:${number}::7` })

test('a thief whose proxy changes its exit every few minutes is asked at the third', async () => {
  const { host, login, show } = await harness(inMemory, { lookup })
  const token = await login()
  const codes: string[] = []
  for (const exit of [1, 2, 3, 4]) {
    host.advance(9 * MINUTE)
    codes.push(codeOf(await show(token, line(exit), { deliverable: false })))
  }

  expect(codes).toEqual(['ok', 'ok', 'step_up_required', 'step_up_required'])
  expect(codeOf(await show(token))).toBe('ok')
})

test('an owner who rides from home by mobile to a café is not', async () => {
  const { host, login, show } = await harness(inMemory, { lookup })
  const token = await login()
  for (const ride of [line(101), line(1), line(101), atHome()]) {
    host.advance(7 * MINUTE)
    const { decision } = await show(token, ride, { deliverable: false })
    expect(['allow', 'observe']).toContain(decision?.outcome)
  }
})
