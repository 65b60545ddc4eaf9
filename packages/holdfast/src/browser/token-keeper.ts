import type { Fetch, PageWindow } from './page.ts'
import { jittered, type RefreshOutcome, refresh } from './refresh.ts'
import { type PageToken, type TabMessage, tabs } from './tabs.ts'

/** The one token of a page, and how it is replaced. */
export interface TokenKeeper {
  /** A live token, or why there is none. */
  wanted(): Promise<RefreshOutcome>
  /** Tells that a service refused this token. */
  reject(token: PageToken): void
  renew(): Promise<RefreshOutcome>
  forget(): void
  close(): void
}

export interface KeeperOptions {
  readonly url: string
  readonly send: Fetch
  readonly page: PageWindow
  readonly onLoggedOut: () => void
}

/** A token is not used in its last moments, because it would expire on its way, ms. */
const SPARE_MS = 2000

/** How long other tabs have to answer, ms. */
const ANSWER_MS = 100

/** Pause between the rounds of tries during an outage, ms. */
const PAUSE_MS = 10_000

/** A token is replaced after 53 % to 80 % of its life. */
const DUE = 0.8

export function tokenKeeper({ url, send, page, onLoggedOut }: KeeperOptions): TokenKeeper {
  const others = tabs(`holdfast:${url}`, hear, page)
  const closing = new AbortController()
  let kept: PageToken | undefined
  let due = 0
  let rejected: string | undefined
  /** Used since it came. Only then is it replaced before somebody asks. */
  let used = false
  let out = false
  let logouts = 0
  /** When the last of them was, ms of this device's clock, as the times of tokens. */
  let left = Number.NEGATIVE_INFINITY
  let failure: { readonly outcome: RefreshOutcome; readonly until: number } | undefined
  let flight: Promise<RefreshOutcome> | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let answered: () => void = () => {}

  function keep(token: PageToken): void {
    kept = token
    due = token.from + jittered((token.until - token.from) * DUE)
    used = false
    out = false
    failure = undefined
    plan(due)
    answered()
  }

  function leave(): void {
    logouts++
    left = Date.now()
    kept = undefined
    failure = undefined
    clearTimeout(timer)
    if (out) return
    out = true
    onLoggedOut()
  }

  function plan(at: number): void {
    clearTimeout(timer)
    // A browser may round a timer down, and it must not run before `at`.
    const wait = Math.ceil(at - Date.now()) + 1
    timer = setTimeout(() => {
      failure = undefined
      if (used) void obtain()
    }, wait)
  }

  function fresh(): PageToken | undefined {
    return kept !== undefined && kept.token !== rejected && Date.now() < due ? kept : undefined
  }

  function hear(message: TabMessage): void {
    switch (message.kind) {
      case 'ask': {
        const token = fresh()
        if (token !== undefined) others.tell({ kind: 'token', ...token })
        break
      }
      case 'out':
        leave()
        break
      case 'token': {
        const { token, from, until } = message
        // A tab that has not heard of the logout yet may still answer with the token from before.
        if (from <= left || token === rejected) break
        if (until > (fresh()?.until ?? 0)) keep({ token, from, until })
        break
      }
    }
  }

  /** One refresh at a time: `flight` sees to that in this tab, the lock among the tabs. */
  function obtain(ask: () => Promise<RefreshOutcome> = replaced): Promise<RefreshOutcome> {
    if (failure !== undefined && Date.now() < failure.until) return Promise.resolve(failure.outcome)
    flight ??= others.alone(ask).finally(() => {
      flight = undefined
    })
    return flight
  }

  /** Another tab may have a newer token already. */
  async function replaced(): Promise<RefreshOutcome> {
    if (fresh() === undefined && others.tell({ kind: 'ask' })) {
      await new Promise<void>((resolve) => {
        answered = resolve
        setTimeout(resolve, ANSWER_MS)
      })
    }
    const theirs = fresh()
    return theirs === undefined ? refreshed() : { kind: 'token', token: theirs }
  }

  async function refreshed(): Promise<RefreshOutcome> {
    const before = logouts
    const outcome = await refresh({ url, send, page })
    if (logouts !== before || closing.signal.aborted) return { kind: 'out' }
    switch (outcome.kind) {
      case 'token':
        keep(outcome.token)
        others.tell({ kind: 'token', ...outcome.token })
        break
      case 'out':
        others.tell({ kind: 'out' })
        leave()
        break
      case 'failed':
        failure = { outcome, until: Date.now() + jittered(PAUSE_MS) }
        if (used) plan(failure.until)
        break
      case 'refused':
        break // the next use of a token asks again
    }
    return outcome
  }

  /** A person is back at the page, or the network is. */
  function wake(): void {
    if (page.document?.visibilityState === 'hidden' || kept === undefined) return
    failure = undefined
    if (fresh() === undefined) void obtain()
  }

  const { signal } = closing
  others.open()
  for (const type of ['online', 'focus']) page.addEventListener?.(type, wake, { signal })
  page.document?.addEventListener?.('visibilitychange', wake, { signal })
  page.addEventListener?.('pagehide', others.close, { signal })
  page.addEventListener?.(
    'pageshow',
    () => {
      others.open()
      wake()
    },
    { signal },
  )

  return {
    async wanted() {
      used = true
      const token = kept
      const usable = token !== undefined && token.token !== rejected
      if (usable && Date.now() < token.until - SPARE_MS) {
        if (Date.now() >= due) void obtain()
        return { kind: 'token', token }
      }
      const outcome = await obtain()
      used = true
      return outcome
    },

    reject({ token }) {
      rejected = token
    },

    async renew() {
      await flight // it began before the change that the new token is for
      failure = undefined
      return obtain(refreshed)
    },

    forget() {
      others.tell({ kind: 'out' })
      leave()
    },

    close() {
      closing.abort()
      clearTimeout(timer)
      others.close()
      kept = undefined
    },
  }
}
