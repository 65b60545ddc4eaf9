/** Step-up prompts that may be begun within an hour, over all unconfirmed contexts of a session: people give in to a flood of them. */
export const MAX_PROMPTS = 3

const WINDOW_MS = 3_600_000

/** Those prompts of a session that still count. */
export function recentPrompts(prompts: readonly number[], at: number): readonly number[] {
  return prompts.filter((prompt) => at - prompt < WINDOW_MS)
}

/** Wrong answers from one context since it was last confirmed, after which it is asked no more: log in afresh. */
export const MAX_FAILED_STEP_UPS = 5
