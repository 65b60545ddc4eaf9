import { type Refusal, refusalOf } from './refusals.ts'

/** Whether Redis does what it is asked, as the failures and marks of this process tell. */
export interface WriteState {
  /** Why nothing may be asked: the server may be a replica, which may not know of a revocation. */
  closedBy(): Refusal | undefined
  /** Notes a failure. What refused, if the server did. */
  failed(cause: unknown): Refusal | undefined
  /** Notes that a mark was written. */
  passed(): void
  close(): void
}

export interface WriteStateOptions {
  /** Writes a mark, also where nothing else may be asked. */
  readonly mark: () => Promise<unknown>
  /** A demoted node of a Cluster says where the master is, and the client asks there. */
  readonly cluster: boolean
  readonly onWarning: (message: string) => void
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2_000

/**
 * Tells once that a Redis that answers refuses writes, with cause and mend, and once that it is
 * over. Meanwhile marks are tried with growing pauses, so that it is noticed also where nobody
 * writes. From a server that says it is no master nothing is read until a mark has passed.
 */
export function writeState({ mark, cluster, onWarning }: WriteStateOptions): WriteState {
  let current: Refusal | undefined
  let told = new Set<string>()
  let since = 0
  let pauseMs = FIRST_PAUSE_MS
  let timer: NodeJS.Timeout | undefined
  let closed = false

  function refused(refusal: Refusal): void {
    if (closed) return
    if (current === undefined) {
      since = performance.now()
      pauseMs = FIRST_PAUSE_MS
      told = new Set()
      tryAgain()
    }
    current = refusal
    if (told.has(refusal.kind)) return
    told.add(refusal.kind)
    onWarning(`Redis refuses writes (${refusal.kind}): ${refusal.cause}. ${refusal.mend}.`)
  }

  function tryAgain(): void {
    timer = setTimeout(() => {
      mark()
        .catch(() => {})
        .finally(() => {
          if (current !== undefined && !closed) tryAgain()
        })
    }, pauseMs)
    timer.unref()
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
  }

  return {
    closedBy: () => (current?.elsewhere && !cluster ? current : undefined),
    failed(cause) {
      const refusal = refusalOf(cause)
      if (refusal !== undefined) refused(refusal)
      return refusal
    },
    passed() {
      if (current === undefined) return
      current = undefined
      clearTimeout(timer)
      const seconds = Math.max(1, Math.round((performance.now() - since) / 1_000))
      onWarning(`Redis takes writes again, after ${seconds} s.`)
    },
    close() {
      closed = true
      current = undefined
      clearTimeout(timer)
    },
  }
}
