import type { HeaderLookup } from '../core/request.ts'

/**
 * How a token travels. A carrier finds the token in requests and puts it into answers. It does not
 * judge the token.
 */
export interface Carrier {
  /**
   * The browser sends the token by itself, also when another site caused the request. Such requests
   * have to pass the cross-site gate first.
   */
  readonly ambient: boolean
  read(header: HeaderLookup): Carried
  /** A complete `Set-Cookie` value. Absent: answers cannot carry a token, and none is rotated. */
  deliver?(token: string, lifetime: DeliveredLifetime): string
  /** A complete `Set-Cookie` value that expires what the client has. */
  clear?(): string
  /**
   * Takes the place of this carrier where somebody develops over plain HTTP on their own machine,
   * in a browser that keeps no `Secure` cookies there. Absent: nothing does.
   */
  readonly plain?: Carrier
}

/**
 * What a request brought: one token of bounded size, or the code under which the request is
 * refused.
 */
export type Carried =
  | { readonly ok: true; readonly token: string }
  | {
      readonly ok: false
      readonly code: 'token_missing' | 'token_duplicated' | 'token_malformed' | 'headers_too_large'
    }

/** How long a delivered token may stay with the client. Instants are ms since the epoch. */
export interface DeliveredLifetime {
  /** The cookie survives the end of the browser. */
  readonly persistent: boolean
  /** The session's absolute deadline: no cookie outlives it. */
  readonly expiresAt: number
  readonly now: number
}
