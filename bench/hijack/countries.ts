import type { Random } from './random.ts'

/** Share of users; time zones west to east. */
const COUNTRIES: Readonly<
  Record<string, readonly [share: number, language: string, zones: readonly string[]]>
> = {
  US: [
    30,
    'en-US',
    ['America/Los_Angeles', 'America/Denver', 'America/Chicago', 'America/New_York'],
  ],
  GB: [9, 'en-GB', ['Europe/London']],
  DE: [9, 'de-DE', ['Europe/Berlin']],
  FR: [7, 'fr-FR', ['Europe/Paris']],
  NO: [4, 'nb-NO', ['Europe/Oslo']],
  NL: [4, 'nl-NL', ['Europe/Amsterdam']],
  IN: [9, 'en-IN', ['Asia/Kolkata']],
  JP: [6, 'ja-JP', ['Asia/Tokyo']],
  BR: [6, 'pt-BR', ['America/Sao_Paulo']],
  ES: [4, 'es-ES', ['Europe/Madrid']],
  PL: [4, 'pl-PL', ['Europe/Warsaw']],
  ZA: [2, 'en-ZA', ['Africa/Johannesburg']],
  CA: [3, 'en-CA', ['America/Vancouver', 'America/Toronto']],
  AU: [3, 'en-AU', ['Australia/Sydney']],
}

/** Somebody's language and clock there. */
export function customsOf(
  country: string,
  rng: Random,
): { readonly languages: readonly string[]; readonly timezone: string } {
  const [, language, zones] = countryFacts(country)
  return { languages: spoken(language), timezone: rng.pick(zones) }
}

export function spoken(language: string): readonly string[] {
  return language.startsWith('en') ? [language, 'en'] : [language, language.slice(0, 2), 'en']
}

export function countryFacts(country: string): readonly [number, string, readonly string[]] {
  const facts = COUNTRIES[country]
  if (facts === undefined) throw new Error(`${country} is not described`)
  return facts
}

/** Older names of the zones that people live in (`backward` of the tz database). */
const OLD_NAMES: Readonly<Record<string, string>> = {
  'America/Chicago': 'US/Central',
  'America/Denver': 'US/Mountain',
  'America/Los_Angeles': 'US/Pacific',
  'America/New_York': 'US/Eastern',
  'America/Sao_Paulo': 'Brazil/East',
  'Asia/Kolkata': 'Asia/Calcutta',
  'Asia/Tokyo': 'Japan',
  'Australia/Sydney': 'Australia/NSW',
  'Europe/London': 'GB',
  'Europe/Warsaw': 'Poland',
}

/** Undefined where a zone has had one name only. */
export function oldNameOf(zone: string): string | undefined {
  return OLD_NAMES[zone]
}

/** Of countries where nobody of the world lives, those that many networks are in. */
const ZONES_ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  AE: ['Asia/Dubai'],
  AT: ['Europe/Vienna'],
  CH: ['Europe/Zurich'],
  CZ: ['Europe/Prague'],
  FI: ['Europe/Helsinki'],
  HK: ['Asia/Hong_Kong'],
  IE: ['Europe/Dublin'],
  IT: ['Europe/Rome'],
  KR: ['Asia/Seoul'],
  MX: ['America/Mexico_City'],
  NZ: ['Pacific/Auckland'],
  RO: ['Europe/Bucharest'],
  SA: ['Asia/Riyadh'],
  SE: ['Europe/Stockholm'],
  SG: ['Asia/Singapore'],
}

/** The zones of a country, west to east; undefined where none is written down here. */
export function zonesOf(country: string): readonly string[] | undefined {
  return COUNTRIES[country]?.[2] ?? ZONES_ELSEWHERE[country]
}

export function pickCountry(rng: Random): string {
  const all = Object.entries(COUNTRIES)
  let left = rng.next() * all.reduce((sum, [, [share]]) => sum + share, 0)
  for (const [country, [share]] of all) {
    left -= share
    if (left < 0) return country
  }
  return 'US'
}

export function zoneAt(zones: readonly string[], longitude: number): string {
  const edges = [-115, -103, -87]
  const at =
    zones.length === 4
      ? edges.filter((edge) => longitude > edge).length
      : longitude > -95
        ? zones.length - 1
        : 0
  return zones[at] ?? 'Etc/UTC'
}
