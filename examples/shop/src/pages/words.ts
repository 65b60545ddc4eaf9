/** Names for people, from codes. */
function country(code: string | null): string | undefined {
  if (code === null) return undefined
  return new Intl.DisplayNames('en', { type: 'region' }).of(code) ?? code
}

export function moment(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ').concat(' UTC')
}

const BROWSERS: Readonly<Record<string, string>> = {
  chrome: 'Chrome',
  edge: 'Edge',
  opera: 'Opera',
  samsung: 'Samsung Internet',
  firefox: 'Firefox',
  safari: 'Safari',
  app: 'an app',
  automation: 'a script',
}

const SYSTEMS: Readonly<Record<string, string>> = {
  windows: 'Windows',
  macos: 'macOS',
  linux: 'Linux',
  chromeos: 'ChromeOS',
  android: 'Android',
  ios: 'iOS',
}

export function deviceName(device: {
  readonly family: string
  readonly major: number | null
  readonly os: string
}): string {
  const browser = BROWSERS[device.family] ?? 'an unknown browser'
  const version = device.major === null ? '' : ` ${device.major}`
  const system = SYSTEMS[device.os]
  return system === undefined ? browser + version : `${browser}${version} on ${system}`
}

export function placeName(network: {
  readonly city: string | null
  readonly country: string | null
}): string {
  const parts = [network.city, country(network.country)].filter(
    (part) => part !== undefined && part !== null,
  )
  return parts.length === 0 ? 'Unknown place' : parts.join(', ')
}

export function networkName(network: {
  readonly organisation: string | null
  readonly asn: number | null
  readonly kind: string
}): string {
  const owner = network.organisation ?? 'Unknown network'
  const number = network.asn === null ? '' : ` (AS${network.asn})`
  return network.kind === 'unknown' ? owner + number : `${owner}${number}, ${network.kind}`
}

const METHODS: Readonly<Record<string, string>> = {
  pwd: 'password',
  otp: 'one-time code',
  hwk: 'passkey of this device',
  swk: 'passkey',
  user: 'a gesture of yours',
  pin: 'PIN',
  fpt: 'fingerprint',
  face: 'face',
  mfa: 'a second factor',
  kba: 'recovery code',
}

/** How somebody logged in, from authentication methods (RFC 8176). */
export function methodNames(amr: readonly string[]): string {
  return (
    amr.map((method) => METHODS[method] ?? sentence(method).toLowerCase()).join(' and ') ||
    'password'
  )
}

/**
 * A session's contexts keep the codes of their reasons; the sentences with values in them are in
 * the events.
 */
const REASONS: Readonly<Record<string, string>> = {
  network_same_address: 'Same address as before.',
  network_same_prefix: 'Same line as before.',
  network_same_block: 'Same neighbourhood of the network as before.',
  network_same_asn_far: 'Same provider, but far from where it was used.',
  network_asn_known: 'New to this session, but a provider that this user has used.',
  relay_known: 'Through a relay, as before.',
  relay_new: 'Through a relay for the first time.',
  hosting_known: 'Another data centre or VPN, by somebody who uses one.',
  hosting_new: 'A data centre or VPN for the first time.',
  hosting_foreign: 'A data centre or VPN in a new country.',
  satellite_network: 'New satellite network.',
  network_new_near: 'New network in a usual place.',
  network_new_far: 'New network far from the usual places.',
  country_new_mobile: 'Mobile network in a new country.',
  country_new_clock_moved: 'New country, and the clock keeps its time.',
  country_new_clock_unknown: 'New country, and the clock does not tell which it is in.',
  country_new_clock_elsewhere: 'New country, but the clock keeps the time of a third one.',
  country_new_clock_unmoved: 'New country, but the clock keeps the time of home.',
  timezone_changed: 'The clock moved, the network did not leave the country.',
  travel_infeasible: 'Too far from where it was used just before.',
  travel_impossible: 'Nobody can have travelled there in the time.',
  device_identical: 'Same browser and system as before.',
  browser_updated: 'The browser was updated.',
  screen_known: 'A screen that was used before.',
  screen_new: 'Another screen.',
  facts_missing: 'The page does not tell its screen and time zone.',
  browser_downgraded: 'The browser went back a version.',
  browser_jumped: 'The browser skipped several versions.',
  language_changed: 'The preferred language changed.',
  platform_changed: 'Another browser or system.',
  hints_missing: 'The browser stopped describing itself.',
  hints_contradictory: 'The browser contradicts itself.',
  not_a_browser: 'A script, not a browser.',
  secret_forked: 'Two holders of one secret are proven: an older copy of it came back.',
  evidence_carried: 'Earlier evidence about this place and browser still counts.',
  signal_failed: 'A signal failed, so nothing new is trusted because of it.',
  context_challenged: 'This place and browser has not passed a step-up since it looked wrong.',
  network_unconfirmed: 'A sensitive route from a network that is not confirmed yet.',
}

/** A sentence for a reason whose own is not at hand. */
export function reasonSentence(code: string): string {
  return REASONS[code] ?? `${sentence(code)}.`
}

/** A code as words. */
export function sentence(code: string): string {
  const words = code.replace(/[_-]/g, ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
