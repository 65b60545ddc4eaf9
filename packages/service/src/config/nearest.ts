import { distance } from 'fastest-levenshtein'

/** Longest name that is compared, because the work grows with the square of the length. */
const MAX_LENGTH = 128

/** The known name that a misspelt one most likely means; undefined when none is close. */
export function nearest(misspelt: string, known: readonly string[]): string | undefined {
  const name = misspelt.slice(0, MAX_LENGTH).toLowerCase()
  const whole = known.find(
    (candidate) => name.length >= 4 && candidate.toLowerCase().startsWith(name),
  )
  if (whole !== undefined) return whole
  let best: string | undefined
  let least = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const edits = distance(name, candidate.toLowerCase())
    if (edits >= least) continue
    best = candidate
    least = edits
  }
  return best
}
