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
