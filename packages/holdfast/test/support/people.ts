import type { Lookup, LookupResult } from '../../src/core/lookup.ts'
import type { RequestFacts } from '../../src/core/request.ts'

/**
 * A few places that a small lookup knows; documentation addresses, so that no real network is
 * named.
 */
const PLACES: Readonly<Record<string, LookupResult>> = {
  '192.0.2': place(64500, 'NO', 'Oslo', 59.91, 10.75),
  '198.51.100': place(64501, 'NO', 'Bergen', 60.39, 5.32),
  '203.0.113': place(64510, 'NL', 'Amsterdam', 52.37, 4.9, 'hosting'),
  '192.88.99': place(64520, 'JP', 'Tokyo', 35.68, 139.69),
}

export const lookup: Lookup = (address) => PLACES[address.split('.').slice(0, 3).join('.')]

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
  'Chrome/156.0.0.0 Safari/537.36'
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0'

/** The owner at home. */
export function atHome(changes: Partial<RequestFacts> = {}): RequestFacts {
  return {
    ip: '192.0.2.10',
    method: 'GET',
    url: '/account',
    headers: { 'user-agent': CHROME, 'accept-language': 'nb-NO,nb;q=0.9,en;q=0.8' },
    client: { screen: '2560x1440x1', timezone: 'Europe/Oslo' },
    ...changes,
  }
}

/**
 * A copy of the owner's browser on the owner's own line: nothing but the secret can tell them
 * apart.
 */
export function clone(changes: Partial<RequestFacts> = {}): RequestFacts {
  return atHome(changes)
}

/** A thief with another browser in a hosting range of another country. */
export function abroad(changes: Partial<RequestFacts> = {}): RequestFacts {
  return {
    ip: '203.0.113.66',
    method: 'GET',
    url: '/account',
    headers: { 'user-agent': FIREFOX, 'accept-language': 'en-US,en;q=0.5' },
    client: { screen: '1920x1080x1', timezone: 'UTC' },
    ...changes,
  }
}

/** The owner on a train: another provider in the same country, the same browser. */
export function onTheTrain(changes: Partial<RequestFacts> = {}): RequestFacts {
  return atHome({ ip: '198.51.100.7', ...changes })
}

/** The same on a screen that is new: two things at once are watched. */
export function docked(changes: Partial<RequestFacts> = {}): RequestFacts {
  return onTheTrain({ client: { screen: '1366x768x1', timezone: 'Europe/Oslo' }, ...changes })
}

function place(
  asn: number,
  country: string,
  city: string,
  latitude: number,
  longitude: number,
  kind: LookupResult['kind'] = 'fixed',
): LookupResult {
  return { asn, organisation: `AS ${asn}`, country, city, latitude, longitude, kind }
}
