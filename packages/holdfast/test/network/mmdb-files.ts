import { renameSync, writeFileSync } from 'node:fs'
import { type MmdbValue, mmdbWriter } from '../../../../tools/mmdb-writer.mjs'
import { parseCidr } from '../../src/network/address-set.ts'

type Options = Parameters<typeof mmdbWriter>[0]

/** A small MMDB file: networks in CIDR notation and what it says of them. */
export function mmdb(
  records: Readonly<Record<string, { readonly [key: string]: MmdbValue }>>,
  options: Partial<Options> = {},
): Buffer {
  const writer = mmdbWriter({ type: 'Test', ...options })
  for (const [network, record] of Object.entries(records)) {
    const cidr = parseCidr(network)
    if (cidr === undefined) throw new Error(`not a network: ${network}`)
    writer.add({ words: cidr.address.words, bits: cidr.bits }, record)
  }
  return writer.finish()
}

/** As an update does it: the file is never seen half written. */
export function replaceFile(path: string, bytes: Uint8Array): void {
  writeFileSync(`${path}.new`, bytes)
  renameSync(`${path}.new`, path)
}

export const NESTED_OSLO = {
  city: { geoname_id: 3143244, names: { de: 'Oslo (Stadt)', en: 'Oslo' } },
  country: { iso_code: 'NO', names: { en: 'Norway' } },
  location: {
    accuracy_radius: 20,
    latitude: 59.9139,
    longitude: 10.7522,
    time_zone: 'Europe/Oslo',
  },
  subdivisions: [{ iso_code: '03' }],
}

export const FLAT_OSLO = {
  city: 'Oslo (Sentrum)',
  country_code: 'NO',
  latitude: '59.9139',
  longitude: '10.7522',
  postcode: '',
  state1: 'Oslo',
  timezone: '',
}

export function asnRecord(number: number, organisation: string) {
  return { autonomous_system_number: number, autonomous_system_organization: organisation }
}
