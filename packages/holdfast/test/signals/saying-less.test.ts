import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Context } from '../../src/core/context.ts'
import { describeDevice } from '../../src/core/device.ts'
import { totalOf } from '../../src/core/evidence.ts'
import { NO_HISTORY } from '../../src/core/history.ts'
import type { Network, Presentation, RequestFacts } from '../../src/core/request.ts'
import { isPartial } from '../../src/core/request-kinds.ts'
import type { SessionState } from '../../src/core/session.ts'
import { weigh } from '../../src/engine/judging/weigh.ts'
import { balanced } from '../../src/policies/index.ts'
import { device as deviceSignal } from '../../src/signals/device.ts'
import { starterSignals } from '../../src/signals/index.ts'
import { BROWSERS, type Browser } from './browsers.ts'
import { lyse, newYork, nowhere, oslo, presented, sessionOf, tokyo, used } from './scene.ts'

const look = deviceSignal()
const scales = { signals: starterSignals(), policy: balanced(), acrOrder: [] }

/** How less can be said. */
const LESS: Readonly<Record<string, (said: Browser) => Browser>> = {
  ...Object.fromEntries(
    Object.keys(BROWSERS.chrome?.headers ?? {}).flatMap((name) => [
      [`${name} left out`, without(name)],
      [`${name} blank`, withHeader(name, () => '')],
    ]),
  ),
  'agent reduced': withHeader('user-agent', () => 'Mozilla/5.0'),
  'agent without its name': withHeader('user-agent', (agent) =>
    agent.replace(/(?:Chrome|Firefox|Version|Edg)\/\S+/g, ''),
  ),
  'agent without its system': withHeader('user-agent', (agent) => agent.replace(/ \([^)]*\)/, '')),
  'no brands that mean anything': withHeader('sec-ch-ua', () => '"Not/A)Brand";v="99"'),
  'no facts': ({ headers }) => ({ headers, client: {} }),
  'no screen': withFacts({ screen: '' }),
  'no time zone': withFacts({ timezone: '' }),
  'no languages of the page': withFacts({ languages: [] }),
}

function without(name: string): (said: Browser) => Browser {
  return ({ headers: { [name]: _left, ...headers }, client }) => ({ headers, client })
}

function withHeader(name: string, change: (value: string) => string): (said: Browser) => Browser {
  return ({ headers, client }) => {
    const value = headers[name]
    if (value === undefined) return { headers, client }
    return { headers: { ...headers, [name]: change(value) }, client }
  }
}

function withFacts(facts: Browser['client']): (said: Browser) => Browser {
  return ({ headers, client }) => ({ headers, client: { ...client, ...facts } })
}

/** Kinds of request, by the headers that they have instead of those of a navigation. */
const KINDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  navigation: {},
  fetch: { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
  worker: { 'sec-fetch-mode': 'same-origin', 'sec-fetch-dest': 'worker' },
  socket: { 'sec-websocket-version': '13' },
}

function presentedBy({ headers, client }: Browser, network: Network): Presentation {
  const request: RequestFacts = { ip: null, method: 'GET', url: '/', headers, client }
  const device = describeDevice(request)
  return { ...presented(network, device), partial: isPartial(request, device) }
}

const name = fc.constantFrom(...Object.keys(BROWSERS))
const places = [oslo, lyse, newYork, { ...tokyo, kind: 'hosting' as const }, nowhere]
const place = fc.constantFrom<Network>(...places, {
  ...oslo,
  address: null,
  prefix: 'p',
  block: null,
})
const less = fc.subarray(Object.keys(LESS), { minLength: 1, maxLength: 6 })

/** Sessions of up to three browsers, in these states. */
const sessionIn = (state: fc.Arbitrary<Context['state']>): fc.Arbitrary<SessionState> =>
  fc.array(fc.record({ name, place, state }), { minLength: 1, maxLength: 3 }).map((uses) => {
    const contexts = uses.map(({ name, place, state }) =>
      used(place, presentedBy(of(name), place).device, { state }),
    )
    const [first, ...others] = contexts.filter(
      ({ key }, at) => contexts.findIndex((each) => each.key === key) === at,
    )
    if (first === undefined) throw new Error('minLength is 1')
    return sessionOf(first, ...others)
  })

const anySession = sessionIn(fc.constantFrom('confirmed', 'provisional'))
/** Where a network counts for one context and not for another, to be a newcomer may pay. */
const confirmedSession = sessionIn(fc.constant('confirmed'))

function of(name: string): Browser {
  const browser = BROWSERS[name]
  if (browser === undefined) throw new Error(`no browser ${name}`)
  return browser
}

function saidLess(said: Browser, names: readonly string[]): Browser {
  return names.reduce((rest, each) => LESS[each]?.(rest) ?? rest, said)
}

describe('saying less is never cheaper', () => {
  test('whatever browser leaves out whatever it sends, its device weighs no less', () => {
    fc.assert(
      fc.property(anySession, name, place, less, (session, name, place, less) => {
        const weight = (said: Browser) =>
          totalOf(look(session, presentedBy(said, place), NO_HISTORY))

        expect(weight(saidLess(of(name), less))).toBeGreaterThanOrEqual(weight(of(name)))
      }),
      { numRuns: 1500 },
    )
  })

  test('leaving out headers is never cheaper in all, whatever the browser', () => {
    const headers = less.filter((names) => names.every((each) => !/^no /.test(each)))
    fc.assert(
      fc.property(confirmedSession, name, place, headers, (session, name, place, less) => {
        const score = (said: Browser) =>
          weigh(scales, session, presentedBy(said, place), NO_HISTORY).decision.score

        expect(score(saidLess(of(name), less))).toBeGreaterThanOrEqual(score(of(name)))
      }),
      { numRuns: 1000 },
    )
  })

  test('leaving out is never cheaper in all than a copy, from any place, by any kind', () => {
    const kind = fc.constantFrom(...Object.keys(KINDS))
    fc.assert(
      fc.property(anySession, place, less, kind, fc.nat(), (session, place, less, kind, which) => {
        const known = session.contexts[which % session.contexts.length]
        const owner = Object.values(BROWSERS).find(
          (each) => presentedBy(each, place).device.tls === known?.device.tls && same(each, known),
        )
        if (owner === undefined) throw new Error('nobody used the session')
        const said = { ...owner, headers: { ...owner.headers, ...KINDS[kind] } }
        const score = (said: Browser) =>
          weigh(scales, session, presentedBy(said, place), NO_HISTORY).decision.score

        expect(score(saidLess(said, less))).toBeGreaterThanOrEqual(score(said))
      }),
      { numRuns: 1500 },
    )
  })
})

function same(browser: Browser, known: SessionState['contexts'][number] | undefined): boolean {
  const { device } = presentedBy(browser, oslo)
  return JSON.stringify(device) === JSON.stringify(known?.device)
}

test.each(['Mozilla/5.0', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Safari/537.36', 'x', ''])(
  'an agent of %j in the place of a browser weighs as a script does',
  (agent) => {
    const chrome = of('chrome')
    const known = sessionOf(used(oslo, presentedBy(chrome, oslo).device))
    const thief = withHeader('user-agent', () => agent)(chrome)

    const found = look(known, presentedBy(thief, lyse), NO_HISTORY)

    expect(found.map(({ reason }) => reason)).toContain('not_a_browser')
    expect(totalOf(found)).toBe(30)
  },
)
