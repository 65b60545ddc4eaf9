/** Longer than any machine takes: it ends only a test that hangs. */
const PATIENCE_MS = 60_000
const TRY_AGAIN_MS = 20

/**
 * Asks until there is an answer other than `false` and `undefined`, and returns it: for servers and
 * processes, whose time cannot be moved. `what` is told when it never comes.
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
): Promise<Exclude<T, false | undefined>> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const answer = await ask()
    if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>
    if (performance.now() > deadline) throw new Error(`${what}: not within ${PATIENCE_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS))
  }
}
