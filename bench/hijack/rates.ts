/** How often things happen to rightful users, and how good the network data is. */
export interface Rate {
  readonly nominal: number
  readonly stress: number
  /**
   * `M`: a published figure stands behind it. `A`: an assumption, which the sensitivity run varies.
   */
  readonly basis: 'M' | 'A'
  readonly says: string
}

/** How long people are watched, days. */
export const TWO_MONTHS = 60

const rate = (nominal: number, stress: number, basis: Rate['basis'], says: string): Rate => {
  return { nominal, stress, basis, says }
}

/** Sources: DESIGN of the protocol in docs/detection.md; `M` rows name theirs. */
export const RATES = {
  homeDaily: rate(
    0.12,
    0.2,
    'A',
    'homes whose IPv4 address changes daily (Padmanabhan, IMC 2016: timers of 24 h)',
  ),
  homeTenDays: rate(
    0.33,
    0.4,
    'M',
    'homes whose IPv4 address changes every 10 days (Mishra, WWW 2020)',
  ),
  homeSixtyDays: rate(
    0.35,
    0.3,
    'M',
    'homes whose IPv4 address changes every 60 days (Mishra, WWW 2020)',
  ),
  renumberSamePrefix: rate(0.35, 0.25, 'M', 'changes that stay in the /24 (Mishra, WWW 2020)'),
  renumberSameBlock: rate(0.2, 0.15, 'M', 'changes that stay in the /16 (Padmanabhan, IMC 2016)'),
  dualStackHome: rate(0.45, 0.6, 'M', 'homes with IPv4 and IPv6'),
  flip: rate(0.03, 0.06, 'A', 'requests at which a dual-stack client changes the family'),
  v6PrefixDays: rate(90, 45, 'M', 'days that an IPv6 prefix lasts (DynamIPs, CoNEXT 2020)'),
  phoneOnCell: rate(0.5, 0.6, 'A', 'visits of a phone that use the mobile network'),
  cellAttach: rate(0.25, 0.5, 'A', 'visits on the mobile network that get a new address'),
  cellAnywhere: rate(0.25, 0.4, 'A', 'of them, anywhere in the range of the carrier'),
  cellV6: rate(0.5, 0.5, 'A', 'visits on the mobile network over IPv6'),
  handover: rate(0.06, 0.12, 'A', 'visits of a phone that change between Wi-Fi and mobile network'),
  office: rate(0.4, 0.4, 'A', 'users with an office'),
  corporateProxy: rate(0.25, 0.4, 'A', 'offices behind a proxy with three egresses'),
  guestNetwork: rate(0.05, 0.1, 'A', 'visits from a café or guest network'),
  guestElsewhere: rate(0.15, 0.25, 'A', 'of them, anywhere in the country by what the data says'),
  vpnUsers: rate(0.12, 0.2, 'A', 'users of a VPN'),
  vpnOn: rate(0.25, 0.35, 'A', 'desktop visits of theirs with the VPN on'),
  vpnHomeCountry: rate(0.6, 0.5, 'A', 'exits in the country of the user'),
  relaySafari: rate(
    0.08,
    0.15,
    'A',
    'Safari users with Private Relay (Wikimedia, 2021: 3.8 % of views in week 1)',
  ),
  relayChange: rate(0.05, 0.1, 'A', 'requests at which the exit of the relay changes'),
  relayElsewhere: rate(0.2, 0.3, 'A', 'exits that the data places in another country'),
  trips: rate(
    0.21,
    0.32,
    'M',
    'trips a user and month (Eurostat 2023: 1.14 bn; 15 % of users travel four times as much)',
  ),
  tripAbroad: rate(0.27, 0.4, 'M', 'trips abroad (Eurostat 2023: 73 % domestic)'),
  roamingHome: rate(
    0.5,
    0.4,
    'A',
    'phones abroad whose traffic leaves through the carrier at home',
  ),
  zoneFollows: rate(0.93, 0.85, 'A', 'devices whose clock follows the traveller'),
  chromiumDays: rate(14, 14, 'M', 'days between major versions of Chromium (from 153 on)'),
  firefoxDays: rate(28, 28, 'M', 'days between major versions of Firefox'),
  safariDays: rate(45, 45, 'A', 'days between versions of Safari'),
  languageDays: rate(2500, 1250, 'A', 'days until a user changes the language'),
  monitorDesktops: rate(
    0.15,
    0.3,
    'M',
    'desktops with a second screen (FP-STALKER: 10 % change in 3 days)',
  ),
  monitorVisits: rate(0.3, 0.4, 'A', 'visits of theirs on the second screen'),
  desktopSite: rate(0.0015, 0.003, 'A', 'visits of a phone that ask for the desktop site'),
  randomAgent: rate(0.003, 0.006, 'A', 'desktops with an extension that makes up user agents'),
  otherKinds: rate(
    0.04,
    0.08,
    'A',
    'requests of workers, service workers and sockets, which come without hints',
  ),
  oldZoneNames: rate(0.02, 0.05, 'A', 'visits in which the time zone is called by an older name'),
  transitRoaming: rate(
    0.1,
    0.2,
    'A',
    'phones abroad on a travel SIM that leaves through a data centre elsewhere',
  ),
  lostCookie: rate(
    0.003,
    0.009,
    'M',
    'rotations whose response is lost (zitadel 9631: 5 % of devices a day)',
  ),
  jarRollback: rate(
    0.0005,
    0.0015,
    'A',
    'visits that begin with the cookie jar of a moment before the last one ended',
  ),
  hostingRecall: rate(0.92, 0.8, 'A', 'hosting and VPN ranges that the data knows as such'),
  mobileRecall: rate(0.85, 0.7, 'A', 'mobile ranges that the data knows as such'),
  // Only in the unseen world: nothing was tuned with these.
  satelliteHome: rate(0, 0, 'A', 'homes behind a satellite network'),
  inFlight: rate(0, 0, 'A', 'trips with visits from the aircraft'),
  geoRefresh: rate(0, 0, 'A', 'prefixes that an update of the data moves to another place mid-way'),
  splitTunnel: rate(0, 0, 'A', 'office users whose tunnel carries only some of the requests'),
  nat64: rate(0, 0, 'A', 'mobile visits that arrive through NAT64'),
  summerTime: rate(
    0,
    0,
    'A',
    'users whose day is an hour earlier from the middle of the second month on',
  ),
} as const satisfies Readonly<Record<string, Rate>>

export type RateName = keyof typeof RATES
export type Rates = Readonly<Record<RateName, number>>

/** `unseen` has families of events that no weight and no threshold was tuned with. */
export type WorldName = 'nominal' | 'stress' | 'unseen'

const UNSEEN: Partial<Rates> = {
  satelliteHome: 0.03,
  inFlight: 0.3,
  transitRoaming: 0.3,
  geoRefresh: 0.05,
  splitTunnel: 0.2,
  nat64: 0.1,
  summerTime: 0.7,
}

export function ratesOf(world: WorldName): Rates {
  const names = Object.keys(RATES) as RateName[]
  const values = names.map((name) => [name, RATES[name][world === 'stress' ? 'stress' : 'nominal']])
  return { ...(Object.fromEntries(values) as Rates), ...(world === 'unseen' ? UNSEEN : {}) }
}
