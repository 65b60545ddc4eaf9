import type { HeaderLookup, HeaderPair, Refusal } from 'holdfast/gateway'
import type { Read } from './said.ts'

/** What a gateway asked: of its own request, the parts that say something about the client's. */
export interface Ask {
  readonly method: string
  /** What stands behind the endpoint and the operator's options in the address. */
  readonly rest: string
  readonly header: HeaderLookup
}

/** How one kind of gateway tells of a request and wants to be answered. */
export interface Dialect {
  readonly name: 'forward-auth' | 'auth-request' | 'ext-authz'
  /** The operator's options are a segment of the path, not the query: what follows is the client's path. */
  readonly prefix?: true
  read(ask: Ask): Read
  /** More headers of an answer that lets pass. */
  allow?(ask: Ask): readonly HeaderPair[]
  /** A refusal in the terms of a gateway that knows fewer of them. */
  refuse?(refusal: Refusal): Refusal
}
