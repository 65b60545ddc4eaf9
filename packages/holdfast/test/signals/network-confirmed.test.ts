import { expect, test } from 'vitest'
import { NO_HISTORY } from '../../src/core/history.ts'
import { networkConfirmed } from '../../src/signals/network-confirmed.ts'
import { laptop, lyse, nowhere, oslo, past, presented, sessionOf, used } from './scene.ts'

const home = sessionOf(used(oslo, laptop))
const otherLine = { ...oslo, address: '1.2.3.4', prefix: '1.2.3.0/24', block: '1.2.0.0/16' }

test('a network is confirmed by its provider, in this session or an earlier one', () => {
  expect(networkConfirmed(home, presented(otherLine), NO_HISTORY)).toBe(true)
  expect(networkConfirmed(home, presented(lyse), NO_HISTORY)).toBe(false)
  expect(networkConfirmed(home, presented(lyse), past(used(lyse, laptop)))).toBe(true)
})

test('a provisional or challenged context confirms nothing', () => {
  for (const state of ['provisional', 'challenged'] as const) {
    expect(
      networkConfirmed(sessionOf(used(oslo, laptop, { state })), presented(oslo), NO_HISTORY),
    ).toBe(false)
  }
})

test('without a provider the prefix decides, without an address only the very context', () => {
  const plain = { ...oslo, asn: null }
  const session = sessionOf(used(plain, laptop))

  expect(networkConfirmed(session, presented(plain), NO_HISTORY)).toBe(true)
  expect(networkConfirmed(session, presented(oslo), NO_HISTORY)).toBe(true)
  expect(networkConfirmed(session, presented({ ...otherLine, asn: null }), NO_HISTORY)).toBe(false)
  const unplaced = sessionOf(used(nowhere, laptop))
  expect(networkConfirmed(unplaced, presented(nowhere), NO_HISTORY)).toBe(true)
  expect(
    networkConfirmed(unplaced, presented(nowhere, { ...laptop, family: 'firefox' }), NO_HISTORY),
  ).toBe(false)
})
