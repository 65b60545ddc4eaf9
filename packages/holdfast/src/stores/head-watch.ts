import type { StopSignal } from '../core/store.ts'
import type { Positions } from './feed-cursor.ts'

/** Tells followers that the feed has moved. One look at the heads serves them all. */
export interface HeadWatch {
  /** Something was written by this process: look now. */
  wake(): void
  /** Resolves once a head differs from `from`, `stop` aborts, `withinMs` are over, or the watch is closed. Throws what looking throws. */
  moved(from: Positions, stop: StopSignal, withinMs?: number): Promise<void>
  closed(): boolean
  close(): void
}

interface Waiter {
  readonly from: Positions
  readonly done: () => void
  readonly fail: (error: unknown) => void
}

/** Looks at each wake-up, and every `everyMs` where other processes write too. Its timer keeps no process alive. */
export function headWatch(heads: () => Promise<Positions>, everyMs?: number): HeadWatch {
  const waiting = new Set<Waiter>()
  let timer: NodeJS.Timeout | undefined
  let looking = false
  let again = false
  let closed = false

  async function look(): Promise<void> {
    again = looking
    if (looking) return
    looking = true
    do {
      again = false
      const asked = [...waiting]
      try {
        const now = await heads()
        for (const waiter of asked) if (differs(waiter.from, now)) waiter.done()
      } catch (error) {
        for (const waiter of asked) waiter.fail(error)
      }
    } while (again && waiting.size > 0)
    looking = false
    schedule()
  }

  function schedule(): void {
    if (everyMs === undefined || timer !== undefined || waiting.size === 0) return
    timer = setTimeout(() => {
      timer = undefined
      if (waiting.size > 0) void look()
    }, everyMs)
    timer.unref()
  }

  return {
    wake() {
      if (waiting.size > 0) void look()
    },
    moved(from, stop, withinMs) {
      return new Promise<void>((resolve, reject) => {
        if (closed || stop.aborted) return resolve()
        let timeout: NodeJS.Timeout | undefined
        const leave = (): void => {
          clearTimeout(timeout)
          waiting.delete(waiter)
          stop.removeEventListener('abort', waiter.done)
        }
        const waiter: Waiter = {
          from,
          done() {
            leave()
            resolve()
          },
          fail(error) {
            leave()
            reject(error)
          },
        }
        waiting.add(waiter)
        if (withinMs !== undefined) timeout = setTimeout(waiter.done, withinMs).unref()
        stop.addEventListener('abort', waiter.done)
        void look()
      })
    },
    closed: () => closed,
    close() {
      closed = true
      clearTimeout(timer)
      for (const waiter of [...waiting]) waiter.done()
    },
  }
}

function differs(a: Positions, b: Positions): boolean {
  return b.some((position, partition) => position !== a[partition])
}
