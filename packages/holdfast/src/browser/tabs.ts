import type { PageWindow } from './page.ts'

/**
 * A token as tabs send it to each other, in messages and never in storage. Times are ms of this
 * device's clock.
 */
export interface PageToken {
  readonly token: string
  readonly from: number
  readonly until: number
}

/** What tabs of one site tell each other. */
export type TabMessage =
  | { readonly kind: 'ask' }
  | { readonly kind: 'out' }
  | ({ readonly kind: 'token' } & PageToken)

/** The other tabs of this site. There are none where the browser has no `BroadcastChannel`. */
export interface Tabs {
  /**
   * Runs in one tab at a time. It runs without the lock where the browser has no locks, or where
   * another tab holds the lock for too long.
   */
  alone<T>(run: () => Promise<T>): Promise<T>
  /** False while there is no channel to other tabs. */
  tell(message: TabMessage): boolean
  open(): void
  /** Closes the channel. A page with an open one cannot go into the back/forward cache. */
  close(): void
}

const LOCK_WAIT_MS = 10_000

export function tabs(
  name: string,
  hear: (message: TabMessage) => void,
  { navigator, BroadcastChannel }: PageWindow,
): Tabs {
  let channel: BroadcastChannel | undefined

  return {
    async alone(run) {
      const locks = navigator?.locks
      if (locks === undefined) return run()
      const signal = AbortSignal.timeout(LOCK_WAIT_MS)
      let ours = false
      const asked = locks.request(name, { signal }, () => {
        ours = true
        return run()
      })
      try {
        return await asked
      } catch (error) {
        if (ours) throw error
        return run() // waited too long, or has no locks: two at once do no harm
      }
    },

    tell(message) {
      channel?.postMessage(message)
      return channel !== undefined
    },

    open() {
      if (channel !== undefined || BroadcastChannel === undefined) return
      channel = new BroadcastChannel(name)
      channel.onmessage = ({ data }: { data: unknown }) => {
        if (isTabMessage(data)) hear(data)
      }
    },

    close() {
      channel?.close()
      channel = undefined
    },
  }
}

/** Another version of this module may run in another tab. */
function isTabMessage(data: unknown): data is TabMessage {
  if (typeof data !== 'object' || data === null || !('kind' in data)) return false
  if (data.kind === 'ask' || data.kind === 'out') return true
  return (
    data.kind === 'token' &&
    'token' in data &&
    typeof data.token === 'string' &&
    'from' in data &&
    typeof data.from === 'number' &&
    'until' in data &&
    typeof data.until === 'number'
  )
}
