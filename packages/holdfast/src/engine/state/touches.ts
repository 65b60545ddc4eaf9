import type { SessionId } from '../../core/ids.ts'
import type { Entries } from '../../core/store.ts'
import type { Touches } from '../context.ts'

/** All touches of one turn of the event loop travel to the store together. */
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
