import { described, flag, list, nullable, object, text } from './describe.ts'

/** How a request arrived at the service. */
export interface Arrival {
  /** The address of the socket, or of the PROXY header; null for a unix socket. */
  readonly peer: string | null
  /** The peer is one of the proxies whose word counts. */
  readonly peerTrusted: boolean
  /** Who the client is taken to be. */
  readonly address: string | null
  /** What told of a client, whether it counted or not. */
  readonly headers: readonly ToldHeader[]
}

/** A header in which proxies tell of a client. */
export interface ToldHeader {
  readonly name: string
  readonly value: string
  /** A proxy wrote it whose word counts, in the header that is configured. */
  readonly believed: boolean
}

/** Answer about the request itself. */
export const arrival = object<Arrival>('Arrival', {
  peer: described(nullable(text()), 'Of the socket, or of the PROXY header'),
  peerTrusted: described(flag, 'Whether it is one of `trustedProxies`'),
  address: described(nullable(text()), 'Who the client is taken to be'),
  headers: list(object<ToldHeader>('ToldHeader', { name: text(), value: text(), believed: flag })),
})
