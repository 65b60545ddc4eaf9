import { SessionError } from '../core/errors.ts'
import type { Thresholds } from './threshold.ts'

/** What thresholds follow from: how rare hijacks are, and what a missed one costs. */
export interface Costs {
  /** Hijacked sessions per user and month, for example `1 / 10_000`. */
  readonly hijacks: number
  /** What a missed hijack costs, counted in needless prompts, for example `5_000`. */
  readonly missCost: number
  /** As in {@link Thresholds}; false unless said otherwise. */
  readonly revokeForks?: boolean
}

/** Changes of network or device of one user in a month. Each is one chance to be wrong. */
const CHANGES_PER_USER_MONTH = 130

/**
 * Below the least, every change of network would be a prompt. Above the most, nothing that can be
 * seen passively would ever be one.
 */
const LEAST = 3
const MOST = 60

/**
 * The thresholds that cost least, given how rare hijacks are and what a missed one costs. A step-up
 * is asked for where the odds of a hijack reach the cost of a needless prompt over that of a miss.
 * In decibans
 *
 *     challenge = -10 log10(hijacks / 130) - 10 log10(missCost)
 *
 * `observe` is half of that and `limit` twice. Throws `config_invalid` for inputs that lead below 3
 * dB or above 60.
 *
 * @example
 * // 12 / 24 / 48
 * const policy = thresholdPolicy(thresholdsFor({ hijacks: 1 / 10_000, missCost: 5_000 }))
 */
export function thresholdsFor({ hijacks, missCost, revokeForks = false }: Costs): Thresholds {
  if (!(hijacks > 0 && hijacks <= CHANGES_PER_USER_MONTH)) {
    throw wrong('hijacks', `must be above 0 and at most ${CHANGES_PER_USER_MONTH} per user-month`)
  }
  if (!(missCost >= 1 && missCost < Number.POSITIVE_INFINITY)) {
    throw wrong('missCost', 'must be a number of needless prompts, at least 1')
  }
  const challenge = Math.round(decibans(CHANGES_PER_USER_MONTH / hijacks) - decibans(missCost))
  if (challenge < LEAST || challenge > MOST) {
    const remedy = challenge < LEAST ? 'lower' : 'raise'
    throw wrong(
      'missCost',
      `leads with these hijacks to a step-up at ${challenge} dB, ` +
        `and only ${LEAST} to ${MOST} make sense: ${remedy} it`,
    )
  }
  return {
    observe: Math.round(challenge / 2),
    challenge,
    limit: 2 * challenge,
    revokeForks,
  }
}

function decibans(ratio: number): number {
  return 10 * Math.log10(ratio)
}

function wrong(field: string, problem: string): SessionError {
  return new SessionError('config_invalid', `${field} ${problem}.`)
}
