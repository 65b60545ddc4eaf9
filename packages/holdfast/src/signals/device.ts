import type { Evidence, Signal } from '../core/evidence.ts'
import type { Device } from '../core/request.ts'
import { type Difference, differencesOf } from './device-differences.ts'
import { closestOf, type Known, knownOf, settledContext } from './known.ts'
import { evidenceOf } from './reasons.ts'
import { MOST, WEIGHTS } from './weights.ts'

/**
 * Group D: how the device differs from those the session is used from (from the subject's past while the
 * session knows none). Of several, the one it resembles most counts, as it is now: a place that has not been visited
 * since an update still holds the version before, and the update would speak for whoever comes with the new one.
 */
export function device(): Signal {
  return (session, presentation, history) => {
    const known = knownOf(session, history)
    const settled = settledContext(session, presentation)
    const bases: readonly Known[] =
      settled === undefined
        ? upToDate(closestOf(known))
        : [{ ...settled, confirmed: settled.state === 'confirmed', from: 'session' }]

    const here = presentation.device
    const screens = known.filter(
      ({ device }) => device.family === here.family && device.os === here.os,
    )
    const readings = bases.map((base) => {
      const differences = differencesOf(here, base.device, {
        screens: screens.flatMap(({ device }) => device.screen ?? []),
      })
      return weighed(here, base, differences)
    })
    return readings.reduce(
      (closest, each) => (resembles(each, closest) ? each : closest),
      readings[0] ?? [],
    )
  }
}

/** Accused of less; or as much, and with less to be said for it. */
function resembles(a: readonly Evidence[], b: readonly Evidence[]): boolean {
  const [more, less] = [accusing(a), accusing(b)]
  return more < less || (more === less && total(a) > total(b))
}

function accusing(evidence: readonly Evidence[]): number {
  return evidence.reduce((sum, { weight }) => sum + Math.max(0, weight), 0)
}

/** Without what a later version of the same browser on the same system has replaced. Only confirmed ones replace. */
function upToDate(known: readonly Known[]): readonly Known[] {
  return known.filter(
    ({ device }) =>
      !known.some(
        (other) =>
          other.confirmed &&
          other.device.family === device.family &&
          other.device.os === device.os &&
          (other.device.major ?? 0) > (device.major ?? 0),
      ),
  )
}

/** The largest in full, half of the second, nothing further; exoneration only when nothing accuses. */
function weighed(
  here: Device,
  { device: before, confirmed }: Known,
  differences: readonly Difference[],
): readonly Evidence[] {
  const sorted = [...differences].sort((a, b) => WEIGHTS[b] - WEIGHTS[a])
  const accusing = sorted.filter((difference) => WEIGHTS[difference] > 0)
  const [first, second] = accusing
  if (first !== undefined) {
    const top = describe(first, WEIGHTS[first], { here, before })
    if (second === undefined) return [top]
    const rest = Math.min(Math.round(WEIGHTS[second] / 2), MOST - top.weight)
    return rest > 0 ? [top, describe(second, rest, { here, before })] : [top]
  }
  const strongest = sorted.at(-1)
  if (strongest === undefined || !confirmed) return []
  return [describe(strongest, WEIGHTS[strongest], { here, before })]
}

function total(evidence: readonly Evidence[]): number {
  return evidence.reduce((sum, { weight }) => sum + weight, 0)
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
