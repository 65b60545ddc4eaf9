import type { HeaderLookup, HeaderPair, Refusal } from 'holdfast/gateway'
import type { ForwardedReading } from './forwarded.ts'

/** The parts of a gateway's request that report the client's request. */
export interface Ask {
  readonly method: string
  /** What follows the endpoint and the operator's options in the URL. */
  readonly rest: string
  readonly header: HeaderLookup
}

/** How one kind of gateway reports a request and wants to be answered. */
export interface Dialect {
  readonly name: 'forward-auth' | 'auth-request' | 'ext-authz'
  /** The operator's options are a path segment, not the query. The client's path follows. */
  readonly prefix?: true
  read(ask: Ask): ForwardedReading
  /** Further headers of an answer that lets the request pass. */
  allow?(ask: Ask): readonly HeaderPair[]
  /** The refusal for a gateway that understands fewer statuses. */
  refuse?(refusal: Refusal): Refusal
}
