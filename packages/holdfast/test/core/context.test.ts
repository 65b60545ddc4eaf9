import { describe, expect, test } from 'vitest'
import {
  type Context,
  type ContextState,
  contextKey,
  decayed,
  findContext,
  MAX_CONTEXTS,
  placeContext,
  sameDevice,
  sameNetwork,
} from '../../src/core/context.ts'
import type { Device, Network } from '../../src/core/request.ts'

const network: Network = {
  address: '203.0.113.7',
  prefix: '203.0.113.0/24',
  block: '203.0.0.0/16',
  asn: 64500,
  organisation: 'Example',
  kind: 'fixed',
  country: 'NO',
  city: 'Oslo',
  latitude: 59.9,
  longitude: 10.7,
  radiusKm: 10,
}

const device: Device = {
  family: 'firefox',
  major: 140,
  os: 'linux',
  mobile: false,
  languages: ['nb-NO', 'en'],
  hints: { family: 'chrome', major: 120, os: 'linux' },
  screen: '1920x1080x1',
  timezone: 'Europe/Oslo',
  tls: 't13d1516h2_8daaf6152771_02713d6af862',
}

function context(key: string, state: ContextState, lastSeen: number): Context {
  return {
    key,
    state,
    network,
    device,
    firstSeen: 0,
    lastSeen,
    visits: 1,
    evidence: 0,
    evidenceAt: 0,
    because: [],
  }
}

function several(count: number, state: ContextState, from = 100): Context[] {
  return Array.from({ length: count }, (_, at) => context(`${state}${at}`, state, from + at))
}

const keysOf = (contexts: readonly Context[] | undefined) => contexts?.map(({ key }) => key)

describe('a context', () => {
  test('is a prefix, a browser family and an operating system', () => {
    expect(contextKey(network, device)).toBe('203.0.113.0/24|firefox|linux')
    expect(contextKey({ ...network, prefix: null }, device)).toBe('-|firefox|linux')
  })

  test('is found by its whole key', () => {
    const contexts = several(2, 'provisional')

    expect(findContext(contexts, 'provisional1')).toBe(contexts[1])
    expect(findContext(contexts, 'provisional')).toBeUndefined()
  })
})

describe('evidence of a context fades', () => {
  const HALF_HOUR = 30 * 60_000

  test.each([
    [100, 0, 100],
    [100, HALF_HOUR, 37],
    [100, 2 * HALF_HOUR, 14],
    [100, 20 * HALF_HOUR, 0],
    [7, 60_000, 7],
    // A clock that runs behind does not make it grow.
    [100, -HALF_HOUR, 100],
    // Quiet use saves nothing up.
    [-20, 0, 0],
    [-20, HALF_HOUR, 0],
  ])('%i decibans after %i ms are %i', (evidence, elapsed, left) => {
    const at = 1_000_000_000_000

    expect(decayed({ evidence, evidenceAt: at }, at + elapsed)).toBeCloseTo(left, 10)
  })
})

describe('the contexts of a session', () => {
  test('take in a new one at their end while there is room', () => {
    const contexts = several(MAX_CONTEXTS - 1, 'confirmed')
    const after = context('new', 'provisional', 900)

    expect(placeContext(contexts, after)).toEqual([...contexts, after])
  })

  test('replace one of the same key where it stands, even when they are full', () => {
    const contexts = several(MAX_CONTEXTS, 'confirmed')
    const after = context('confirmed3', 'challenged', 900)

    const placed = placeContext(contexts, after)

    expect(keysOf(placed)).toEqual(keysOf(contexts))
    expect(placed?.[3]).toBe(after)
  })

  test('let go of the longest unused provisional one before any other', () => {
    const contexts = [
      ...several(7, 'confirmed', 1),
      ...several(7, 'challenged', 20),
      context('newer', 'provisional', 500),
      context('older', 'provisional', 400),
    ]

    const placed = placeContext(contexts, context('new', 'provisional', 900))

    expect(placed).toHaveLength(MAX_CONTEXTS)
    expect(keysOf(placed)).not.toContain('older')
    expect(keysOf(placed)).toContain('newer')
    expect(keysOf(placed)?.at(-1)).toBe('new')
  })

  test('let go of the longest unused confirmed one where none is provisional', () => {
    const contexts = [...several(8, 'challenged', 1), ...several(8, 'confirmed', 100)]

    const placed = placeContext(contexts, context('new', 'confirmed', 900))

    expect(keysOf(placed)).not.toContain('confirmed0')
    expect(placed).toHaveLength(MAX_CONTEXTS)
  })

  test('let go of a challenged one where all are challenged', () => {
    const contexts = several(MAX_CONTEXTS, 'challenged')

    const placed = placeContext(contexts, context('new', 'provisional', 900))

    expect(keysOf(placed)).not.toContain('challenged0')
    expect(keysOf(placed)).toContain('new')
  })

  test('of two that were used at the same instant the first goes', () => {
    const contexts = [
      ...several(14, 'confirmed'),
      context('first', 'provisional', 50),
      context('second', 'provisional', 50),
    ]

    const placed = placeContext(contexts, context('new', 'provisional', 900))

    expect(keysOf(placed)).not.toContain('first')
    expect(keysOf(placed)).toContain('second')
  })

  test('a newcomer under challenge takes the place of a provisional one and of no other', () => {
    const challenged = context('new', 'challenged', 900)
    const room = [...several(15, 'confirmed'), context('passing', 'provisional', 800)]

    expect(keysOf(placeContext(room, challenged))).toEqual([
      ...several(15, 'confirmed').map(({ key }) => key),
      'new',
    ])
    expect(placeContext(several(MAX_CONTEXTS, 'confirmed'), challenged)).toBeUndefined()
  })

  test('eight under challenge are enough: another one is turned away though there is room', () => {
    const challenged = context('new', 'challenged', 900)

    expect(placeContext(several(7, 'challenged'), challenged)).toHaveLength(8)
    expect(placeContext(several(8, 'challenged'), challenged)).toBeUndefined()
    expect(placeContext(several(8, 'challenged'), context('n', 'provisional', 9))).toHaveLength(9)
    expect(placeContext(several(8, 'confirmed'), challenged)).toHaveLength(9)
  })

  test('one that is challenged already is kept among eight', () => {
    const contexts = several(8, 'challenged')

    expect(placeContext(contexts, context('challenged2', 'challenged', 900))).toHaveLength(8)
  })
})

describe('the same place', () => {
  test('is the same prefix of the same network, whatever the address', () => {
    expect(sameNetwork(network, { ...network, address: '203.0.113.99', city: null })).toBe(true)
    expect(sameNetwork(network, { ...network, prefix: '203.0.114.0/24' })).toBe(false)
    expect(sameNetwork(network, { ...network, asn: 64501 })).toBe(false)
    expect(sameNetwork(network, { ...network, asn: null })).toBe(false)
  })
})

describe('the same device', () => {
  test('is one of which nothing that can be compared has changed', () => {
    expect(sameDevice(device, device)).toBe(true)
    expect(sameDevice(device, structuredClone(device))).toBe(true)
    expect(sameDevice({ ...device, hints: null }, { ...device, hints: null })).toBe(true)
    expect(sameDevice({ ...device, tls: null }, device)).toBe(true)
  })

  test.each<[string, Partial<Device>]>([
    ['family', { family: 'chrome' }],
    ['version', { major: 141 }],
    ['operating system', { os: 'windows' }],
    ['form', { mobile: true }],
    ['screen', { screen: '2560x1440x1' }],
    ['time zone', { timezone: 'Europe/Paris' }],
    ['ciphers', { tls: 't13d1516h2_111111111111_02713d6af862' }],
    ['hints gone', { hints: null }],
    ['hinted family', { hints: { family: 'edge', major: 120, os: 'linux' } }],
    ['hinted version', { hints: { family: 'chrome', major: 121, os: 'linux' } }],
    ['hinted operating system', { hints: { family: 'chrome', major: 120, os: 'android' } }],
    ['languages in another order', { languages: ['en', 'nb-NO'] }],
    ['another second language', { languages: ['nb-NO', 'de'] }],
    ['one language less', { languages: ['nb-NO'] }],
    ['one language more', { languages: ['nb-NO', 'en', 'de'] }],
  ])('is not one with another %s, in either direction', (_, changed) => {
    const other = { ...device, ...changed }

    expect(sameDevice(device, other)).toBe(false)
    expect(sameDevice(other, device)).toBe(false)
  })
})
