/**
 * The parts of a browser's window that are used. A page passes nothing: its own window is the
 * default.
 */
export interface PageWindow {
  readonly screen?: { readonly width: number; readonly height: number } | undefined
  readonly devicePixelRatio?: number | undefined
  readonly navigator?:
    | {
        readonly languages?: readonly string[]
        readonly platform?: string
        readonly userAgentData?: { readonly platform?: string }
        readonly maxTouchPoints?: number
        readonly locks?: LockManager
      }
    | undefined
  readonly document?: PageDocument | undefined
  readonly location?: PageLocation | undefined
  readonly BroadcastChannel?: typeof BroadcastChannel | undefined
  addEventListener?(type: string, listener: () => void, options?: { signal: AbortSignal }): void
}

/** Where the cookie is kept. */
export interface PageDocument {
  cookie: string
  readonly visibilityState?: string
  addEventListener?(type: string, listener: () => void, options?: { signal: AbortSignal }): void
}

/** Where a person is, and is sent. */
export interface PageLocation {
  readonly origin: string
  readonly pathname: string
  readonly search: string
  assign(url: string): void
}

/** The part of `fetch` that is wrapped. */
export type Fetch = (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>

export function ownWindow(): PageWindow {
  return globalThis
}

/** An address as the page means it: relative to where it is. */
export function absolute(
  input: RequestInfo | URL,
  { location }: Pick<PageWindow, 'location'>,
): RequestInfo | URL {
  return typeof input === 'string' && location !== undefined
    ? new URL(input, location.origin + location.pathname)
    : input
}
