/** Proves that a store takes writes, by a mark in it. */
export interface WriteProof {
  /** Rejects with what the mark met. */
  prove(): Promise<void>
  /** Says that something failed: what was proven before counts no more. */
  doubt(): void
}

/** A mark counts for so long, and is the only one in this time. */
const COUNTS_MS = 2_000
/** A failure is told to all who ask within this time: they cost the store one mark. */
const FAILURE_COUNTS_MS = 250

/** One mark at a time, which all share who ask meanwhile or shortly after. */
export function writeProof(mark: () => Promise<unknown>): WriteProof {
  let known: { readonly until: number; readonly answer: Promise<void> } | undefined
  let underWay: Promise<void> | undefined
  let doubts = 0

  async function attempt(): Promise<void> {
    const before = doubts
    let countsMs = FAILURE_COUNTS_MS
    try {
      await mark()
      countsMs = before === doubts ? COUNTS_MS : 0
    } finally {
      known = underWay && { until: performance.now() + countsMs, answer: underWay }
      underWay = undefined
    }
  }

  return {
    prove() {
      if (underWay !== undefined) return underWay
      if (known !== undefined && performance.now() < known.until) return known.answer
      // Begun a step later: a mark that throws at once must find itself under way.
      underWay = Promise.resolve().then(attempt)
      return underWay
    },
    doubt() {
      doubts++
      known = undefined
    },
  }
}
