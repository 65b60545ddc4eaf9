import { expect, test } from 'vitest'
import type { Lookup } from '../../src/core/lookup.ts'
import type { RequestFacts } from '../../src/core/request.ts'
import { WEIGHTS } from '../../src/signals/weights.ts'
import { codeOf, type Harness, HOUR, harness, held, inMemory } from '../support/harness.ts'
import { habitsOf, pastOf } from '../support/pasts.ts'
import { abroad, atHome, clone, lookup } from '../support/people.ts'

const DAY = 24 * HOUR
const classes = { default: { absolute: 90 * DAY, idle: 30 * DAY, persistent: false } }
const bearer = { deliverable: false }

/** Every 84.208.n is another provider in the owner's town. */
const towns: Lookup = (address) => {
  const home = lookup('192.0.2.10')
  const [a, b, c = 0] = address.split('.').map(Number)
  return home === undefined || a !== 84 || b !== 208
    ? lookup(address)
    : { ...home, asn: 65_000 + c }
}

const exit = (n: number): RequestFacts => clone({ ip: `84.208.${n}.66` })

async function town(): Promise<Harness> {
  return harness(inMemory, { lookup: towns, classes })
}

/** What the network weighs for whoever comes from there. */
async function weightOf(h: Harness, token: string, request: RequestFacts): Promise<number> {
  const { decision } = await h.show(token, request, bearer)
  return decision?.because.find(({ group }) => group === 'N')?.weight ?? 0
}

test('a patient thief whom nobody confirmed teaches nothing, even with forty exits', async () => {
  const h = await town()
  const token = await h.login()
  const weights: number[] = []
  for (let n = 0; n < 40; n++) {
    h.host.advance(6 * HOUR)
    weights.push(await weightOf(h, token, exit(n)))
    h.host.advance(HOUR)
    await h.show(token, exit(n), bearer)
  }

  expect(new Set(weights)).toEqual(new Set([WEIGHTS.network_new_near]))
  expect(await habitsOf(h)).toEqual({})
})

test('knocking again and again while challenged teaches nothing', async () => {
  const h = await town()
  const token = await h.login()
  h.host.advance(DAY)
  for (let n = 0; n < 20; n++) {
    h.host.advance(HOUR)
    expect(codeOf(await h.show(token, abroad({ ip: `203.0.113.${n}` }), bearer))).not.toBe('ok')
  }

  expect(await habitsOf(h)).toEqual({})
  expect((await pastOf(h)).changes.total).toBeLessThanOrEqual(128)
})

test('a flood of logins from one confirmed place counts no change', async () => {
  const h = await town()
  let token = await h.login()
  for (let visit = 0; visit < 3; visit++) {
    h.host.advance(13 * HOUR)
    token = held(token, await h.show(token, exit(1)))
    h.host.advance(HOUR)
    token = held(token, await h.show(token, atHome()))
  }
  const before = await habitsOf(h)

  for (let n = 0; n < 1_200; n++) await h.login({ request: atHome() })

  const { changes } = await pastOf(h)
  expect(before).toEqual({ network_new_near: 1 })
  expect(changes.total).toBeLessThanOrEqual(2 ** 16)
  expect(Object.keys(changes.byReason)).toEqual(['network_new_near'])
  expect(await weightOf(h, token, exit(2))).toBe(WEIGHTS.network_new_near)
})

test('a thief who was confirmed once has softened his next exit by one habit', async () => {
  const h = await town()
  let token = await h.login()
  for (let visit = 0; visit < 30; visit++) {
    h.host.advance(13 * HOUR)
    token = held(token, await h.show(token, exit(1)))
    h.host.advance(HOUR)
    token = held(token, await h.show(token, atHome()))
  }

  expect(await habitsOf(h)).toEqual({ network_new_near: 1 })
  const weight = await weightOf(h, token, exit(2))
  expect(weight).toBeGreaterThanOrEqual(WEIGHTS.network_new_near - 4)
})
