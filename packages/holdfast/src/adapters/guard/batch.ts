/** What is done with an item of a batch, in two steps. */
export interface BatchSteps<Item, Judged> {
  judge(item: Item): Judged
  answer(item: Item, judged: Judged): void
}

/**
 * Gathers the work of one turn of the event loop and does it at the turn's end: judges all items,
 * then answers all, each in the order of arrival. The first crypto call after parsing, system calls
 * and handlers runs on cold caches and costs several times what the next one does.
 *
 * What a step throws for one item is thrown on its own, and the rest of the batch goes on.
 */
export function batchQueue<Item, Judged>({
  judge,
  answer,
}: BatchSteps<Item, Judged>): (item: Item) => void {
  let waiting: Item[] = []

  function drain(): void {
    const items = waiting
    waiting = []
    const judged: { readonly item: Item; readonly is: Judged }[] = []
    for (const item of items) {
      try {
        judged.push({ item, is: judge(item) })
      } catch (error) {
        throwAlone(error)
      }
    }
    for (const { item, is } of judged) {
      try {
        answer(item, is)
      } catch (error) {
        throwAlone(error)
      }
    }
  }

  return (item) => {
    if (waiting.push(item) === 1) atEndOfTurn(drain)
  }
}

/** The same as a promise, which resolves when the caller's work is due. */
export function batchGate(): () => Promise<void> {
  const enqueue = batchQueue<() => void, void>({
    judge() {},
    answer: (resolve) => resolve(),
  })
  return () => new Promise(enqueue)
}

function throwAlone(error: unknown): void {
  atEndOfTurn(() => {
    throw error
  })
}

/** Not every runtime that speaks Fetch has `setImmediate`. */
function atEndOfTurn(run: () => void): void {
  if (typeof setImmediate === 'function') setImmediate(run)
  else setTimeout(run, 0)
}
