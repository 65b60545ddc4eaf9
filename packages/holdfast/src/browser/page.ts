/**
 * The parts of a browser's window that this module uses. The default is the page's own window;
 * tests pass another.
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

/** The address of the page, and the way to another. */
export interface PageLocation {
  readonly origin: string
  readonly pathname: string
  readonly search: string
  assign(url: string): void
}

/** The part of `fetch` that this module wraps. */
export type Fetch = (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>

export function ownWindow(): PageWindow {
  return globalThis
}

/** The absolute address of what a page passes to `fetch`, which may be relative to the page. */
export function absolute(
  input: RequestInfo | URL,
  { location }: Pick<PageWindow, 'location'>,
): RequestInfo | URL {
  return typeof input === 'string' && location !== undefined
    ? new URL(input, location.origin + location.pathname)
    : input
}
