import type { Alert } from './alert.ts'

/**
 * What came of one try: the receiver has it; it may be tried again, not before `retryAfterMs` and
 * at most `mostTries` times in all; or no try can ever succeed. No problem holds a secret, or text
 * of the receiver.
 */
export type Delivery =
  | 'delivered'
  | { readonly problem: string; readonly retryAfterMs?: number; readonly mostTries?: number }
  | { readonly dead: string }

/** Somebody who gets alerts. */
export interface Target {
  /** One try. It ends when `signal` aborts, and throws only what is a fault of ours. */
  deliver(alert: Alert, options: { readonly signal: AbortSignal }): Promise<Delivery>
}

/** A configured target: with its name, how much it can take. */
export interface OpenTarget extends Target {
  /** Messages a minute. What is more waits, and comes as one digest. */
  readonly perMinute: number
}

export type OpenTargets = Readonly<Record<string, OpenTarget>>

/** What the receiver will most likely refuse again is tried a few times all the same. */
export const FEW_TRIES = 3
