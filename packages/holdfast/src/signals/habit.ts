import { changesAt, type SubjectHistory } from '../core/history.ts'
import { isUsual, LEAST_SOFTENED, MOST_SOFTENED, STRONG, USUAL, WEIGHTS } from './weights.ts'

/** Changes that everybody's rate counts for beside somebody's own. */
const KAPPA = 30

/**
 * What a data gap makes of a class must not weigh more than that class. A page keeps its time zone to itself, a lookup
 * has no country or no coordinates: the left one may be the right one.
 */
const MAY_BE = {
  network_new_near: 'network_new_far',
  hosting_new: 'hosting_foreign',
  country_new_clock_unknown: 'country_new_clock_unmoved',
} as const satisfies Partial<Record<keyof typeof USUAL, keyof typeof USUAL>>

type Weighed = { readonly weight: number; readonly seen?: number }

/**
 * The weight of a reason for somebody with this past, dB: who has made a change before makes it again. It is never
 * above the table's: a person who never travelled is no more suspicious abroad than a stranger.
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
  // One journey is no habit: taken for one, it let three more of a hundred clones abroad pass in the benchmark.
  const times = strong ? Math.max(0, seen - 1) : seen
  const less = Math.round(backedOff(weight, USUAL[reason], { seen: times, total }))
  if (less >= weight) return { weight }
  const least = strong ? weight - MOST_SOFTENED : LEAST_SOFTENED
  return { weight: Math.max(least, less), seen: Math.max(1, Math.round(seen)) }
}

/** A weight with the share of owners' changes that it was made with replaced by somebody's own, dB. */
export function backedOff(
  weight: number,
  usual: number,
  { seen, total }: { readonly seen: number; readonly total: number },
): number {
  const own = (seen + KAPPA * usual) / (total + KAPPA)
  return weight - 10 * Math.log10(own / usual)
}
