import { type Completed, MOST_IDS, type Tally } from './tally.ts'

/** A window is counted in so many parts: its edge is as exact as one of them. */
const PARTS = 10

/**
 * Complete where a window has so many times as many events as an average one of the time before,
 * and at least `threshold`. The window just before does not count as usual: a surge that begins in
 * it would hide itself.
 */
export function surgeTally({
  threshold,
  window,
  times,
  over,
}: {
  readonly threshold: number
  readonly window: number
  readonly times: number
  readonly over: number
}): Tally {
  const part = window / PARTS
  const windows = Math.floor(over / window)
  const kept = (windows + 3) * PARTS
  /** Events by part, the parts counted from the epoch. */
  const counts = new Map<number, number>()
  const ids: string[] = []
  let newest = -Infinity
  let usual = { at: -Infinity, count: 0 }

  function countOf(last: number, parts: number): number {
    let count = 0
    for (let at = last - parts + 1; at <= last; at++) count += counts.get(at) ?? 0
    return count
  }

  /** Of an average window before the part. Nothing of it changes any more, so it is kept. */
  function usualAt(last: number): number {
    if (usual.at !== last) {
      usual = { at: last, count: countOf(last - 2 * PARTS, windows * PARTS) / windows }
    }
    return usual.count
  }

  return {
    add({ at, id }, matters) {
      const own = Math.floor(at / part)
      // A clock that runs about must not fill the memory, and one that ran ahead hides nothing.
      if (counts.size > 2 * kept) counts.clear()
      if (!counts.has(own)) {
        for (const part of counts.keys()) if (part <= own - kept) counts.delete(part)
      }
      counts.set(own, (counts.get(own) ?? 0) + 1)
      newest = own < newest - kept ? own : Math.max(newest, own)
      ids.push(id)
      if (ids.length > MOST_IDS) ids.shift()
      const done: Completed[] = []
      for (let last = own; last <= Math.min(own + PARTS - 1, newest); last++) {
        const until = last * part
        if (!matters(until)) continue
        const count = countOf(last, PARTS)
        if (count < threshold || count < times * usualAt(last)) continue
        done.push({ at: until, count, events: [...ids] })
      }
      return done
    },
    size: () => counts.size + ids.length,
  }
}
