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
      (mildest, each) => (total(each) < total(mildest) ? each : mildest),
      readings[0] ?? [],
    )
  }
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
