/**
 * Gathers the work of one turn of the event loop and does it back to back at its end. Between parsing and system calls
 * the first crypto call of a request runs on cold caches and costs several times what the next one does.
 */
export function turnQueue<Item>(work: (item: Item) => void): (item: Item) => void {
  let waiting: Item[] = []

  function drain(): void {
    const items = waiting
    waiting = []
    for (const item of items) {
      try {
        work(item)
      } catch (error) {
        // as if it had been alone: the others of its turn have nothing to do with it
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

/** The same for who has a promise to wait for. */
export function turnBatcher(): () => Promise<void> {
  const enqueue = turnQueue<() => void>((resolve) => resolve())
  return () => new Promise(enqueue)
}

/** Not every runtime that speaks Fetch has `setImmediate`. */
function atEndOfTurn(run: () => void): void {
  if (typeof setImmediate === 'function') setImmediate(run)
  else setTimeout(run, 0)
}
