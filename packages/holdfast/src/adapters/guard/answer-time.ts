import { ANSWER_MS } from '../../core/rotation.ts'

/** Starts the time of one answer. Start it before the request is judged. */
export type AnswerTimer = () => InTime

/**
 * Whether the answer may still bring its secret. A later answer leaves without it: another request
 * of the same browser may have been sent a newer secret by then, and to overwrite that one would
 * look like a second holder.
 */
export type InTime = () => boolean

/** A clock that was set back says nothing about the time between, so it counts as late. */
export function answerTimer(now: () => number): AnswerTimer {
  return () => {
    const startedAt = now()
    return () => {
      const passed = now() - startedAt
      return passed >= 0 && passed <= ANSWER_MS
    }
  }
}
