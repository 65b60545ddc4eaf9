import { changesAt, type SubjectHistory } from '../core/history.ts'
import { isUsual, LEAST_SOFTENED, MOST_SOFTENED, STRONG, USUAL, WEIGHTS } from './weights.ts'

/** The rate of all owners counts as much as this many changes of somebody's own. */
const KAPPA = 30

/**
 * A gap in the data must not weigh more than what it hides. Where a page does not tell its time
 * zone, or a lookup has no country or no coordinates, the class on the left may really be the one
 * on the right.
 */
const MAY_BE = {
  network_new_near: 'network_new_far',
  hosting_new: 'hosting_foreign',
  country_new_clock_unknown: 'country_new_clock_unmoved',
  country_new_clock_elsewhere: 'country_new_clock_unmoved',
} as const satisfies Partial<Record<keyof typeof USUAL, keyof typeof USUAL>>

type Weighed = { readonly weight: number; readonly seen?: number }

/**
 * The weight of a reason for somebody with this past, dB. People repeat the changes that they have
 * made before. The weight is never above the table's: a person who never travelled is no more
 * suspicious abroad than a stranger.
 */
export function habitual(
  reason: keyof typeof WEIGHTS,
  { changes }: SubjectHistory,
  at: number,
): Weighed {
  if (!isUsual(reason)) return { weight: WEIGHTS[reason] }
  const own = softened(reason, changes, at)
  const other = Object.hasOwn(MAY_BE, reason) ? MAY_BE[reason as keyof typeof MAY_BE] : undefined
  if (other === undefined) return own
  const may = softened(other, changes, at)
  return may.weight < own.weight ? may : own
}

function softened(
  reason: keyof typeof USUAL,
  changes: SubjectHistory['changes'],
  at: number,
): Weighed {
  const weight: number = WEIGHTS[reason]
  const { total, seen } = changesAt(changes, at, reason)
  const strong = weight >= STRONG
  // One journey is no habit. Counted as one, it let three more of a hundred clones abroad pass in
  // the benchmark.
  const times = strong ? Math.max(0, seen - 1) : seen
  const less = Math.round(backedOff(weight, USUAL[reason], { seen: times, total }))
  if (less >= weight) return { weight }
  const least = strong ? weight - MOST_SOFTENED : LEAST_SOFTENED
  return { weight: Math.max(least, less), seen: Math.max(1, Math.round(seen)) }
}

/**
 * The weight, dB, with somebody's own share of such changes in place of the share of all owners.
 */
export function backedOff(
  weight: number,
  usual: number,
  { seen, total }: { readonly seen: number; readonly total: number },
): number {
  const own = (seen + KAPPA * usual) / (total + KAPPA)
  return weight - 10 * Math.log10(own / usual)
}
