import type { StopSignal } from '../../core/feed.ts'
import type { Positions } from './cursor.ts'
import type { Numbered, Range } from './reader.ts'
import { type Told, toldEntries } from './told.ts'

/** Tells followers that the feed has moved. One look at the heads serves all of them. */
export interface HeadWatch {
  /** Says that something was written: the watch looks. */
  wake(): void
  /** Says that a partition has reached `sequence`. */
  heard(partition: number, sequence: number): void
  /** Says what a partition has at its end. Only of messages that nobody else can have made. */
  told(partition: number, run: readonly Told[]): void
  /** Entries after a position that {@link told} brought; undefined where they have to be read. */
  toldAfter(range: Range): readonly Numbered[] | undefined
  /**
   * How often two messages told of different entries under one number. A follower that sees this
   * rise may have had what the store has lost, and missed what took its place.
   */
  conflicts(): number
  /** Says that the heads of {@link moved} were wrong: none is believed until the next look. */
  doubt(): void
  /**
   * Resolves once a head differs from `from`, with the heads as far as they are known. They may
   * have been seen a while ago or only been heard of. Undefined when `stop` aborts, `withinMs` are
   * over, or the watch is closed. Throws what looking throws.
   */
  moved(from: Positions, stop: StopSignal, withinMs?: number): Promise<Positions | undefined>
  closed(): boolean
  close(): void
}

/** How a watch hears of the writes of other processes. */
export interface HeadWatchOptions {
  /**
   * How often to look, ms, where other processes write too: a wake-up may be lost. The timer keeps
   * no process alive.
   */
  readonly everyMs?: number
  /** Called at the first follower: passes wake-ups on until the function it returns is called. */
  readonly listen?: (watch: Pick<HeadWatch, 'wake' | 'heard' | 'told'>) => () => void
}

interface Waiter {
  readonly from: Positions
  readonly done: (known?: Positions) => void
  readonly fail: (error: unknown) => void
}

/** Looks at the heads at each wake-up, and every `everyMs`. */
export function headWatch(
  heads: () => Promise<Positions>,
  { everyMs, listen }: HeadWatchOptions = {},
): HeadWatch {
  const waiting = new Set<Waiter>()
  const entries = toldEntries()
  let conflicts = 0
  let known: number[] = []
  /** Whether something was written since the newest look began. */
  let stale = true
  let unlisten: (() => void) | undefined
  let timer: NodeJS.Timeout | undefined
  let looking = false
  let closed = false

  async function look(): Promise<void> {
    stale = true
    if (looking) return
    looking = true
    do {
      stale = false
      const asked = [...waiting]
      known = []
      try {
        const seen = await heads()
        known = seen.map((head, partition) => Math.max(head, known[partition] ?? 0))
        for (const waiter of asked) if (differs(waiter.from, seen)) waiter.done(known)
        release()
      } catch (error) {
        stale = true
        for (const waiter of asked) waiter.fail(error)
      }
    } while (stale && waiting.size > 0)
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

  function isBehind(from: Positions): boolean {
    for (let partition = 0; partition < known.length; partition++) {
      if ((known[partition] ?? 0) > (from[partition] ?? 0)) return true
    }
    return false
  }

  function wake(): void {
    stale = true
    if (waiting.size > 0) void look()
  }

  function heard(partition: number, sequence: number): void {
    if (sequence <= (known[partition] ?? 0)) return
    known[partition] = sequence
    release()
  }

  function told(partition: number, run: readonly Told[]): void {
    const newest = run.at(-1)?.sequence ?? 0
    if (entries.add(partition, run)) {
      heard(partition, newest)
    } else {
      conflicts++
      for (const waiter of [...waiting]) waiter.done(known)
    }
  }

  function release(): void {
    for (const waiter of [...waiting]) if (isBehind(waiter.from)) waiter.done(known)
  }

  return {
    wake,
    heard,
    told,
    toldAfter: entries.after,
    conflicts: () => conflicts,
    doubt() {
      known = []
      stale = true
    },
    moved(from, stop, withinMs) {
      return new Promise<Positions | undefined>((resolve, reject) => {
        if (closed || stop.aborted) return resolve(undefined)
        unlisten ??= listen?.({ wake, heard, told })
        if (isBehind(from)) return resolve([...known])
        let timeout: NodeJS.Timeout | undefined
        const ended = (): void => waiter.done()
        const leave = (): void => {
          clearTimeout(timeout)
          waiting.delete(waiter)
          stop.removeEventListener('abort', ended)
        }
        const waiter: Waiter = {
          from,
          done(reached) {
            leave()
            resolve(reached === undefined ? undefined : [...reached])
          },
          fail(error) {
            leave()
            reject(error)
          },
        }
        waiting.add(waiter)
        if (withinMs !== undefined) timeout = setTimeout(ended, withinMs).unref()
        stop.addEventListener('abort', ended)
        if (stale) void look()
        else schedule()
      })
    },
    closed: () => closed,
    close() {
      closed = true
      clearTimeout(timer)
      unlisten?.()
      for (const waiter of [...waiting]) waiter.done()
    },
  }
}

function differs(a: Positions, b: Positions): boolean {
  return b.some((position, partition) => position !== a[partition])
}
