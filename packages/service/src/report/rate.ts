/** How often something happens, as far as so many observations can say. */
export interface Rate {
  readonly count: number
  /** Null: too few, or none, to say. */
  readonly rate: number | null
  /** Where there was none at all: a bound that the true rate is below with 95 % probability. */
  readonly below: number | null
}

/** Fewer than this and the rate is off by more than half, as likely as not to matter. */
const LEAST = 10

/** Three over the exposure bounds what was never seen, with 95 % (the rule of three). */
const NEVER_SEEN = 3

/** `count` over an exposure; an exposure of 0 says nothing. */
export function rateOf(count: number, exposure: number): Rate {
  if (exposure <= 0) return { count, rate: null, below: null }
  if (count === 0) return { count, rate: null, below: NEVER_SEEN / exposure }
  return { count, rate: count < LEAST ? null : count / exposure, below: null }
}

/** Of fewer, no share can be told. */
const LEAST_WHOLE = 30

/** As an exposure: a number of which some part did something. */
export function shareOf(whole: number): number {
  return whole < LEAST_WHOLE ? 0 : whole
}
