import { geoLookup } from 'holdfast/network'
import { expect, test } from 'vitest'
import { geoData } from '../../../tools/geo-data.mjs'
import { HOMES, PLACES } from '../src/demo/places.ts'

test('every place of the demonstration is where the geo data says its address is', async () => {
  const { city, asn } = await geoData()
  const problems: unknown[] = []
  const geo = geoLookup({ city, asn, onProblem: (problem) => problems.push(problem) })

  const found = PLACES.map(({ id, address }) => ({ id, at: geo.lookup(address) }))
  geo.close()

  expect(problems).toEqual([])
  expect(
    found.map(({ id, at }) => ({ id, city: at?.city, country: at?.country, asn: at?.asn })),
  ).toEqual(
    PLACES.map((place) => ({
      id: place.id,
      city: place.named ?? place.city,
      country: place.country,
      asn: place.asn,
    })),
  )
})

test('every network of the demonstration has the name that Holdfast will show', async () => {
  const { city, asn } = await geoData()
  const geo = geoLookup({ city, asn, onProblem: () => undefined })

  const unlike = PLACES.filter(
    ({ address, network }) => !geo.lookup(address)?.organisation?.startsWith(network),
  )
  geo.close()

  expect(unlike.map(({ network }) => network)).toEqual([])
})

test('the neighbour of a home shares its /24, the café and the other city do not', () => {
  const prefix = (address: string): string => address.split('.').slice(0, 3).join('.')

  for (const { here, nextDoor, cafe, otherCity } of HOMES) {
    expect(prefix(nextDoor.address)).toBe(prefix(here.address))
    expect(prefix(cafe.address)).not.toBe(prefix(here.address))
    expect(cafe.asn).not.toBe(here.asn)
    expect(otherCity.asn).toBe(here.asn)
    expect(otherCity.city).not.toBe(here.city)
  }
})
