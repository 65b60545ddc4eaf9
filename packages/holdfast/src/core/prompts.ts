import type { FailedStepUps } from './session.ts'

/**
 * Step-up prompts that may be begun within an hour, over all unconfirmed contexts of a session:
 * people give in to a flood of them.
 */
export const MAX_PROMPTS = 3

const WINDOW_MS = 3_600_000

/** Those prompts of a session that still count. */
export function recentPrompts(prompts: readonly number[], at: number): readonly number[] {
  return prompts.filter((prompt) => at - prompt < WINDOW_MS)
}

/**
 * Wrong answers from one context since it last passed a step-up, after which it is asked no more:
 * log in afresh.
 */
export const MAX_FAILED_STEP_UPS = 5

/**
 * Contexts whose failures are kept. To drive one out takes sixteen begun step-ups from others,
 * which takes hours.
 */
const MAX_FAILING = 16

/** How often step-ups from a context have failed since it last passed one. */
export function failuresOf(failures: readonly FailedStepUps[], context: string): number {
  return failures.find((failed) => failed.context === context)?.count ?? 0
}

/** One more wrong answer from a context. */
export function withFailure(
  failures: readonly FailedStepUps[],
  context: string,
): readonly FailedStepUps[] {
  const failed = { context, count: failuresOf(failures, context) + 1 }
  return [...withoutFailures(failures, context), failed].slice(-MAX_FAILING)
}

/** A context has passed: what failed there before counts no more. */
export function withoutFailures(
  failures: readonly FailedStepUps[],
  context: string,
): readonly FailedStepUps[] {
  return failures.filter((failed) => failed.context !== context)
}
