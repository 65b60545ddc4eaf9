/**
 * Where the simulated edge can make a request come from. Loopback has no geography, so the
 * demonstration borrows public addresses; nothing is ever sent to them. What they resolve to was
 * looked up in the data of `@ip-location-db` (IP geolocation by DB-IP), and a test looks again.
 */
export interface Place {
  readonly id: string
  readonly city: string
  /** What the data calls the city, where it says something else. */
  readonly named?: string
  /** ISO 3166-1 alpha-2. */
  readonly country: string
  readonly network: string
  readonly asn: number
  readonly address: string
  /** IANA name: what a clock set to local time says here. */
  readonly timezone: string
}

export const PLACES: readonly Place[] = [
  {
    id: 'oslo',
    city: 'Oslo',
    country: 'NO',
    network: 'Telenor',
    asn: 2119,
    address: '31.45.0.17',
    timezone: 'Europe/Oslo',
  },
  {
    id: 'oslo-next-door',
    city: 'Oslo',
    country: 'NO',
    network: 'Telenor',
    asn: 2119,
    address: '31.45.0.201',
    timezone: 'Europe/Oslo',
  },
  {
    id: 'oslo-cafe',
    city: 'Oslo',
    country: 'NO',
    network: 'Telia',
    asn: 25400,
    address: '46.15.10.23',
    timezone: 'Europe/Oslo',
  },
  {
    id: 'trondheim',
    city: 'Trondheim',
    country: 'NO',
    network: 'Telenor',
    asn: 2119,
    address: '2.148.192.17',
    timezone: 'Europe/Oslo',
  },
  {
    id: 'berlin',
    city: 'Berlin',
    country: 'DE',
    network: 'Deutsche Telekom',
    asn: 3320,
    address: '84.130.228.17',
    timezone: 'Europe/Berlin',
  },
  {
    id: 'berlin-next-door',
    city: 'Berlin',
    country: 'DE',
    network: 'Deutsche Telekom',
    asn: 3320,
    address: '84.130.228.201',
    timezone: 'Europe/Berlin',
  },
  {
    id: 'berlin-cafe',
    city: 'Berlin',
    country: 'DE',
    network: 'Vodafone',
    asn: 3209,
    address: '91.64.22.17',
    timezone: 'Europe/Berlin',
  },
  {
    id: 'hamburg',
    city: 'Hamburg',
    country: 'DE',
    network: 'Deutsche Telekom',
    asn: 3320,
    address: '79.196.48.17',
    timezone: 'Europe/Berlin',
  },
  {
    id: 'new-york',
    city: 'New York',
    country: 'US',
    network: 'Verizon',
    asn: 701,
    address: '98.116.10.17',
    timezone: 'America/New_York',
  },
  {
    id: 'new-york-next-door',
    city: 'New York',
    country: 'US',
    network: 'Verizon',
    asn: 701,
    address: '98.116.10.201',
    timezone: 'America/New_York',
  },
  {
    id: 'new-york-cafe',
    city: 'New York',
    country: 'US',
    network: 'Charter',
    asn: 12271,
    address: '72.229.10.17',
    timezone: 'America/New_York',
  },
  {
    id: 'boston',
    city: 'Boston',
    country: 'US',
    network: 'Verizon',
    asn: 701,
    address: '71.167.10.17',
    timezone: 'America/New_York',
  },
  {
    id: 'tokyo',
    city: 'Tokyo',
    country: 'JP',
    named: 'Chiyoda City',
    network: 'Akamai',
    asn: 63949,
    address: '139.162.64.17',
    timezone: 'Asia/Tokyo',
  },
  {
    id: 'amsterdam',
    city: 'Amsterdam',
    country: 'NL',
    network: 'DigitalOcean',
    asn: 14061,
    address: '188.166.10.17',
    timezone: 'Europe/Amsterdam',
  },
  {
    id: 'sao-paulo',
    city: 'Sao Paulo',
    country: 'BR',
    network: 'Claro',
    asn: 28573,
    address: '177.32.0.17',
    timezone: 'America/Sao_Paulo',
  },
]

/** Where a visitor of the demonstration can be, with what lies near. */
export interface Home {
  readonly here: Place
  readonly nextDoor: Place
  readonly cafe: Place
  readonly otherCity: Place
}

export const HOMES: readonly Home[] = [
  home('oslo', 'trondheim'),
  home('berlin', 'hamburg'),
  home('new-york', 'boston'),
]

/** Where only a thief is. */
export const FAR = {
  tokyo: known('tokyo'),
  amsterdam: known('amsterdam'),
  saoPaulo: known('sao-paulo'),
} as const

export function findPlace(id: string | undefined): Place | undefined {
  return PLACES.find((candidate) => candidate.id === id)
}

/** Undefined for places that only a thief uses. */
export function findHome(id: string | undefined): Home | undefined {
  return HOMES.find(({ here }) => here.id === id)
}

function home(id: string, otherCity: string): Home {
  return {
    here: known(id),
    nextDoor: known(`${id}-next-door`),
    cafe: known(`${id}-cafe`),
    otherCity: known(otherCity),
  }
}

function known(id: string): Place {
  const found = findPlace(id)
  if (found === undefined) throw new TypeError(`no place ${id}`)
  return found
}
