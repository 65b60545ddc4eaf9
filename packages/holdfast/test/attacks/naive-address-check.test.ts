import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { geoData } from '../../../../tools/geo-data.mjs'
import type { RequestFacts } from '../../src/core/request.ts'
import { clientAddressResolver } from '../../src/network/client-address.ts'
import { type GeoLookup, geoLookup } from '../../src/network/mmdb.ts'
import { codeOf, type Harness, HOUR, harness, held, inMemory, MINUTE } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

/** A request as a service gets it: who connected, and what the headers say. */
interface Arriving {
  readonly peer: string
  readonly headers: Readonly<Record<string, string>>
}

/**
 * The baseline, as it is written everywhere: the first element of X-Forwarded-For, compared for
 * equality.
 */
function naiveCheck(storedIP: string): (request: Arriving) => 'ok' | 'logged out' {
  return (request) => (storedIP !== naiveAddress(request) ? 'logged out' : 'ok')
}

function naiveAddress({ peer, headers }: Arriving): string {
  return headers['x-forwarded-for']?.split(',')[0]?.trim() ?? peer
}

const resolve = clientAddressResolver({ trust: { proxies: ['10.0.0.0/8'] } })

function resolved({ peer, headers }: Arriving): string | null {
  return resolve(peer, (name) => headers[name]).ip
}

/** Through the edge of the estate, which appends the address it saw to what the client sent. */
function throughEdge(from: string, claimed?: string): Arriving {
  const chain = claimed === undefined ? from : `${claimed}, ${from}`
  return { peer: '10.0.0.2', headers: { 'x-forwarded-for': chain } }
}

/** Past the edge, straight to the service. */
function direct(from: string, claimed: string): Arriving {
  return { peer: from, headers: { 'x-forwarded-for': claimed } }
}

const HOME = '84.208.1.1' // Telia, Oslo
const SERVER = '5.9.9.9' // Hetzner, Germany

/**
 * Ada's day: what her provider, her phone and her journey do to her address. Real networks, real
 * places.
 */
const DAY: readonly (readonly [what: string, from: string, timezone: string])[] = [
  ['at home', HOME, 'Europe/Oslo'],
  ['her line is renumbered', '84.208.77.9', 'Europe/Oslo'],
  ['her laptop prefers IPv6', '2a02:fe0::1', 'Europe/Oslo'],
  ['a tunnel of her provider writes IPv4 as IPv6', '::ffff:54d0:4d09', 'Europe/Oslo'],
  ['on the train, by phone', '77.18.1.1', 'Europe/Oslo'],
  ['one mast further', '77.18.200.31', 'Europe/Oslo'],
  ['in the office', '92.220.1.1', 'Europe/Oslo'],
  ['in a hotel in London', '51.6.7.8', 'Europe/London'],
  ['London, the other side of the lobby', '51.6.9.1', 'Europe/London'],
  ['back at home', HOME, 'Europe/Oslo'],
]

describe('comparing addresses for equality', () => {
  let geo: GeoLookup

  beforeAll(async () => {
    const onProblem = ({ message }: { readonly message: string }) => expect.fail(message)
    geo = geoLookup({ ...(await geoData()), onProblem })
  }, 120_000)
  afterAll(() => geo.close())

  function engine(): Promise<Harness> {
    return harness(inMemory, { lookup: geo.lookup })
  }

  function facts(request: Arriving, timezone = 'Europe/Oslo'): RequestFacts {
    return atHome({ ip: resolved(request), client: { screen: '2560x1440x1', timezone } })
  }

  test('logs a traveller out at every turn of her day; Holdfast never does', async () => {
    const { host, login, show } = await engine()
    const naive = naiveCheck(naiveAddress(throughEdge(HOME)))
    let token = await login({ class: 'remember', request: facts(throughEdge(HOME)) })

    const answers: (readonly [what: string, naive: string, holdfast: string])[] = []
    for (const [what, from, timezone] of DAY) {
      host.advance(2 * HOUR)
      const request = throughEdge(from)
      const answer = await show(token, facts(request, timezone))
      answers.push([what, naive(request), codeOf(answer)])
      token = held(token, answer)
    }

    const loggedOut = answers.filter(([, naively]) => naively === 'logged out')
    expect(loggedOut.map(([what]) => what)).toEqual(DAY.slice(1, -1).map(([what]) => what))
    expect(answers.filter(([, , holdfast]) => holdfast !== 'ok')).toEqual([])
  })

  test.each([
    ['through the edge', throughEdge(SERVER, HOME)],
    ['through the edge, with a chain of its own', throughEdge(SERVER, `${HOME}, 10.0.0.9`)],
    ['straight to the service', direct(SERVER, HOME)],
  ])(
    'believes a thief who writes the victim’s address into a header, %s; Holdfast sees the thief',
    async (_, request) => {
      const { host, login, show, events } = await engine()
      const naive = naiveCheck(naiveAddress(throughEdge(HOME)))
      const token = await login({ request: facts(throughEdge(HOME)) })
      host.advance(MINUTE)

      // The very browser, screen and time zone of the victim: only the place is another.
      const stolen = await show(token, facts(request))

      expect(naive(request)).toBe('ok')
      expect(resolved(request)).toBe(SERVER)
      expect(stolen).toMatchObject({ ok: false, code: 'step_up_required' })
      expect(stolen.decision?.because[0]).toMatchObject({ group: 'N', reason: 'hosting_foreign' })
      expect(events.find(({ type }) => type === 'step-up-required')?.network).toMatchObject({
        country: 'DE',
        kind: 'hosting',
      })
      expect(codeOf(await show(token, facts(throughEdge(HOME))))).toBe('ok')
    },
  )

  test('logs the owner out for a header of her proxy; Holdfast looks at addresses', async () => {
    const { login, show } = await engine()
    const naive = naiveCheck(naiveAddress(throughEdge(HOME)))
    const token = await login({ request: facts(throughEdge(HOME)) })

    for (const junk of ['1.2.3.4', 'unknown', '<script>', 'x'.repeat(4_000), '"', ',,,']) {
      const request = throughEdge(HOME, junk)
      expect(naive(request)).toBe('logged out')
      expect(codeOf(await show(token, facts(request)))).toBe('ok')
    }
  })
})
