import type { Entries } from '../../core/store.ts'

type Seen = Parameters<Entries['touch']>[0]

/** Writes activity: at once where it is rare, and many touches together where they are not. */
export interface GatheredTouches {
  touch(seen: Seen): Promise<void>
  /** Writes what still waits. */
  flush(): Promise<void>
}

/**
 * A transaction costs as much as a hundred verifications, whatever it changes. So one follows
 * another after `everyMs` at the earliest.
 */
export function gatheredTouches(
  write: (seen: Seen) => Promise<void>,
  everyMs: number,
): GatheredTouches {
  let lastAt = Number.NEGATIVE_INFINITY
  let waiting: { readonly seen: Seen[number][]; readonly done: Promise<void> } | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let due: () => void = () => {}

  function gather(): NonNullable<typeof waiting> {
    const seen: Seen[number][] = []
    const time = new Promise<void>((resolve) => {
      due = resolve
      timer = setTimeout(resolve, lastAt + everyMs - performance.now())
    })
    const done = time.then(() => {
      clearTimeout(timer)
      waiting = undefined
      lastAt = performance.now()
      return write(seen)
    })
    return { seen, done }
  }

  return {
    touch(seen) {
      if (waiting === undefined && performance.now() - lastAt >= everyMs) {
        lastAt = performance.now()
        return write(seen)
      }
      waiting ??= gather()
      waiting.seen.push(...seen)
      return waiting.done
    },

    async flush() {
      due()
      // Who waits for it hears of a failure.
      await waiting?.done.catch(() => {})
    },
  }
}
