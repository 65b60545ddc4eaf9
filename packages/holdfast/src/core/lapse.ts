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
 * home for 30. A use of another line of the provider counts, confirmed or not: a telephone and many
 * a home get another address each day. Where the provider is not known, the prefix takes its place.
 */
export function lapsedAt(places: readonly Place[], at: number): ReadonlySet<string> {
  if (places.every(({ lastSeen }) => at - lastSeen <= LEAST_MS)) return NONE
  const used = new Map<string, { first: number; last: number }>()
  for (const place of places) {
    const known = used.get(providerOf(place)) ?? { first: Number.POSITIVE_INFINITY, last: 0 }
    if (USED.has(place.state)) known.last = Math.max(known.last, place.lastSeen)
    if (place.state === 'confirmed') known.first = Math.min(known.first, place.firstSeen)
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

const NONE: ReadonlySet<string> = new Set()

/** Not what is under challenge, and not what has lapsed. */
const USED: ReadonlySet<string> = new Set(['confirmed', 'provisional'])

function providerOf({ key, network }: Place): string {
  return network.asn === null ? (network.prefix ?? key) : `AS${network.asn}`
}
