import { randomBytes } from 'node:crypto'

/** What a thief took from the victim's browser, and what the shop has sent him since. */
export interface Loot {
  /** The session cookie, `name=value`. */
  readonly session: string
  /** The page's readable cookie with the client facts, `name=value`. */
  readonly facts: string | undefined
  /** Headers of the victim's browser, for a clone of it. */
  readonly headers: Readonly<Record<string, string>>
  /** Whose session it was, for the operator's view. */
  readonly sessionId: string
  /** Up to here the session's events were read. */
  readonly readUntil?: string
}

/** Keeps loot for the demonstration: in memory, at most 100 copies, an hour each. */
export interface Drawer {
  /** A new key under which to find it again. */
  put(loot: Loot): string
  get(key: string | undefined): Loot | undefined
  replace(key: string, loot: Loot): void
}

const MOST = 100
const KEEP_MS = 3_600_000
const KEY_BYTES = 16

export function drawer(now: () => number): Drawer {
  const kept = new Map<string, { readonly loot: Loot; readonly until: number }>()

  return {
    put: (loot) => {
      const oldest = kept.keys().next()
      if (kept.size >= MOST && !oldest.done) kept.delete(oldest.value)
      const key = randomBytes(KEY_BYTES).toString('base64url')
      kept.set(key, { loot, until: now() + KEEP_MS })
      return key
    },
    get: (key) => {
      const found = key === undefined ? undefined : kept.get(key)
      return found !== undefined && found.until > now() ? found.loot : undefined
    },
    replace: (key, loot) => {
      const found = kept.get(key)
      if (found !== undefined) kept.set(key, { ...found, loot })
    },
  }
}
