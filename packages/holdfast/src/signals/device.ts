import { completed } from '../core/context.ts'
import type { Evidence } from '../core/evidence.ts'
import type { Device } from '../core/request.ts'
import type { Signal } from '../core/signal.ts'
import { type Difference, differencesOf } from './device-differences.ts'
import { closestOf, type Known, knownOf, settledContext } from './known.ts'
import { networkConfirmed } from './network-confirmed.ts'
import { evidenceOf } from './reasons.ts'
import { LEAST_CLAIMED, MOST, WEIGHTS } from './weights.ts'

/**
 * Group D: how the device differs from those that the session is used from, in this place or
 * another. While the session knows none, the devices of the subject's past count. Of several, the
 * one that it resembles most counts, in the version that was confirmed last. What a client claims
 * exonerates little where the network is not confirmed, and not at all where it says less than it
 * might.
 */
export function device(): Signal {
  return (session, presentation, history) => {
    const known = knownOf(session, history)
    const trusted = settledContext(session, presentation)?.state === 'confirmed'
    const { at, device: here, partial = false } = presentation
    const screens = new Set<string>()
    for (const { device } of known) {
      const alike = device.family === here.family && device.os === here.os
      if (alike && device.screen !== null) screens.add(device.screen)
    }
    let closest: Reading | undefined
    for (const base of wholeDevices(distinct(upToDate(closestOf(known))))) {
      const circumstances = { screens, partial, elapsed: at - base.lastSeen }
      const reading = readingOf(base, differencesOf(here, base.device, circumstances))
      if (closest === undefined || resembles(reading, closest, trusted)) closest = reading
    }
    if (closest === undefined) return []
    const { items, base } = closest
    const compared = { here, before: base.device }
    return items.flatMap(([difference, weight]) => {
      if (partial && weight < 0) return []
      const free = weight >= LEAST_CLAIMED || networkConfirmed(session, presentation, history)
      return describe(difference, free ? weight : LEAST_CLAIMED, compared)
    })
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
 * Leaves out versions of a browser on a system that the one confirmed last has replaced: older
 * ones, and after a step back newer ones that were confirmed before it. A place that was not
 * visited since still holds the old version. Compared with that, an update would speak for whoever
 * comes there, and a step back would speak against the owner in each new place.
 */
function upToDate(known: readonly Known[]): readonly Known[] {
  const newest = new Map<string, Known>()
  for (const each of known) {
    if (!each.confirmed) continue
    const name = browserOf(each.device)
    const before = newest.get(name)
    if (before === undefined || isLater(each, before)) newest.set(name, each)
  }
  return known.filter(({ device, confirmed }) => {
    const last = newest.get(browserOf(device))
    if (last === undefined) return true
    const step = (device.major ?? 0) - (last.device.major ?? 0)
    return step === 0 || (step > 0 && !confirmed)
  })
}

function isLater(a: Known, b: Known): boolean {
  if (a.lastSeen !== b.lastSeen) return a.lastSeen > b.lastSeen
  return (a.device.major ?? 0) > (b.device.major ?? 0)
}

/**
 * What nobody confirmed is taken to say what the same browser says elsewhere. Whoever left
 * something out once would otherwise be compared with that.
 */
function wholeDevices(known: readonly Known[]): readonly Known[] {
  return known.map((each) => {
    if (each.confirmed || !isSilent(each.device)) return each
    const device = known.reduce((whole, other) => completed(whole, other.device, true), each.device)
    return device === each.device ? each : { ...each, device }
  })
}

function isSilent({ hints, screen, timezone, languages }: Device): boolean {
  return hints === null || screen === null || timezone === null || languages.length === 0
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
    case 'facts_missing':
      return evidenceOf(difference, weight, { screen: here.screen, timezone: here.timezone })
    default:
      return evidenceOf(difference, weight, namesOf(here, before))
  }
}

/** Two forks of Chromium that have one name are told apart by their brands. */
function namesOf(here: Device, before: Device): Evidence['detail'] {
  const [name, other] = [nameOf(here), nameOf(before)]
  const [brand, brandBefore] = [here.hints?.brand, before.hints?.brand]
  const branded = name === other && brand !== undefined && brandBefore !== undefined
  if (!branded || brand === brandBefore) return { here: name, before: other }
  return { here: `${name} (${brand})`, before: `${other} (${brandBefore})` }
}

function nameOf({ family, major, os }: Pick<Device, 'family' | 'major' | 'os'>): string {
  return `${major === null ? family : `${family} ${major}`} on ${os}`
}
