/** A span of time: a whole number of ms, or words such as `'90s'`, `'15m'`, `'2h'`, `'30d'`. */
export type Duration = number | `${bigint}${Unit}`

type Unit = keyof typeof UNITS

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

const FORM = /^(\d{1,9})(ms|s|m|h|d)$/

/**
 * Milliseconds of a duration in words, for example `90s`, `15m`, `2h`, `30d`. Undefined for
 * anything else and for nothing.
 */
export function parseDuration(words: string): number | undefined {
  const match = FORM.exec(words)
  const unit = match?.[2]
  if (match === null || !isUnit(unit)) return undefined
  const ms = Number(match[1]) * UNITS[unit]
  return Number.isSafeInteger(ms) && ms > 0 ? ms : undefined
}

/** Milliseconds of a duration, as it was checked. */
export function inMs(duration: Duration): number {
  return typeof duration === 'number' ? duration : (parseDuration(duration) ?? Number.NaN)
}

/** A number of milliseconds as words, in the largest unit that fits; a single day is 24 hours. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const least = unit === 'd' ? 2 * UNITS.d : UNITS[unit]
    if (ms >= least && ms % UNITS[unit] === 0) return `${ms / UNITS[unit]}${unit}`
  }
  return `${ms}ms`
}

function isUnit(text: string | undefined): text is Unit {
  return text !== undefined && text in UNITS
}
