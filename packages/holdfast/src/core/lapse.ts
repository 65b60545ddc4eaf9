import type { Network } from './request.ts'

const DAY_MS = 24 * 3_600_000

/** A place of once a week must not lapse from one week to the next. */
const LEAST_MS = 8 * DAY_MS

/** A month without use: whoever comes back after that is asked once. */
const MOST_MS = 30 * DAY_MS

/** A place that was used from one instant to another. */
interface Place {
  readonly key: string
  readonly state: string
  readonly network: Network
  readonly firstSeen: number
  readonly lastSeen: number
}

/**
 * The keys of the confirmed places whose trust has lapsed. The trust in a provider outlasts its
 * last use by as long as it had been used, of 8 to 30 days: a hotel of three nights for 8 days, a
 * home for 30. Where the provider is not known, the prefix takes its place.
 */
export function lapsedAt(places: readonly Place[], at: number): ReadonlySet<string> {
  const used = new Map<string, { first: number; last: number }>()
  for (const place of places) {
    if (place.state !== 'confirmed') continue
    const { firstSeen, lastSeen } = place
    const known = used.get(providerOf(place)) ?? { first: firstSeen, last: lastSeen }
    known.first = Math.min(known.first, firstSeen)
    known.last = Math.max(known.last, lastSeen)
    used.set(providerOf(place), known)
  }
  const lapsed = new Set<string>()
  for (const place of places) {
    const known = used.get(providerOf(place))
    if (place.state !== 'confirmed' || known === undefined) continue
    const { first, last } = known
    const outlasts = Math.min(MOST_MS, Math.max(LEAST_MS, last - first))
    if (at - last > outlasts) lapsed.add(place.key)
  }
  return lapsed
}

function providerOf({ key, network }: Place): string {
  return network.asn === null ? (network.prefix ?? key) : `AS${network.asn}`
}
