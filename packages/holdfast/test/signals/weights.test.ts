import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fitted, type Training } from '../../../../bench/hijack/training.ts'
import { DEPARTURES, LEAST, MOST, RARE, USUAL, WEIGHTS } from '../../src/signals/weights.ts'

const counts = new URL('../../../../bench/hijack/training-counts.json', import.meta.url)
const training = JSON.parse(readFileSync(counts, 'utf8')) as Training
const codes = Object.keys(WEIGHTS) as (keyof typeof WEIGHTS)[]

/** What the counts give, within the bounds of a single observation. */
function fromCounts(code: keyof typeof WEIGHTS): number | undefined {
  const weight = fitted(training, code)
  return weight === undefined ? undefined : Math.min(MOST, Math.max(LEAST, weight))
}

test('every weight is within 3 dB of the training counts, or says why it is not', () => {
  const drifted = codes.filter((code) => {
    const found = fromCounts(code)
    return !(code in DEPARTURES) && (found === undefined || Math.abs(found - WEIGHTS[code]) > 3)
  })

  expect(drifted).toEqual([])
})

test('nothing departs from the counts that need not', () => {
  const needless = codes.filter((code) => {
    const found = fromCounts(code)
    return code in DEPARTURES && found !== undefined && Math.abs(found - WEIGHTS[code]) <= 1
  })

  expect(needless).toEqual([])
})

test('a count that changes is noticed', () => {
  const foreign = training.reasons.country_new_clock_unmoved
  if (foreign === undefined) throw new Error('nobody was in another country')
  const owners = foreign.owners * 10
  const reasons = { ...training.reasons, country_new_clock_unmoved: { ...foreign, owners } }

  const moved = fitted({ ...training, reasons }, 'country_new_clock_unmoved') ?? 0

  expect(Math.abs(moved - WEIGHTS.country_new_clock_unmoved)).toBeGreaterThan(3)
})

test('no observation weighs more than it may', () => {
  const observed = codes.filter((code) => code !== 'secret_forked')

  for (const code of observed) {
    expect(WEIGHTS[code]).toBeLessThanOrEqual(MOST)
    expect(WEIGHTS[code]).toBeGreaterThanOrEqual(LEAST)
  }
})

test('how usual a change is follows from the training counts, also where it is rare', () => {
  const seen = (code: string): number => training.reasons[code]?.owners ?? 0
  const known = Object.entries(USUAL).filter(([code]) => seen(code) >= 20)
  const rare = Object.entries(USUAL).filter(([code]) => seen(code) < 20)

  const drifted = known.filter(([code, share]) => {
    return Math.abs(share / ((seen(code) + 0.5) / (training.owners + 1)) - 1) > 0.2
  })

  expect(known.length).toBeGreaterThanOrEqual(5)
  expect(drifted).toEqual([])
  expect(rare.filter(([, share]) => share !== RARE)).toEqual([])
  expect(RARE * training.owners).toBeCloseTo(20, 0)
})

test('every accusing class of a network has a share, and nothing else has', () => {
  const accusing = codes.filter((code) => {
    const ofNetwork = /^(network_|hosting_|relay_|satellite_|country_new_)/.test(code)
    return ofNetwork && WEIGHTS[code] > 0 && code !== 'network_hopping'
  })

  expect(Object.keys(USUAL).sort()).toEqual(accusing.sort())
})
