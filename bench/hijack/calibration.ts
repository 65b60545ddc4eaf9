import { type Level, MIXTURE } from './attackers.ts'
import type { Judged } from './judged.ts'

/** One bin of scores: what they say, and what was so. */
export interface Calibration {
  /** Decibans; the bin is 6 wide. */
  readonly from: number
  readonly owners: number
  readonly thieves: number
  /** Mean of the scores in the bin, by which it is judged, dB. */
  readonly stated: number
  /** From the shares of thieves (mixed as the ladder is) and owners in the bin, dB. */
  readonly observed: number
}

const WIDTH = 6
/** Fewer say nothing. */
export const ENOUGH = 50

/** Each bin of scores at changes of context, where both sides have been seen. */
export function calibrated(changes: readonly Judged[]): readonly Calibration[] {
  const owners = changes.filter(({ thief }) => thief === null)
  const perLevel = new Map<Level, number>()
  for (const { thief } of changes)
    if (thief !== null) perLevel.set(thief, (perLevel.get(thief) ?? 0) + 1)

  const bins = new Map<
    number,
    { owners: number; thieves: number; share: number; scores: number; count: number }
  >()
  for (const { thief, score } of changes) {
    const weight = thief === null ? 0 : (MIXTURE[thief] ?? 0) / (perLevel.get(thief) ?? 1)
    if (thief !== null && weight === 0) continue
    const from = Math.floor(score / WIDTH) * WIDTH
    const bin = bins.get(from) ?? { owners: 0, thieves: 0, share: 0, scores: 0, count: 0 }
    bins.set(from, bin)
    if (thief === null) bin.owners++
    else bin.thieves++
    bin.share += weight
    bin.scores += score
    bin.count++
  }
  return [...bins]
    .sort(([a], [b]) => a - b)
    .map(([from, bin]) => ({
      from,
      owners: bin.owners,
      thieves: bin.thieves,
      stated: bin.scores / bin.count,
      observed: 10 * Math.log10((bin.share + 1e-6) / ((bin.owners + 0.5) / (owners.length + 0.5))),
    }))
}
