import { expect, test } from 'vitest'
import type { Evidence } from '../../src/core/evidence.ts'
import type { Lookup } from '../../src/core/lookup.ts'
import type { RequestFacts } from '../../src/core/request.ts'
import { WEIGHTS } from '../../src/signals/weights.ts'
import { codeOf, type Harness, HOUR, harness, held, inMemory } from '../support/harness.ts'
import { habitsOf, pastOf } from '../support/pasts.ts'
import { atHome, lookup } from '../support/people.ts'

const DAY = 24 * HOUR
const classes = { default: { absolute: 90 * DAY, idle: 30 * DAY, persistent: false } }

/**
 * Every 84.208.n is a provider of its own in the owner's town, every 84.209.n an exit of a VPN
 * there.
 */
const towns: Lookup = (address) => {
  const [a, b = 0, c = 0] = address.split('.').map(Number)
  const home = lookup('192.0.2.10')
  if (home === undefined || a !== 84 || b < 208) return lookup(address)
  const kind = b === 208 ? 'fixed' : 'hosting'
  return { ...home, asn: 65_000 + c, kind }
}

const inTown = (n: number): RequestFacts => atHome({ ip: `84.208.${n}.7` })
const overVpn = (n: number): RequestFacts => atHome({ ip: `84.209.${n}.7` })

async function traveller(): Promise<Harness> {
  return harness(inMemory, { lookup: towns, classes })
}

/** What was said of the network when somebody came from there. */
async function saidOf(h: Harness, token: string, request: RequestFacts): Promise<Evidence> {
  const answer = await h.show(token, request, { deliverable: false })
  const found = answer.decision?.because.find(({ group }) => group === 'N')
  if (found === undefined) throw new Error(`nothing was said: ${JSON.stringify(answer)}`)
  return found
}

test('what a context was new as is learnt when its visits confirm it, and only once', async () => {
  const h = await traveller()
  let token = await h.login()
  for (let visit = 0; visit < 3; visit++) {
    h.host.advance(13 * HOUR)
    expect(await habitsOf(h)).toEqual({})
    token = held(token, await h.show(token, inTown(1)))
    h.host.advance(HOUR)
    token = held(token, await h.show(token, atHome()))
  }
  expect(await habitsOf(h)).toEqual({ network_new_near: 1 })

  for (let visit = 0; visit < 5; visit++) {
    h.host.advance(HOUR)
    await h.show(token, inTown(1), { deliverable: false })
  }
  const again = await h.login({ request: inTown(1) })
  await h.stepUp(again, inTown(1))

  expect(await habitsOf(h)).toEqual({ network_new_near: 1 })
})

test('two sessions that confirm one place teach it once', async () => {
  const h = await traveller()
  const tokens = [await h.login(), await h.login()]
  h.host.advance(HOUR)
  for (const token of tokens) await h.show(token, inTown(1))

  for (const token of tokens) expect(codeOf(await h.stepUp(token, inTown(1)))).toBe('ok')

  expect(await habitsOf(h)).toEqual({ network_new_near: 1 })
})

test('a step-up that confirms its context teaches what that was new as', async () => {
  const h = await traveller()
  let token = await h.login()
  h.host.advance(DAY)
  const elsewhere = { ...overVpn(1), client: { screen: '1280x800x2', timezone: 'Europe/Oslo' } }
  expect(codeOf(await h.show(token, elsewhere))).toBe('step_up_required')
  expect(await habitsOf(h)).toEqual({})

  token = held(token, await h.stepUp(token, elsewhere))
  expect(await habitsOf(h)).toEqual({})
  expect(codeOf(await h.stepUp(token, elsewhere, ['hwk', 'user']))).toBe('ok')

  expect(await habitsOf(h)).toEqual({ hosting_new: 1 })
})

test('who confirms one VPN exit after the other pays less for the next', async () => {
  const h = await traveller()
  let token = await h.login()
  const weights: number[] = []
  for (let exit = 1; exit <= 6; exit++) {
    h.host.advance(DAY)
    const said = await saidOf(h, token, overVpn(exit))
    weights.push(said.weight)
    token = held(token, await h.stepUp(token, overVpn(exit)))
  }

  expect(weights.slice(0, 2)).toEqual([WEIGHTS.hosting_new, WEIGHTS.hosting_known])
  expect(weights).toEqual([...weights].sort((a, b) => b - a))
  expect(weights.at(-1)).toBeLessThan(4)
  const { text, detail } = await saidOf(h, token, overVpn(7))
  expect(detail.seen).toBe(5)
  expect(text).toMatch(/This user has done so before \(recently: 5\)\.$/)
})

test('"that was not me" forgets what was learnt of all changes', async () => {
  const h = await traveller()
  const token = await h.login()
  h.host.advance(DAY)
  await h.show(token, overVpn(1))
  const stepped = await h.stepUp(token, overVpn(1))
  const [session] = (await h.sessions.list({ subject: 'ada' })).items
  if (!stepped.ok || session === undefined) throw new Error('no session')

  await h.sessions.report({ kind: 'not_me', session: session.id })

  const { changes, contexts } = await pastOf(h)
  expect(changes).toEqual({ period: 0, total: 0, byReason: {} })
  expect(contexts).toHaveLength(2)
})
