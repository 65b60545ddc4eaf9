import type { Evidence } from '../core/evidence.ts'
import type { Device } from '../core/request.ts'
import type { Signal } from '../core/signal.ts'
import { type Difference, differencesOf } from './device-differences.ts'
import { closestOf, type Known, knownOf, settledContext } from './known.ts'
import { evidenceOf } from './reasons.ts'
import { MOST, WEIGHTS } from './weights.ts'

/**
 * Group D: how the device differs from those that the session is used from, in this place or
 * another. While the session knows none, the devices of the subject's past count. Of several, the
 * one that it resembles most counts, in its newest version. A place that was not visited since an
 * update still holds the old version: compared with that, the update would speak for whoever comes
 * there.
 */
export function device(): Signal {
  return (session, presentation, history) => {
    const known = knownOf(session, history)
    const trusted = settledContext(session, presentation)?.state === 'confirmed'
    const here = presentation.device
    const screens = new Set<string>()
    for (const { device } of known) {
      const alike = device.family === here.family && device.os === here.os
      if (alike && device.screen !== null) screens.add(device.screen)
    }
    let closest: Reading | undefined
    for (const base of distinct(upToDate(closestOf(known)))) {
      const reading = readingOf(base, differencesOf(here, base.device, { screens }))
      if (closest === undefined || resembles(reading, closest, trusted)) closest = reading
    }
    if (closest === undefined) return []
    const { items, base } = closest
    const compared = { here, before: base.device }
    return items.map(([difference, weight]) => describe(difference, weight, compared))
  }
}

type Item = readonly [difference: Difference, weight: number]

interface Reading {
  readonly accusing: number
  readonly total: number
  readonly items: readonly Item[]
  readonly base: Known
}

function readingOf(base: Known, differences: readonly Difference[]): Reading {
  const items = weighed(base, differences)
  const total = items.reduce((sum, [, weight]) => sum + weight, 0)
  const accusing = items.reduce((sum, [, weight]) => sum + Math.max(0, weight), 0)
  return { accusing, total, items, base }
}

/**
 * Whether reading `a` resembles a known device more than reading `b`: it accuses less, or it
 * accuses as much and weighs more in all. In a trusted place a device that nobody confirmed comes
 * last.
 */
function resembles(a: Reading, b: Reading, trusted: boolean): boolean {
  if (a.accusing !== b.accusing) return a.accusing < b.accusing
  if (trusted && a.base.confirmed !== b.base.confirmed) return a.base.confirmed
  return a.total > b.total
}

/**
 * Leaves out versions that a later one of the same browser on the same system has replaced. Only a
 * confirmed device replaces others.
 */
function upToDate(known: readonly Known[]): readonly Known[] {
  const newest = new Map<string, number>()
  for (const { confirmed, device } of known) {
    const name = browserOf(device)
    if (confirmed) newest.set(name, Math.max(newest.get(name) ?? 0, device.major ?? 0))
  }
  return known.filter(({ device }) => (device.major ?? 0) >= (newest.get(browserOf(device)) ?? 0))
}

function browserOf({ family, os }: Device): string {
  return `${family} ${os}`
}

/**
 * Each device once. One device is mostly used in many places, and the record reader gives all of
 * them the same object.
 */
function distinct(bases: readonly Known[]): readonly Known[] {
  return bases.filter(
    ({ device, confirmed }, at) =>
      bases.findIndex((each) => each.device === device && each.confirmed === confirmed) === at,
  )
}

/**
 * The largest weight counts in full, the second by half, and no further one. A difference
 * exonerates only where none accuses.
 */
function weighed({ confirmed }: Known, differences: readonly Difference[]): readonly Item[] {
  const sorted = [...differences].sort((a, b) => WEIGHTS[b] - WEIGHTS[a])
  const accusing = sorted.filter((difference) => WEIGHTS[difference] > 0)
  const [first, second] = accusing
  if (first !== undefined) {
    const top: Item = [first, WEIGHTS[first]]
    if (second === undefined) return [top]
    const rest = Math.min(Math.round(WEIGHTS[second] / 2), MOST - top[1])
    return rest > 0 ? [top, [second, rest]] : [top]
  }
  const strongest = sorted.at(-1)
  if (strongest === undefined || !confirmed) return []
  return [[strongest, WEIGHTS[strongest]]]
}

function describe(
  difference: Difference,
  weight: number,
  { here, before }: { readonly here: Device; readonly before: Device },
): Evidence {
  const hints = here.hints && nameOf(here.hints)
  switch (difference) {
    case 'screen_new':
    case 'screen_known':
      return evidenceOf(difference, weight, { here: here.screen, before: before.screen })
    case 'language_changed':
      return evidenceOf(difference, weight, {
        here: here.languages[0] ?? null,
        before: before.languages[0] ?? null,
      })
    case 'hints_contradictory':
      return evidenceOf(difference, weight, { here: nameOf(here), hints, before: nameOf(before) })
    default:
      return evidenceOf(difference, weight, { here: nameOf(here), before: nameOf(before) })
  }
}

function nameOf({ family, major, os }: Pick<Device, 'family' | 'major' | 'os'>): string {
  return `${major === null ? family : `${family} ${major}`} on ${os}`
}
