/**
 * Gathers the work of one turn of the event loop and does it back to back at the turn's end. The
 * first crypto call after parsing and system calls runs on cold caches and costs several times what
 * the next one does.
 */
export function batchQueue<Item>(work: (item: Item) => void): (item: Item) => void {
  let waiting: Item[] = []

  function drain(): void {
    const items = waiting
    waiting = []
    for (const item of items) {
      try {
        work(item)
      } catch (error) {
        // Thrown on its own, so that the rest of the batch goes on.
        atEndOfTurn(() => {
          throw error
        })
      }
    }
  }

  return (item) => {
    if (waiting.push(item) === 1) atEndOfTurn(drain)
  }
}

/** The same as a promise, which resolves when the caller's work is due. */
export function batchGate(): () => Promise<void> {
  const enqueue = batchQueue<() => void>((resolve) => resolve())
  return () => new Promise(enqueue)
}

/** Not every runtime that speaks Fetch has `setImmediate`. */
function atEndOfTurn(run: () => void): void {
  if (typeof setImmediate === 'function') setImmediate(run)
  else setTimeout(run, 0)
}
