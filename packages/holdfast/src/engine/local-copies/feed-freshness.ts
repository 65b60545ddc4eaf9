import type { Feed, FeedEntry, Heartbeat, StopSignal, WatchOptions } from '../../core/feed.ts'
import type { Host } from '../../core/host.ts'

/** Whether this process knows of everything in the feed, up to a moment ago. */
export interface FeedFreshness {
  /** Whether that is so at this instant. Asking keeps the follower going. */
  holds(at: number): boolean
  /** Whether `apply` will hear of all that happens from now on, or `lost` be called. */
  follows(): boolean
}

export interface FeedFreshnessOptions {
  readonly feed: Feed
  readonly host: Host
  readonly apply: (entry: FeedEntry | Heartbeat) => void
  /** From now on something may be missed. */
  readonly lost: () => void
}

/** Events change no session. */
const WANTED: WatchOptions = { everyMs: 1_000, kinds: ['revoked', 'subject', 'changed'] }
const HEARD_WITHIN_MS = 3_000
/** After so long without a question the store is left alone. */
const UNUSED_MS = 60_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000

/**
 * Follows the feed while somebody asks. Only a heartbeat proves freshness: an entry may have waited
 * in a page for others. The heartbeat must be young by the host's clock and by the process's own,
 * which nobody sets. There is nothing to close: the follower ends with its store, or a minute after
 * the last question, and none of its timers keeps a process alive.
 */
export function feedFreshness({ feed, host, apply, lost }: FeedFreshnessOptions): FeedFreshness {
  let running = false
  let askedAt = 0
  let following = false
  /** By the host's clock, and by the process's own. */
  let heard = { at: 0, monotonic: 0 }
  let proven = false

  function unused(): boolean {
    return performance.now() - askedAt > UNUSED_MS
  }

  function forget(): void {
    following = false
    proven = false
    lost()
  }

  async function followOnce(): Promise<void> {
    const head = await feed.head()
    following = true
    for await (const entry of feed.watch(head, NEVER, WANTED)) {
      apply(entry)
      if (entry.kind !== 'heartbeat') continue
      heard = { at: host.now() - entry.ageMs, monotonic: performance.now() - entry.ageMs }
      proven = true
      if (unused()) return
    }
  }

  async function follow(): Promise<void> {
    running = true
    for (let pause = FIRST_PAUSE_MS; !unused(); pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        await followOnce()
      } catch {
        // Whatever it was: every request now reads the store, which reports its own faults.
      }
      if (proven) pause = FIRST_PAUSE_MS
      forget()
      if (!unused()) await new Promise((resolve) => setTimeout(resolve, pause).unref())
    }
    running = false
  }

  return {
    holds(at) {
      askedAt = performance.now()
      if (!running) void follow()
      if (!proven) return false
      const age = at - heard.at
      // A clock that was set back makes everything look younger than it is.
      return age >= 0 && age < HEARD_WITHIN_MS && askedAt - heard.monotonic < HEARD_WITHIN_MS
    },
    follows: () => following,
  }
}

const NEVER: StopSignal = {
  aborted: false,
  addEventListener() {},
  removeEventListener() {},
}
