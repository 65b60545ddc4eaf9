import type { RedisAsk } from './ask.ts'
import { REPLICA } from './refusals.ts'
import { textOf } from './replies.ts'
import type { WriteState } from './write-state.ts'

/** Notices that Redis may have lost acknowledged writes. */
export interface RollbackWatch {
  /** Hears of it from then on, with the partitions that have certainly lost something. */
  onRollback(heard: (lost: readonly number[]) => void): () => void
  /** The newest positions of the feed. Whoever asks for them helps to notice. */
  heads(): Promise<readonly number[]>
  close(): void
}

export interface RollbackWatchOptions {
  readonly ask: RedisAsk
  readonly heads: () => Promise<readonly number[]>
  readonly state: WriteState
  readonly cluster: boolean
}

const EVERY_MS = 2_000

/**
 * Looks every two seconds, while somebody listens, which histories of writes the masters have: a
 * master that restarts or is promoted begins one of its own (`master_replid`). Positions of the
 * feed only grow, so one that fell proves that its partition has lost writes.
 */
export function rollbackWatch(options: RollbackWatchOptions): RollbackWatch {
  const { ask, state, cluster } = options
  const listeners = new Set<(lost: readonly number[]) => void>()
  let histories: ReadonlySet<string> | undefined
  let highest: readonly number[] = []
  let asked = 0
  let answered = 0
  let timer: NodeJS.Timeout | undefined
  let closed = false

  function tell(lost: readonly number[]): void {
    for (const heard of listeners) heard(lost)
  }

  async function heads(): Promise<readonly number[]> {
    const number = ++asked
    const now = await options.heads()
    // An answer that a redirection has held up is older than what is known: nothing fell.
    if (listeners.size === 0 || number < answered) return now
    answered = number
    const before = highest
    highest = now
    const lost = [...before.keys()].filter((at) => (now[at] ?? 0) < (before[at] ?? 0))
    if (lost.length > 0) tell(lost)
    return now
  }

  async function look(): Promise<void> {
    // Positions first: what is ended again adds to them.
    await heads()
    const masters = (await ask.onEachMaster(['INFO', 'replication'])).map(textOf)
    // A server that was demoted while nobody wrote.
    if (!cluster && masters.some((text) => /^role:slave/m.test(text))) {
      state.failed(new Error(REPLICA))
      return
    }
    const found = masters.flatMap((text) => /^master_replid:(\w+)/m.exec(text)?.[1] ?? [])
    const before = histories
    if (found.length > 0) histories = new Set(found)
    if (before !== undefined && found.some((history) => !before.has(history))) tell([])
  }

  function schedule(): void {
    if (closed || timer !== undefined || listeners.size === 0) return
    timer = setTimeout(() => {
      // A Redis that cannot be asked, or may not be, is looked at again later.
      look()
        .catch(() => {})
        .finally(() => {
          timer = undefined
          schedule()
        })
    }, EVERY_MS)
    timer.unref()
  }

  return {
    onRollback(heard) {
      if (listeners.size === 0) look().catch(() => {})
      listeners.add(heard)
      schedule()
      return () => void listeners.delete(heard)
    },
    heads,
    close() {
      closed = true
      clearTimeout(timer)
      listeners.clear()
    },
  }
}
