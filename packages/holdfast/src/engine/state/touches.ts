import type { SessionId } from '../../core/ids.ts'
import { touchInterval } from '../../core/lifetimes.ts'
import { memo } from '../../core/memo.ts'
import type { Entries } from '../../core/store.ts'
import type { Touches } from '../context.ts'

export interface TouchesOptions {
  readonly entries: Pick<Entries, 'touch'>
  /** Hears of activity that could not be written. */
  readonly onWarning: (message: string) => void
}

/** Longer than a local copy lives, which knows nothing of what was noted since it was read. */
const NOTED_MS = 10_000
const REMEMBERED = 5_000
/** Most sessions whose activity waits for another try. */
const MAX_UNWRITTEN = 10_000
/** A large batch would hold the store up. */
const RETRIED_AT_ONCE = 1_000
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000
/** Between batches that are written. */
const SHORT_PAUSE_MS = 50

/**
 * All touches that are handed over together travel to the store together, and answers do not wait
 * for them. Where one fails, its activity is kept and tried again, the operator is told, and
 * answers wait for their own touch until nothing is kept any more: a store that cannot be written
 * to must not let sessions in use end by silence without anybody being told.
 */
export function batchedTouches({ entries, onWarning }: TouchesOptions): Touches {
  let batch: { readonly seen: Map<SessionId, number>; readonly done: Promise<void> } | undefined
  const noted = memo<SessionId, number>(REMEMBERED)
  const unwritten = new Map<SessionId, number>()
  let retrying = false

  function newBatch(): NonNullable<typeof batch> {
    const seen = new Map<SessionId, number>()
    // One microtask later, before the caller goes on: who then closes the store loses nothing.
    const done = Promise.resolve().then(() => {
      batch = undefined
      return write(seen)
    })
    // Who waits for it hears of the failure; all others have their answer.
    done.catch(() => {})
    return { seen, done }
  }

  async function write(seen: ReadonlyMap<SessionId, number>): Promise<void> {
    try {
      await entries.touch([...seen].map(([id, at]) => ({ id, at })))
    } catch (error) {
      keep(seen, error)
      throw error
    }
    for (const [id, at] of seen) if ((unwritten.get(id) ?? Infinity) <= at) unwritten.delete(id)
  }

  function keep(seen: ReadonlyMap<SessionId, number>, error: unknown): void {
    if (unwritten.size === 0) onWarning(failed(seen.size, error))
    const before = unwritten.size
    for (const [id, at] of seen) unwritten.set(id, Math.max(at, unwritten.get(id) ?? at))
    if (unwritten.size > MAX_UNWRITTEN) {
      if (before < MAX_UNWRITTEN) onWarning(TOO_MANY)
      for (const id of unwritten.keys()) {
        if (unwritten.size <= MAX_UNWRITTEN) break
        unwritten.delete(id)
      }
    }
    if (!retrying) retryIn(FIRST_PAUSE_MS)
  }

  function retryIn(pause: number): void {
    retrying = true
    const retry = (): Promise<void> => write(new Map([...unwritten].slice(0, RETRIED_AT_ONCE)))
    const next = (then: number): void => {
      retrying = false
      if (unwritten.size > 0) retryIn(then)
    }
    setTimeout(() => {
      retry().then(
        () => next(SHORT_PAUSE_MS),
        () => next(Math.min(Math.max(2 * pause, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)),
      )
    }, pause).unref()
  }

  return {
    isDue({ id, lastActivity = 0, idleMs }, at) {
      const interval = touchInterval(idleMs)
      if (at - lastActivity < interval) return false
      return unwritten.has(id) || at - (noted.get(id) ?? 0) >= Math.min(interval, NOTED_MS)
    },
    touch(id, at) {
      batch ??= newBatch()
      batch.seen.set(id, Math.max(at, batch.seen.get(id) ?? at))
      noted.set(id, at)
      return unwritten.size === 0 ? undefined : batch.done
    },
    waits: () => unwritten.size > 0,
    size: () => noted.size() + unwritten.size,
  }
}

function failed(count: number, error: unknown): string {
  const why = error instanceof Error ? error.message : 'The store failed.'
  return (
    `The activity of ${count} session${count === 1 ? '' : 's'} could not be written. ` +
    `It is tried again, and requests wait for theirs until then. ${why}`
  )
}

const TOO_MANY =
  `The activity of more than ${MAX_UNWRITTEN} sessions could not be written. ` +
  'The oldest of it is dropped, and those sessions may end by silence too early.'
