const FIRST_MS = 1_000
const LONGEST_MS = 900_000

/**
 * How long to wait after a try that failed: twice as long each time, 15 minutes at most, and a
 * random half of it less, so that what failed together does not come back together.
 */
export function retryDelayMs(attempt: number, random: (size: number) => Uint8Array): number {
  const delay = Math.min(FIRST_MS * 2 ** (Math.max(attempt, 1) - 1), LONGEST_MS)
  const [high = 0, low = 0] = random(2)
  return Math.round(delay * (0.5 + ((high << 8) | low) / 131_072))
}
