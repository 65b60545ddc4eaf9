import { describe, expect, test } from 'vitest'
import type { RequestFacts } from '../../src/core/request.ts'
import { codeOf, type Harness, HOUR, harness, held, inMemory } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

const DAY = 24 * HOUR
const classes = { default: { absolute: 90 * DAY, idle: 40 * DAY, persistent: false } }
const bearer = { deliverable: false }
const sensitive = { ...bearer, sensitivity: 'sensitive' } as const

const hotel = (changes: Partial<RequestFacts> = {}): RequestFacts =>
  atHome({
    ip: '192.88.99.5',
    client: { screen: '2560x1440x1', timezone: 'Asia/Tokyo' },
    ...changes,
  })

/** A copy of the owner's browser at the hotel's provider: another line. */
const thief = (): RequestFacts => hotel({ ip: '192.88.99.200' })

/** Five weeks at home, then three nights at the hotel. */
async function afterTrip(): Promise<Harness> {
  const h = await harness(inMemory, { classes })
  for (let n = 0; n < 5; n++) {
    await h.login()
    h.host.advance(7 * DAY)
  }
  for (let night = 0; night < 3; night++) {
    const token = await h.login({ request: hotel() })
    expect(codeOf(await h.show(token, hotel(), sensitive))).toBe('ok')
    h.host.advance(DAY)
  }
  return h
}

async function gate(h: Harness, request: RequestFacts): Promise<string> {
  return codeOf(await h.show(await h.login(), request, sensitive))
}

describe('a copy at the provider of the hotel of last month', () => {
  test('is served nothing sensitive', async () => {
    const h = await afterTrip()
    h.host.advance(20 * DAY)

    for (let n = 0; n < 3; n++) expect(await gate(h, thief())).toBe('step_up_required')
  })

  test('finds the gate closed from nine days after the trip', async () => {
    const codes = [7, 9].map(async (days) => {
      const h = await afterTrip()
      h.host.advance(days * DAY)
      return gate(h, hotel())
    })

    expect(await Promise.all(codes)).toEqual(['ok', 'step_up_required'])
  })

  test('does not open it again by coming often, or by logging in with the password', async () => {
    const h = await afterTrip()
    h.host.advance(20 * DAY)
    for (let n = 0; n < 4; n++) {
      const token = await h.login({ amr: ['pwd'], request: thief() })
      h.host.advance(9 * HOUR)
      expect(codeOf(await h.show(token, thief(), sensitive))).toBe('step_up_required')
    }

    expect(await gate(h, thief())).toBe('step_up_required')
  })

  test('finds it closed in a session that was there, too', async () => {
    const h = await harness(inMemory, { classes })
    let token = await h.login()
    h.host.advance(DAY)
    token = held(token, await h.stepUp(token, hotel()))
    for (let day = 0; day < 20; day++) {
      h.host.advance(DAY)
      expect(codeOf(await h.show(token, atHome(), bearer))).toBe('ok')
    }

    expect(codeOf(await h.show(token, atHome(), sensitive))).toBe('ok')
    expect(codeOf(await h.show(token, thief(), sensitive))).toBe('step_up_required')
  })
})

describe('the owner', () => {
  test('finds her home open after three weeks away', async () => {
    const h = await afterTrip()
    h.host.advance(18 * DAY)
    const token = await h.login({ amr: ['pwd'] })

    expect(codeOf(await h.show(token, atHome(), sensitive))).toBe('ok')
  })

  test('is asked once where she comes back after a month and more', async () => {
    const h = await afterTrip()
    h.host.advance(35 * DAY)
    const token = await h.login({ amr: ['pwd'] })
    expect(codeOf(await h.show(token, atHome(), bearer))).toBe('ok')
    expect(codeOf(await h.show(token, atHome(), sensitive))).toBe('step_up_required')

    const proved = held(token, await h.stepUp(token, atHome()))

    expect(codeOf(await h.show(proved, atHome(), sensitive))).toBe('ok')
    const next = await h.login({ amr: ['pwd'] })
    expect(codeOf(await h.show(next, atHome(), sensitive))).toBe('ok')
  })

  test('is not asked at a place of once a week', async () => {
    const h = await harness(inMemory, { classes })
    await h.login()
    await h.login({ request: hotel() })
    for (let week = 0; week < 6; week++) {
      h.host.advance(7 * DAY)
      const token = await h.login({ amr: ['pwd'], request: hotel() })
      expect(codeOf(await h.show(token, hotel(), sensitive))).toBe('ok')
    }
  })

  test('keeps her home in the past by one long session', async () => {
    const h = await harness(inMemory, { classes })
    await h.login()
    h.host.advance(30 * DAY)
    let token = await h.login()
    for (let hour = 0; hour < 50 * 24; hour += 4) {
      h.host.advance(4 * HOUR)
      token = held(token, await h.show(token, atHome()))
    }

    const next = await h.login({ amr: ['pwd'] })

    expect(codeOf(await h.show(next, atHome(), sensitive))).toBe('ok')
  })
})
