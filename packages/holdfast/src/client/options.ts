/** Where the service is, and how to ask it. */
export interface ConnectOptions {
  /** Where the service listens, for example `http://127.0.0.1:4600`. */
  readonly url: string
  /** API key with the role `app`; `admin` too for `show` and `revoke` without an owner. */
  readonly key: string
  /** Longest wait for a whole answer, ms (default 2000, at most 60 000). */
  readonly timeoutMs?: number
  /** Asks by it instead of by the platform's HTTP client. */
  readonly fetch?: typeof fetch
}
