import type { LoggedLine } from '../entry.ts'
import { plainText } from '../formats/plain-text.ts'

/**
 * Where entries of the audit log go besides. It never holds anything up: what finds no room or no
 * receiver is dropped, counted and told. The log itself has everything.
 */
export interface AuditOutput {
  readonly name: string
  /** Takes events and findings in the order of their indexes. Never waits, never throws. */
  send(entries: readonly LoggedLine[]): void
  state(): OutputState
  /**
   * The highest index up to which everything that was sent has been acknowledged, or was refused
   * for good. An entry that was dropped for want of room or of a receiver holds it back, until
   * `send` starts there or before. Null: nothing yet.
   *
   * Whoever keeps it and sends again from the entry behind it, after a restart or, once nothing is
   * queued, after drops, has each entry delivered at least once.
   */
  delivered(): number | null
  /** Delivers what waits, for so long; the rest is dropped. Takes nothing more. */
  close(timeoutMs: number): Promise<void>
}

export interface OutputState {
  readonly sent: number
  readonly dropped: number
  /** Taken and neither acknowledged nor dropped. */
  readonly queued: number
  /** What is wrong now. */
  readonly failing: string | null
}

/** What outputs need of the world around them. */
export interface OutputDependencies {
  readonly now: () => number
  readonly random: (size: number) => Uint8Array
  /** Told when an outage begins, and when it ends with how much was dropped. Holds no secret. */
  readonly onProblem: (message: string) => void
  /** Runs something later; answers how to call it off. A timer, unless told otherwise. */
  readonly later?: Later
}

export type Later = (ms: number, run: () => void) => () => void

export const timer: Later = (ms, run) => {
  const timeout = setTimeout(run, ms)
  return () => clearTimeout(timeout)
}

/**
 * What went wrong, in one line. It may quote the other end's certificate; it never quotes what was
 * sent.
 */
export function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  // Where several addresses were tried, there is no message.
  const code = 'code' in error ? String(error.code) : 'unknown error'
  return plainText(error.message || code, 200)
}
