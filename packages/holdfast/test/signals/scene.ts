import { type Context, contextKey } from '../../src/core/context.ts'
import { type Evidence, totalOf } from '../../src/core/evidence.ts'
import { type KnownContext, NO_HISTORY, type SubjectHistory } from '../../src/core/history.ts'
import type { Device, Network, Presentation } from '../../src/core/request.ts'
import type { SessionState } from '../../src/core/session.ts'
import { starterSignals } from '../../src/signals/index.ts'

export const NOON = Date.UTC(2026, 9, 1, 12)
export const MINUTE = 60_000

/** Telenor in Oslo: the usual network of these tests. */
export const oslo: Network = {
  address: '84.208.10.20',
  prefix: '84.208.10.0/24',
  block: '84.208.0.0/16',
  asn: 2119,
  organisation: 'Telenor Norge',
  kind: 'fixed',
  country: 'NO',
  city: 'Oslo',
  latitude: 59.9139,
  longitude: 10.7522,
  radiusKm: 25,
}

/** Another fixed line of another provider in the same town. */
export const lyse: Network = {
  ...oslo,
  address: '92.220.1.1',
  prefix: '92.220.1.0/24',
  block: '92.220.0.0/16',
  asn: 29695,
  organisation: 'Lyse Tele',
}

export const newYork: Network = {
  ...oslo,
  address: '68.173.5.6',
  prefix: '68.173.5.0/24',
  block: '68.173.0.0/16',
  asn: 12271,
  organisation: 'Charter',
  country: 'US',
  city: 'New York',
  latitude: 40.7128,
  longitude: -74.006,
}

export const tokyo: Network = {
  ...oslo,
  address: '126.1.2.3',
  prefix: '126.1.2.0/24',
  block: '126.1.0.0/16',
  asn: 17676,
  organisation: 'SoftBank',
  country: 'JP',
  city: 'Tokyo',
  latitude: 35.6762,
  longitude: 139.6503,
}

export const nowhere: Network = {
  address: null,
  prefix: null,
  block: null,
  asn: null,
  organisation: null,
  kind: 'unknown',
  country: null,
  city: null,
  latitude: null,
  longitude: null,
  radiusKm: null,
}

export const laptop: Device = {
  family: 'chrome',
  major: 156,
  os: 'windows',
  mobile: false,
  languages: ['nb-NO', 'nb', 'en'],
  hints: { family: 'chrome', major: 156, os: 'windows' },
  screen: '2560x1440x1',
  timezone: 'Europe/Oslo',
  tls: null,
}

export function used(
  network: Network,
  device: Device,
  { state = 'confirmed', at = NOON }: { state?: Context['state']; at?: number } = {},
): Context {
  return {
    key: contextKey(network, device),
    state,
    network,
    device,
    firstSeen: at,
    lastSeen: at,
    visits: 1,
    evidence: 0,
    evidenceAt: at,
    because: [],
  }
}

/** A session that began in its first context and was used last in its last one, at noon. */
export function sessionOf(first: Context, ...others: readonly Context[]): SessionState {
  const last = others.at(-1) ?? first
  return {
    id: 'A'.repeat(43),
    subject: 'ada',
    tenant: 'default',
    class: 'default',
    generation: 0,
    createdAt: NOON,
    deadline: NOON + 24 * 60 * MINUTE,
    idleMs: 120 * MINUTE,
    factors: ['totp'],
    origin: { network: first.network, device: first.device },
    family: {
      id: '0'.repeat(16),
      acr: null,
      amr: [],
      authenticatedAt: NOON,
      provedIn: first.key,
      current: { generation: 1, digest: '0'.repeat(32), mintedAt: NOON, notedAt: NOON },
      beganAt: NOON,
      shownAt: NOON,
      previous: null,
      outstanding: null,
      contexts: [],
    },
    refresh: null,
    contexts: [first, ...others],
    last: { context: last.key, network: last.network, device: last.device, at: NOON },
    fork: null,
    prompts: [],
    failures: [],
    switchBacks: [],
    attributesDigest: null,
    stepUp: null,
  }
}

export function presented(
  network: Network,
  device: Device = laptop,
  { at = NOON + 30 * MINUTE }: { at?: number } = {},
): Presentation {
  return { at, network, device, sensitivity: 'normal', method: 'GET' }
}

export function past(...contexts: readonly Context[]): SubjectHistory {
  const known = contexts.map((context): KnownContext => {
    const { key, network, device, firstSeen, lastSeen, visits } = context
    const state = context.state === 'confirmed' ? 'confirmed' : 'provisional'
    return { key, state, network, device, firstSeen, lastSeen, visits }
  })
  return { ...NO_HISTORY, contexts: known }
}

export function weigh(
  session: SessionState,
  presentation: Presentation,
  history: SubjectHistory = NO_HISTORY,
): readonly Evidence[] {
  return starterSignals().flatMap((signal) => signal(session, presentation, history))
}

export function score(
  session: SessionState,
  presentation: Presentation,
  history: SubjectHistory = NO_HISTORY,
): number {
  return totalOf(weigh(session, presentation, history))
}

/** Reasons and weights alone, which is what tables compare. */
export function weights(evidence: readonly Evidence[]): Record<string, number> {
  return Object.fromEntries(evidence.map(({ reason, weight }) => [reason, weight]))
}
