import type { FailedStepUps } from './session.ts'

/**
 * Step-up prompts an hour over all unconfirmed contexts of a session: people give in to a flood of
 * them.
 */
export const MAX_PROMPTS = 3

const WINDOW_MS = 3_600_000

/** The prompts of the last hour. */
export function recentPrompts(prompts: readonly number[], at: number): readonly number[] {
  return prompts.filter((prompt) => at - prompt < WINDOW_MS)
}

/**
 * After so many wrong answers since it last passed a step-up, a context is asked no more.
 */
export const MAX_FAILED_STEP_UPS = 5

/**
 * Most contexts whose failures are kept. To drive one out takes sixteen step-ups from others, which
 * takes hours.
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

/** A context has passed: its earlier failures do not count any more. */
export function withoutFailures(
  failures: readonly FailedStepUps[],
  context: string,
): readonly FailedStepUps[] {
  return failures.filter((failed) => failed.context !== context)
}
