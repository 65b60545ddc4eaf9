/** The known name that a misspelt one most likely means; undefined when none is close. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const whole = known.find((candidate) => name.length >= 4 && startsWith(candidate, name))
  if (whole !== undefined) return whole
  let best: string | undefined
  let least = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance >= least) continue
    best = candidate
    least = distance
  }
  return best
}

function startsWith(candidate: string, name: string): boolean {
  return candidate.toLowerCase().startsWith(name.toLowerCase())
}

/** Insertions, deletions and replacements between two texts (Levenshtein). Names longer than 128 characters are cut. */
function editDistance(from: string, to: string): number {
  const a = from.slice(0, 128)
  const b = to.slice(0, 128)
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
