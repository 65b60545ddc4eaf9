import { describe, expect, test } from 'vitest'
import { type FakeHost, fakeHost } from '../../src/contracts/fake-host.ts'
import type { Lookup, LookupResult } from '../../src/core/lookup.ts'
import { codeOf, HOUR, harness, held, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { abroad, atHome, lookup, onTheTrain } from '../support/people.ts'

/** A host whose clock may be set, as clocks of real machines are. */
function crooked(): { readonly host: FakeHost; turn(ms: number): void } {
  const fake = fakeHost()
  let off = 0
  return {
    host: { ...fake, now: () => fake.now() + off },
    turn: (ms) => {
      off += ms
    },
  }
}

describe('a clock', () => {
  test.each([2 * SECOND, MINUTE, HOUR])(
    'that goes back %d ms disturbs nobody, and lets no thief in',
    async (ms) => {
      const { host, turn } = crooked()
      const { login, show } = await harness(inMemory, { host })
      let token = await login()
      host.advance(2 * HOUR - MINUTE)
      token = held(token, await show(token))
      turn(-ms)

      for (let i = 0; i < 10; i++) {
        host.advance(SECOND)
        token = held(token, await show(token))
      }
      expect(codeOf(await show(token, abroad()))).toBe('step_up_required')
      expect(codeOf(await show(token))).toBe('ok')
    },
  )

  test('of a gateway two seconds behind the other: no fork, nobody asked', async () => {
    const { host, turn } = crooked()
    const { sessions, login, show } = await harness(inMemory, { host })
    let token = await login()
    let behind = false
    for (let i = 0; i < 300; i++) {
      host.advance(700)
      turn(behind ? 2 * SECOND : -2 * SECOND)
      behind = !behind
      // on the way from home to the train, one move with requests of both around it
      const answer = await show(
        token,
        i < 150 || (i < 156 && i % 2 === 0) ? atHome() : onTheTrain(),
      )
      expect(['allow', 'observe']).toContain(answer.decision?.outcome)
      token = held(token, answer)
    }

    const [session] = (await sessions.list({ subject: 'ada' })).items
    expect(session?.forked).toBe(false)
    const reasons = session?.contexts.flatMap(({ because }) => because.map(({ reason }) => reason))
    expect(reasons).not.toContain('interleaved')
    expect(reasons).not.toContain('switched_back')
  })
})

describe('geo and ASN data', () => {
  const NONE: Lookup = () => undefined
  const everywhere =
    (place: LookupResult): Lookup =>
    () =>
      place

  test.each([
    ['none', NONE],
    [
      'no numbers',
      everywhere({
        latitude: Number.NaN,
        longitude: Number.NaN,
        radiusKm: Number.NaN,
        asn: Number.NaN,
      }),
    ],
    [
      'places off the globe',
      everywhere({ latitude: 1e9, longitude: -1e9, radiusKm: -5, country: '' }),
    ],
    ['a country of 100 kB', everywhere({ country: 'X'.repeat(100_000), asn: 1 })],
  ] as const)(
    '%s: the owner is let in at home and elsewhere, a script is not',
    async (_title, answers) => {
      const { login, show, host } = await harness(inMemory, { lookup: answers })
      let token = await login()
      for (const request of [atHome(), onTheTrain(), atHome()]) {
        host.advance(MINUTE)
        token = held(token, await show(token, request))
      }

      const script = { ...abroad(), headers: { 'user-agent': 'curl/8.5.0' }, client: {} }
      expect(codeOf(await show(token, script))).toBe('step_up_required')
    },
  )

  test.each([
    ['comes', NONE, lookup],
    ['goes', lookup, NONE],
    [
      'moves the owner abroad and calls the line a data centre',
      lookup,
      everywhere({ asn: 64_999, kind: 'hosting', country: 'JP', latitude: 35, longitude: 139 }),
    ],
    ['is a relay for all', lookup, everywhere({ asn: 64_998, kind: 'relay' })],
  ] as const)(
    'that %s in the middle of a session challenges nobody by itself',
    async (_title, before, after) => {
      let data: Lookup = before
      const { sessions, login, show, host } = await harness(inMemory, { lookup: (ip) => data(ip) })
      let token = await login()
      for (let i = 0; i < 4; i++) {
        host.advance(20 * SECOND)
        token = held(token, await show(token, i % 2 ? atHome({ ip: '192.0.2.77' }) : atHome()))
      }
      data = after

      // within the minute for which descriptions are remembered, and after it
      for (let i = 0; i < 20; i++) {
        host.advance(15 * SECOND)
        const answer = await show(token, i % 2 ? atHome({ ip: '192.0.2.78' }) : atHome())
        expect(answer.decision?.outcome).toBe('allow')
        token = held(token, answer)
      }
      const [session] = (await sessions.list({ subject: 'ada' })).items
      expect(session?.contexts.map(({ state }) => state)).toEqual(['confirmed'])
    },
  )

  test('is asked within a prefix only where that is short enough for two providers', async () => {
    const asked: string[] = []
    const counting: Lookup = (ip) => {
      asked.push(ip)
      return lookup(ip)
    }
    for (const [prefixV4, lookedUp] of [
      [24, []],
      [23, ['192.0.2.99']],
    ] as const) {
      const { login, show, host } = await harness(inMemory, { lookup: counting, prefixV4 })
      const token = await login()
      host.advance(SECOND)
      asked.length = 0

      expect(codeOf(await show(token, atHome({ ip: '192.0.2.99' })))).toBe('ok')
      expect(asked).toEqual(lookedUp)
    }
  })

  test('that throws is a fault: nobody is let in, and nobody is logged out', async () => {
    let broken = false
    const { login, show, host } = await harness(inMemory, {
      lookup: (ip) => {
        if (broken) throw new Error('the file is gone')
        return lookup(ip)
      },
    })
    const token = await login()
    broken = true
    await expect(show(token, atHome({ ip: '198.51.100.9' }))).rejects.toThrow('the file is gone')

    broken = false
    host.advance(MINUTE)
    expect(codeOf(await show(token))).toBe('ok')
  })
})
