import type { Random } from '../hijack/random.ts'
import { addressOf, drawnSession, NOW, subjectKey, subjectName } from './entries.ts'

/** What is asked, by the names of the search. */
export type Query = Readonly<Record<string, string | number>>

export interface Asked {
  readonly name: string
  readonly of: 'events' | 'sessions' | 'subjects'
  /** An index serves the first page; else it is a slice. */
  readonly indexed: boolean
  query(draws: Random): Query
}

const HOUR_MS = 3_600_000

/** Searches of an incident, and such as no index serves. */
export const ASKED: readonly Asked[] = [
  indexed('events', 'newest', () => ({})),
  indexed('events', 'subject by name', (draws) => ({
    subject: subjectName(drawnSession(draws).subject),
  })),
  indexed('events', 'subject by key, outcome', (draws) => ({
    subjectKey: subjectKey(drawnSession(draws).subject),
    outcome: 'challenge',
  })),
  indexed('events', 'network /24 or /64', (draws) => ({ network: networkOf(draws) })),
  indexed('events', 'address', (draws) => {
    const { network, host } = drawnSession(draws)
    return { network: addressOf(network, host) }
  }),
  indexed('events', 'network /16', (draws) => ({
    network: `${20 + (drawnSession(draws).network >> 8)}.${1 + 4 * draws.below(64)}.0.0/16`,
  })),
  indexed('events', 'ASN', (draws) => ({ asn: asnOf(draws) })),
  indexed('events', 'ASN, rare country', (draws) => ({ asn: asnOf(draws), country: 'NG' })),
  indexed('events', 'type', () => ({ type: 'session-limited' })),
  indexed('events', 'reason, an hour', (draws) => {
    const since = NOW - (1 + draws.below(600)) * HOUR_MS
    return { reason: 'secret_forked', since, until: since + HOUR_MS }
  }),
  indexed('sessions', 'newest', () => ({})),
  indexed('sessions', 'last 2 hours, live', () => ({ since: NOW - 2 * HOUR_MS, state: 'live' })),
  indexed('sessions', 'subject', (draws) => ({
    subject: subjectName(drawnSession(draws).subject),
  })),
  indexed('sessions', 'network /24 or /64', (draws) => ({ network: networkOf(draws) })),
  indexed('sessions', 'ASN', (draws) => ({ asn: asnOf(draws) })),
  indexed('sessions', 'VPNs', () => ({ kind: 'vpn' })),
  indexed('sessions', 'device', () => ({ browser: 'opera', os: 'linux' })),
  indexed('sessions', 'limited', () => ({ type: 'session-limited' })),
  indexed('subjects', 'network /24 or /64', (draws) => ({ network: networkOf(draws) })),
  indexed('subjects', 'name', (draws) => ({ subject: subjectName(drawnSession(draws).subject) })),
  sliced('events', 'rare device', () => ({ browser: 'opera', os: 'linux' })),
  sliced('events', 'nothing: no such device', () => ({ browser: 'automation' })),
  sliced('events', 'busy types and networks', () => ({
    type: 'step-up-required',
    country: 'DE',
    browser: 'opera',
  })),
  sliced('sessions', 'busy outcome, device', () => ({ outcome: 'challenge', browser: 'opera' })),
  sliced('sessions', 'nothing: an outcome that the type never has', () => ({
    type: 'session-revoked',
    outcome: 'observe',
  })),
  sliced('subjects', 'busy type, rare place', () => ({ type: 'login-failed', country: 'NG' })),
]

function indexed(of: Asked['of'], name: string, query: Asked['query']): Asked {
  return { name, of, indexed: true, query }
}

function sliced(of: Asked['of'], name: string, query: Asked['query']): Asked {
  return { name, of, indexed: false, query }
}

function asnOf(draws: Random): number {
  return 64_500 + drawnSession(draws).network
}

function networkOf(draws: Random): string {
  const { network, host } = drawnSession(draws)
  const address = addressOf(network, host)
  return address.includes(':')
    ? `${address.slice(0, address.indexOf('::'))}::/64`
    : `${address.slice(0, address.lastIndexOf('.'))}.0/24`
}
