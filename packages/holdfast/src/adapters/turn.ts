/**
 * Gathers the requests of one turn of the event loop: all that wait go on in one drain, back to back. Between parsing and
 * system calls the first crypto call of a request runs on cold caches and costs several times what the next one does.
 */
export function turnBatcher(): () => Promise<void> {
  let turn: Promise<void> | undefined
  return () => {
    turn ??= new Promise((resolve) => {
      atEndOfTurn(() => {
        turn = undefined
        resolve()
      })
    })
    return turn
  }
}

/** Not every runtime that speaks Fetch has `setImmediate`. */
function atEndOfTurn(run: () => void): void {
  if (typeof setImmediate === 'function') setImmediate(run)
  else setTimeout(run, 0)
}
