import { describe, expect, test } from 'vitest'
import type { RequestFacts } from '../../src/core/request.ts'
import { codeOf, type Harness, HOUR, harness, held, inMemory } from '../support/harness.ts'
import { atHome, onTheTrain } from '../support/people.ts'

const DAY = 24 * HOUR
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 ' +
  '(KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1'
const classes = { default: { absolute: 60 * DAY, idle: 20 * DAY, persistent: false } }
const bearer = { deliverable: false }
const sensitive = { ...bearer, sensitivity: 'sensitive' } as const

/** A full copy of the owner's browser at another provider of her country: nothing looks wrong. */
const thief = () => onTheTrain()

/** A quiet visit. Who comes keeps the secrets that he is sent. */
async function visit(h: Harness, token: string, request = thief()): Promise<string> {
  return held(token, await h.show(token, request))
}

/** What a sensitive route says to somebody there. */
async function gate(h: Harness, token: string, request = thief()): Promise<string> {
  return codeOf(await h.show(token, request, sensitive))
}

describe('a thief who comes back quietly', () => {
  test('is not confirmed by four visits over 27 hours while nobody else is there', async () => {
    const h = await harness(inMemory, { classes })
    let token = await h.login()
    const codes: string[] = []

    for (let n = 0; n < 4; n++) {
      h.host.advance(9 * HOUR)
      token = await visit(h, token)
      codes.push(await gate(h, token))
    }

    expect(codes).toEqual(Array(4).fill('step_up_required'))
  })

  test('is not confirmed by what the owner did before he came', async () => {
    const h = await harness(inMemory, { classes })
    let token = await h.login()
    for (let n = 0; n < 5; n++) {
      h.host.advance(9 * HOUR)
      token = await visit(h, token, atHome())
    }

    for (let n = 0; n < 10; n++) {
      h.host.advance(9 * HOUR)
      token = await visit(h, token)
    }

    expect(await gate(h, token)).toBe('step_up_required')
  })

  test('is found by the owner who goes on, and confirmed by nothing', async () => {
    const h = await harness(inMemory, { classes })
    let token = await h.login()
    h.host.advance(HOUR)
    const stolen = await visit(h, token)
    for (let n = 0; n < 2; n++) {
      h.host.advance(HOUR)
      token = await visit(h, token, atHome())
    }

    const codes: string[] = []
    for (let n = 0; n < 10; n++) {
      h.host.advance(9 * HOUR)
      codes.push(codeOf(await h.show(stolen, thief())))
    }

    expect(codes).toEqual(Array(10).fill('step_up_required'))
  })

  test('does not add up his visits over the sessions of his victim', async () => {
    const h = await harness(inMemory, { classes })
    let token = await h.login()
    for (let n = 0; n < 6; n++) {
      h.host.advance(9 * HOUR)
      token = await visit(h, token)
      h.host.advance(HOUR)
      token = await h.login({ previous: token })
      token = await visit(h, token, atHome())
    }

    token = await visit(h, token)
    expect(await gate(h, token)).toBe('step_up_required')
  })

  test('does not witness for himself from a place that only the password vouches for', async () => {
    const h = await harness(inMemory, { classes })
    await h.login()
    let token = await h.login({ amr: ['pwd'], request: thief() })
    for (let n = 0; n < 6; n++) {
      h.host.advance(9 * HOUR)
      token = await visit(h, token, thief())
      h.host.advance(HOUR)
      token = await visit(h, token, { ...thief(), ip: '198.51.101.9' })
    }

    expect(await gate(h, token)).toBe('step_up_required')
  })
})

describe('an owner with a second place', () => {
  test('is asked for nothing from the third day on, where she goes home in between', async () => {
    const h = await harness(inMemory, { classes })
    let token = await h.login()
    const codes: string[] = []
    for (let day = 0; day < 3; day++) {
      h.host.advance(9 * HOUR)
      token = await visit(h, token)
      codes.push(await gate(h, token))
      h.host.advance(15 * HOUR)
      token = await visit(h, token, atHome())
    }

    expect(codes).toEqual(['step_up_required', 'step_up_required', 'ok'])
    const other = await h.login()
    expect(await gate(h, other)).toBe('ok')
  })

  test('is known on the line of her telephone, too, which has been at home since', async () => {
    const h = await harness(inMemory, { classes })
    await h.login()
    const headers = { 'user-agent': IPHONE, 'accept-language': 'nb-NO' }
    const client = { screen: '390x844x3', timezone: 'Europe/Oslo' }
    const phoneAt = (place: RequestFacts): RequestFacts => ({ ...place, headers, client })
    let token = await h.login({ request: phoneAt(onTheTrain()) })
    const codes: string[] = []
    for (let day = 0; day < 3; day++) {
      h.host.advance(9 * HOUR)
      token = await visit(h, token, phoneAt(onTheTrain()))
      codes.push(await gate(h, token, phoneAt(onTheTrain())))
      h.host.advance(15 * HOUR)
      token = await visit(h, token, phoneAt(atHome()))
    }

    expect(codes).toEqual(['step_up_required', 'step_up_required', 'ok'])
  })

  test('adds up the visits of several sessions, each with a way home', async () => {
    const h = await harness(inMemory, { classes })
    let token = ''
    for (let day = 0; day < 3; day++) {
      token = await h.login({ previous: token })
      for (let n = 0; n < 2; n++) {
        h.host.advance(5 * HOUR)
        token = await visit(h, token)
        h.host.advance(HOUR)
        token = await visit(h, token, atHome())
      }
    }

    expect(await gate(h, token)).toBe('ok')
  })

  test('is asked once for good when she has moved house', async () => {
    const h = await harness(inMemory, { classes })
    let token = await h.login()
    for (let n = 0; n < 10; n++) {
      h.host.advance(9 * HOUR)
      token = await visit(h, token)
    }
    expect(await gate(h, token)).toBe('step_up_required')

    token = held(token, await h.stepUp(token, thief()))

    expect(await gate(h, token)).toBe('ok')
    const other = await h.login({ amr: ['pwd'], request: thief() })
    expect(await gate(h, other)).toBe('ok')
  })
})
