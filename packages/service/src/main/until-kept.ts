import { setTimeout as pause } from 'node:timers/promises'
import { SessionError } from 'holdfast'
import type { Logger } from 'pino'

export interface UntilKeptOptions {
  /** What is said of an attempt that fails. */
  readonly problem: string
  readonly log: Pick<Logger, 'warn'>
  readonly stop: AbortSignal
  /** Pause before the next attempt (default 5 s). */
  readonly retryMs?: number | undefined
}

const RETRY_MS = 5_000

/**
 * Tries to keep an event until that is done, also where the store is away for a while. Never
 * rejects: what fails otherwise is logged, and given up.
 */
export async function untilKept(
  attempt: () => Promise<'done' | 'again'>,
  { problem, log, stop, retryMs = RETRY_MS }: UntilKeptOptions,
): Promise<void> {
  while (!stop.aborted) {
    try {
      if ((await attempt()) === 'done') return
    } catch (err) {
      if (stop.aborted) return
      log.warn({ err }, problem)
      if (!(err instanceof SessionError && err.code === 'store_unavailable')) return
    }
    await pause(retryMs, undefined, { signal: stop, ref: false }).catch(() => {})
  }
}
