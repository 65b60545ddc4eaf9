import { distance } from 'fastest-levenshtein'

/** Longest name that is compared, because the work grows with the square of the length. */
const MAX_LENGTH = 128

/** The known name that a misspelt one most likely means; undefined when none is close. */
export function nearest(misspelt: string, known: readonly string[]): string | undefined {
  const name = misspelt.slice(0, MAX_LENGTH).toLowerCase()
  const [whole] = known
    .filter((candidate) => name.length >= 4 && candidate.toLowerCase().startsWith(name))
    .sort((one, other) => one.length - other.length)
  if (whole !== undefined) return whole
  let best: string | undefined
  let least = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const edits = editsBetween(name, candidate.toLowerCase())
    if (edits >= least) continue
    best = candidate
    least = edits
  }
  return best
}

/** Letters in another order are one edit. */
function editsBetween(name: string, candidate: string): number {
  return inOrder(name) === inOrder(candidate) ? 1 : distance(name, candidate)
}

function inOrder(letters: string): string {
  return [...letters].sort().join('')
}
