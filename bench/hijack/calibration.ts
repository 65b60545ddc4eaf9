import { type Level, MIXTURE } from './attackers.ts'
import type { Judged } from './judged.ts'
import { shareOf } from './stats.ts'

/** One bin of scores: what they say, and what was so. */
export interface Calibration {
  /** Decibans; the bin is 6 wide. */
  readonly from: number
  readonly owners: number
  readonly thieves: number
  /** Mean of the scores in the bin, by which it is judged, dB. */
  readonly stated: number
  /**
   * From the shares of thieves (mixed as the ladder is) and owners in the bin, dB; null: one side
   * was never in it.
   */
  readonly observed: number | null
  /** 95 % bounds of that; null: there is none on this side. */
  readonly low: number | null
  readonly high: number | null
}

const WIDTH = 6
/** With fewer on one side the bounds are what is known. */
export const ENOUGH = 50

/** Each bin of scores at changes of context. */
export function calibrated(changes: readonly Judged[]): readonly Calibration[] {
  const all = countsOf(changes)
  const bins = new Map<number, Judged[]>()
  for (const change of changes) {
    const from = Math.floor(change.score / WIDTH) * WIDTH
    const bin = bins.get(from)
    if (bin === undefined) bins.set(from, [change])
    else bin.push(change)
  }
  return [...bins]
    .sort(([a], [b]) => a - b)
    .map(([from, inside]) => {
      const own = countsOf(inside)
      return {
        from,
        owners: own.owners,
        thieves: inside.length - own.owners,
        stated: inside.reduce((sum, { score }) => sum + score, 0) / inside.length,
        ...oddsOf(own, all),
      }
    })
}

interface Counts {
  readonly owners: number
  readonly levels: ReadonlyMap<Level, number>
}

function countsOf(changes: readonly Judged[]): Counts {
  const levels = new Map<Level, number>()
  let owners = 0
  for (const { thief } of changes) {
    if (thief === null) owners++
    else levels.set(thief, (levels.get(thief) ?? 0) + 1)
  }
  return { owners, levels }
}

type Odds = Pick<Calibration, 'observed' | 'low' | 'high'>

/**
 * The bounds of both shares, their distances added as those of independent figures (Newcombe,
 * 1998).
 */
function oddsOf(own: Counts, all: Counts): Odds {
  const owners = shareOf(own.owners, all.owners)
  let [share, below, above] = [0, 0, 0]
  for (const [level, of] of all.levels) {
    const weight = MIXTURE[level] ?? 0
    const one = shareOf(own.levels.get(level) ?? 0, of)
    share += weight * one.share
    below += (weight * (one.share - one.low)) ** 2
    above += (weight * (one.high - one.share)) ** 2
  }
  const thieves = { share, low: share - Math.sqrt(below), high: share + Math.sqrt(above) }
  if (share === 0) return { observed: null, low: null, high: dB(thieves.high / owners.low) }
  if (own.owners === 0) return { observed: null, low: dB(thieves.low / owners.high), high: null }
  const observed = dB(share / owners.share)
  return {
    observed,
    low: observed - Math.hypot(dB(share / thieves.low), dB(owners.high / owners.share)),
    high: observed + Math.hypot(dB(thieves.high / share), dB(owners.share / owners.low)),
  }
}

function dB(ratio: number): number {
  return 10 * Math.log10(ratio)
}
