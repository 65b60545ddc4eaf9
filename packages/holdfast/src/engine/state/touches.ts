import type { SessionId } from '../../core/ids.ts'
import type { Entries } from '../../core/store.ts'

/** Notes activity. All touches of one turn of the event loop travel together. */
export interface Touches {
  touch(id: SessionId, at: number): Promise<void>
}

export function batchedTouches(entries: Pick<Entries, 'touch'>): Touches {
  let batch: { seen: Map<SessionId, number>; done: Promise<void> } | undefined

  return {
    touch(id, at) {
      if (batch === undefined) {
        const seen = new Map<SessionId, number>()
        const done = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
          batch = undefined
          return entries.touch([...seen].map(([id, at]) => ({ id, at })))
        })
        batch = { seen, done }
      }
      batch.seen.set(id, Math.max(at, batch.seen.get(id) ?? at))
      return batch.done
    },
  }
}
