import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { asnRecord, mmdb } from '../../../../holdfast/test/network/mmdb-files.ts'
import { lookup } from '../../../../holdfast/test/support/people.ts'

/** Where the people of these tests are, as a look-up reads it. */
export function geoFiles(files: string): { readonly city: string; readonly asn: string } {
  const places = ['192.0.2', '198.51.100', '203.0.113', '192.88.99'].map((prefix) => ({
    network: `${prefix}.0/24`,
    place: lookup(`${prefix}.1`) ?? {},
  }))
  const city = places.map(({ network, place }) => [
    network,
    {
      city: { names: { en: place.city ?? '' } },
      country: { iso_code: place.country ?? '' },
      location: { latitude: place.latitude ?? 0, longitude: place.longitude ?? 0 },
    },
  ])
  const asn = places.map(({ network, place }) => [
    network,
    asnRecord(place.asn ?? 0, place.organisation ?? ''),
  ])
  const paths = { city: join(files, 'city.mmdb'), asn: join(files, 'asn.mmdb') }
  writeFileSync(paths.city, mmdb(Object.fromEntries(city)))
  writeFileSync(paths.asn, mmdb(Object.fromEntries(asn)))
  return paths
}
