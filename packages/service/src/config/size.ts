const UNITS = { kB: 1e3, MB: 1e6, GB: 1e9 } as const

const FORM = /^(\d{1,9})(kB|MB|GB)$/

/** Bytes of a size in words, for example `64MB`. Undefined for anything else and for nothing. */
export function parseSize(words: string): number | undefined {
  const match = FORM.exec(words)
  const unit = match?.[2]
  if (match === null || !isUnit(unit)) return undefined
  const bytes = Number(match[1]) * UNITS[unit]
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined
}

/** A number of bytes as words, in the largest unit that fits. */
export function formatSize(bytes: number): string {
  for (const unit of ['GB', 'MB'] as const) {
    if (bytes % UNITS[unit] === 0) return `${bytes / UNITS[unit]}${unit}`
  }
  return `${bytes / UNITS.kB}kB`
}

function isUnit(text: string | undefined): text is keyof typeof UNITS {
  return text !== undefined && text in UNITS
}
