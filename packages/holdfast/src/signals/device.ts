import type { Evidence, Signal } from '../core/evidence.ts'
import type { Device } from '../core/request.ts'
import { type Difference, differencesOf } from './device-differences.ts'
import { closestOf, type Known, knownOf, settledContext } from './known.ts'
import { evidenceOf } from './reasons.ts'
import { MOST, WEIGHTS } from './weights.ts'

/**
 * Group D: how the device differs from those the session is used from (from the subject's past while the
 * session knows none). Of several, the one it resembles most counts: the mildest total.
 */
export function device(): Signal {
  return (session, presentation, history) => {
    const known = knownOf(session, history)
    const settled = settledContext(session, presentation)
    const bases: readonly Known[] =
      settled === undefined
        ? closestOf(known)
        : [{ ...settled, confirmed: settled.state === 'confirmed', from: 'session' }]

    const here = presentation.device
    const screens = new Set<string>()
    for (const { device } of known) {
      const alike = device.family === here.family && device.os === here.os
      if (alike && device.screen !== null) screens.add(device.screen)
    }
    let mildest: Reading | undefined
    for (const base of distinct(bases)) {
      const items = weighed(base, differencesOf(here, base.device, { screens }))
      const total = items.reduce((sum, [, weight]) => sum + weight, 0)
      if (mildest === undefined || total < mildest.total)
        mildest = { total, items, before: base.device }
    }
    if (mildest === undefined) return []
    const { items, before } = mildest
    return items.map(([difference, weight]) => describe(difference, weight, { here, before }))
  }
}

type Item = readonly [difference: Difference, weight: number]

interface Reading {
  readonly total: number
  readonly items: readonly Item[]
  readonly before: Device
}

/** One device is mostly used in many places; the record names it once, so that it is the same object. */
function distinct(bases: readonly Known[]): readonly Known[] {
  return bases.filter(
    ({ device, confirmed }, at) =>
      bases.findIndex((each) => each.device === device && each.confirmed === confirmed) === at,
  )
}

/** The largest in full, half of the second, nothing further; exoneration only when nothing accuses. */
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
