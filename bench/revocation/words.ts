/** What a process of this part says. */
export type RevocationWord =
  | { readonly kind: 'ready'; readonly url: string }
  | { readonly kind: 'refused'; readonly session: string; readonly at: number }
  | { readonly kind: 'failed'; readonly why: string }

/** Where the bare messages are published. */
export const BARE_CHANNEL = 'bench'

/** Runs as a child of the bench: says when it is ready, and why if it fails. */
export function child(run: () => Promise<string>): void {
  process.on('disconnect', () => process.exit())
  run().then(
    (url) => say({ kind: 'ready', url }),
    (error: unknown) =>
      say({ kind: 'failed', why: error instanceof Error ? error.message : String(error) }),
  )
}

export function say(word: RevocationWord): void {
  process.send?.(word)
}

/** One clock for all processes of this machine, ms. */
export function clock(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
