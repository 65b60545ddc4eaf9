/** Counts what happens in one turn of the event loop, at most, while `work` runs. */
export async function mostInOneTurn(
  work: (count: (done: number) => void) => Promise<unknown>,
): Promise<{ readonly most: number; readonly total: number }> {
  let most = 0
  let total = 0
  let inThisTurn = 0
  let over = false

  function nextTurn(): void {
    inThisTurn = 0
    if (!over) setImmediate(nextTurn)
  }

  nextTurn()
  await work((done) => {
    inThisTurn += done
    total += done
    most = Math.max(most, inThisTurn)
  })
  over = true
  return { most, total }
}
