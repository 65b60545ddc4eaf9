import type { Policy } from '../core/decision.ts'
import { thresholdPolicy } from './threshold.ts'

export { type Thresholds, thresholdPolicy } from './threshold.ts'

/**
 * The default. A step-up at 24 dB: one hijack in 10,000 user-months over 130 changes of context each (61 dB),
 * a missed one worth 5,000 needless prompts (37 dB).
 */
export function balanced(): Policy {
  return thresholdPolicy({ observe: 12, challenge: 24, limit: 50, revokeForks: false })
}

/** Fewer prompts, later detection: for applications where little can be lost. */
export function lenient(): Policy {
  return thresholdPolicy({ observe: 18, challenge: 32, limit: 60, revokeForks: false })
}

/** Asks early, and ends a session at once when two holders of one secret are proven. */
export function strict(): Policy {
  return thresholdPolicy({ observe: 6, challenge: 15, limit: 30, revokeForks: true })
}
