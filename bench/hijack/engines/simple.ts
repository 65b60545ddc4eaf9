import type { Rule, Seen } from './rule.ts'

interface Last {
  readonly last: (Seen | undefined)[]
}

/** Asks whenever something differs from the device's last served request. */
function compares(name: string, differs: (before: Seen, now: Seen) => boolean): Rule<Last> {
  return {
    name,
    begin: () => ({ last: [] }),
    copy: ({ last }) => ({ last: [...last] }),
    score({ last }, seen) {
      const before = last[seen.device]
      return before !== undefined && differs(before, seen) ? 1 : 0
    },
    served({ last }, seen) {
      last[seen.device] = seen
    },
  }
}

/** A bearer token until it expires. */
export const nothing = compares('nothing (bearer token)', () => false)
export const sameAddress = compares('storedIP !== currentIP', (a, b) => a.address !== b.address)
export const samePrefix = compares('same /24 or /64', (a, b) => a.prefix !== b.prefix)
export const sameAgent = compares(
  'same user agent',
  (a, b) => a.facts.headers['user-agent'] !== b.facts.headers['user-agent'],
)

const ELSEWHERE = new Set(['hosting', 'vpn', 'relay', 'tor', 'satellite', 'corporate'])

/** As alert rules have it: over 500 km at over 800 km/h, data centres and relays left out. */
export const vendorTravel = compares('travel, as alert rules have it', (a, b) => {
  if (isElsewhere(a) || isElsewhere(b)) return false
  const km = distanceOf(a, b)
  const hours = Math.max(1 / 3600, (b.at - a.at) / 3_600_000)
  return km !== undefined && km > 500 && km / hours > 800
})

/** The same with radii, a generous reach, and never within one provider or with a mobile end. */
export const guardedTravel = compares('travel, guarded', (a, b) => {
  if (isElsewhere(a) || isElsewhere(b) || a.place.asn === b.place.asn) return false
  if (a.place.kind === 'mobile' || b.place.kind === 'mobile') return false
  const km = distanceOf(a, b)
  if (km === undefined || km < 50) return false
  const hours = Math.max(0, (b.at - a.at) / 3_600_000)
  const reach = 50 + Math.max(130 * hours, hours > 0.75 ? 900 * (hours - 0.75) : 0)
  const radius = (seen: Seen): number => (seen.place.kind === 'fixed' ? 25 : 500)
  const deviation = Math.hypot(radius(a) / 1.489, radius(b) / 1.489, 25)
  // 2.33 deviations: 99 %
  return km - reach > 2.33 * deviation
})

function isElsewhere({ place }: Seen): boolean {
  return place.kind !== undefined && ELSEWHERE.has(place.kind)
}

export function distanceOf(a: Seen, b: Seen): number | undefined {
  const [p, q] = [a.place, b.place]
  if (
    p.latitude === undefined ||
    p.longitude === undefined ||
    q.latitude === undefined ||
    q.longitude === undefined
  )
    return undefined
  const rad = Math.PI / 180
  const h =
    Math.sin(((q.latitude - p.latitude) * rad) / 2) ** 2 +
    Math.cos(p.latitude * rad) *
      Math.cos(q.latitude * rad) *
      Math.sin(((q.longitude - p.longitude) * rad) / 2) ** 2
  return 2 * 6371 * Math.asin(Math.sqrt(Math.min(1, h)))
}
