import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where a session is used: three networks of one town, of three providers. */
export const PLACES = ['home', 'office', 'mobile'] as const
export type PlaceName = (typeof PLACES)[number]

/** Networks of 256 addresses side by side, so many a town. */
const NETWORKS_A_TOWN = 4
const TOWN_BITS = 22
const FIRST = 81 * 2 ** 24
const TOWNS = 2 ** 15

/** A file that knows these towns alone would be smaller than real ones, and faster. */
const OTHER_NETWORKS = 200_000

const USUAL_HOST = 57

/** An address of the session's user at a place, the same every time but for its last number. */
export function addressAt(turn: number, place: PlaceName, host = USUAL_HOST): string {
  const network = FIRST + (turn * NETWORKS_A_TOWN + PLACES.indexOf(place)) * 256
  return `${[24, 16, 8].map((bits) => (network >>> bits) & 255).join('.')}.${host}`
}

/** The files of a geo database, as operators download them. */
export interface GeoFiles {
  readonly city: string
  readonly asn: string
}

export function geoFilesIn(folder: string): GeoFiles {
  return { city: join(folder, 'city.mmdb'), asn: join(folder, 'asn.mmdb') }
}

/** Writes geo data with all addresses of the bench, in the layout of DB-IP Lite. */
export async function writeGeoFiles(folder: string): Promise<void> {
  const { mmdbWriter } = (await import(
    // Compiled to .cache/bench.
    new URL('../../tools/mmdb-writer.mjs', import.meta.url).href
  )) as typeof import('../tools/mmdb-writer.mjs')
  const random = randomNumbers()
  const cities = Array.from({ length: 2_000 }, (_, i) => ({
    city: { names: { en: `Town ${i}` } },
    continent: { code: 'EU', geoname_id: 6_255_148, names: { en: 'Europe' } },
    country: {
      geoname_id: 3_144_096,
      is_in_european_union: false,
      iso_code: 'NO',
      names: { en: 'Norway' },
    },
    location: { latitude: 58 + random() * 5 + 0.01, longitude: 5 + random() * 6 + 0.01 },
    subdivisions: [{ names: { en: `County ${i % 15}` } }],
  }))
  const providers = ['Telenor Norge AS', 'GlobalConnect AS', 'Telia Norge AS', 'Lyse Tele AS'].map(
    (autonomous_system_organization, i) => ({
      autonomous_system_number: 64_500 + i,
      autonomous_system_organization,
    }),
  )
  const city = mmdbWriter({ type: 'DBIP-City-Lite', family: 4 })
  const asn = mmdbWriter({ type: 'DBIP-ASN-Lite', family: 4 })
  for (let i = 0; i < OTHER_NETWORKS; i++) {
    const words = [
      (Math.floor(random() * 220) * 2 ** 24 + Math.floor(random() * 65_536) * 256) >>> 0,
    ]
    city.add({ words, bits: 24 }, cities[i % cities.length] ?? {})
    asn.add({ words, bits: 24 }, providers[i % providers.length] ?? {})
  }
  for (let town = 0; town < TOWNS; town++) {
    const network = FIRST + town * NETWORKS_A_TOWN * 256
    city.add({ words: [network], bits: TOWN_BITS }, cities[town % cities.length] ?? {})
    for (const [i, provider] of providers.entries())
      asn.add({ words: [network + i * 256], bits: 24 }, provider)
  }
  const files = geoFilesIn(folder)
  writeFileSync(files.city, city.finish())
  writeFileSync(files.asn, asn.finish())
}

/** The same numbers in every run, from 0 to 1. */
function randomNumbers(): () => number {
  let seed = 42
  return () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
}
