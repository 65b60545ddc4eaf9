import type { Policy } from '../core/decision.ts'
import type { Costs } from './costs.ts'
import { type Thresholds, thresholdPolicy } from './threshold.ts'

/** A policy by name: its thresholds, and the costs that its step-up follows from. */
interface Preset {
  readonly thresholds: Thresholds
  /** `thresholdsFor` gives the same `challenge`. `observe` and `limit` are the preset's own. */
  readonly costs: Costs
}

/** One hijack in 10,000 user-months. */
const RARE = 1 / 10_000

/** The policies that have names. */
export const PRESETS = {
  lenient: {
    thresholds: { observe: 18, challenge: 32, limit: 60, revokeForks: false },
    costs: { hijacks: RARE, missCost: 800 },
  },
  balanced: {
    thresholds: { observe: 12, challenge: 24, limit: 50, revokeForks: false },
    costs: { hijacks: RARE, missCost: 5_000 },
  },
  strict: {
    thresholds: { observe: 6, challenge: 15, limit: 30, revokeForks: true },
    costs: { hijacks: RARE, missCost: 40_000, revokeForks: true },
  },
} as const satisfies Record<string, Preset>

/**
 * The default. It asks for a step-up at 24 dB: one hijack in 10,000 user-months, and a missed one
 * costs as much as 5,000 needless prompts.
 */
export function balanced(): Policy {
  return thresholdPolicy(PRESETS.balanced.thresholds)
}

/**
 * Fewer prompts and later detection, for applications where little can be lost. A missed hijack
 * costs as much as 800 needless prompts.
 */
export function lenient(): Policy {
  return thresholdPolicy(PRESETS.lenient.thresholds)
}

/**
 * Asks early, and ends a session at once where two holders of one secret are proven. A missed
 * hijack costs as much as 40,000 needless prompts.
 */
export function strict(): Policy {
  return thresholdPolicy(PRESETS.strict.thresholds)
}
