/** The days on which quiet hours begin. */
export const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

export type Day = (typeof DAYS)[number]

/** Hours at which nobody is to be disturbed. From 22:00 to 07:00 ends on the next day. */
export interface QuietHours {
  readonly days: readonly Day[]
  /** Minutes after midnight. The same for both: the whole day. */
  readonly from: number
  readonly to: number
  /** IANA name. */
  readonly zone: string
}

const DAY_NAMES: readonly string[] = DAYS
const DAY_MINUTES = 1_440
const MINUTE_MS = 60_000
/** As many windows may follow one another: a week without an end is not held for ever. */
const MOST_WINDOWS = 8

/** When the quiet hours that it is in end; undefined outside of them. */
export function quietUntil(hours: QuietHours, now: number): number | undefined {
  const format = clockOf(hours.zone)
  let at = now
  for (let windows = 0; windows < MOST_WINDOWS; windows++) {
    const local = localOf(format, at)
    if (!isQuiet(hours, local)) break
    at = endOf(hours, at, { format, local })
  }
  return at === now ? undefined : at
}

interface Local {
  readonly day: number
  readonly minute: number
}

function isQuiet({ days, from, to }: QuietHours, { day, minute }: Local): boolean {
  const begins = (which: number): boolean => days.includes(DAYS[(which + 7) % 7] ?? 'sun')
  if (from < to) return begins(day) && minute >= from && minute < to
  return (begins(day) && minute >= from) || (begins(day - 1) && minute < to)
}

/** The next instant at which a clock there shows the end; an hour may be missing or come twice. */
function endOf(
  { to }: QuietHours,
  at: number,
  { format, local }: { readonly format: Intl.DateTimeFormat; readonly local: Local },
): number {
  const minutes = (to - local.minute + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES
  const guess = Math.floor(at / MINUTE_MS) * MINUTE_MS + minutes * MINUTE_MS
  const off = localOf(format, guess).minute - to
  const drift = ((off + DAY_MINUTES / 2 + DAY_MINUTES) % DAY_MINUTES) - DAY_MINUTES / 2
  const end = guess - drift * MINUTE_MS
  // Where the clock skips the end, it is the first minute after the gap that ends.
  return localOf(format, end).minute === to % DAY_MINUTES ? end : guess
}

function clockOf(zone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
}

function localOf(format: Intl.DateTimeFormat, at: number): Local {
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]))
  return {
    day: DAY_NAMES.indexOf(parts.weekday?.toLowerCase() ?? ''),
    minute: Number(parts.hour) * 60 + Number(parts.minute),
  }
}
