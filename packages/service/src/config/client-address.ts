import type { ClientAddressOptions, ForwardingHeader } from 'holdfast/network'
import { z } from 'zod'

const PORT = ':port'

/** Whoever connects to a unix socket, among the peers that send a PROXY header. */
export const UNIX_PEERS = 'unix'

/** The name of a header in which proxies name the client. */
export const addressHeader = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,63}(?::port)?$/,
    'must be a header name in lower case, with :port behind it where one follows the address',
  )
  .refine(
    (text) => !/^(?:x-forwarded-for|forwarded):/.test(text),
    'is a list, of which ports are read anyway',
  )

/** Whose word about the client counts, and where it is written. */
export function clientAddressOptions({
  trustedProxies,
  addressHeader,
}: {
  readonly trustedProxies: readonly string[]
  readonly addressHeader: string
}): ClientAddressOptions {
  if (trustedProxies.length === 0) return {}
  return { trust: { proxies: trustedProxies }, header: headerOf(addressHeader) }
}

function headerOf(text: string): ForwardingHeader {
  if (text === 'x-forwarded-for' || text === 'forwarded') return text
  if (!text.endsWith(PORT)) return { single: text }
  return { single: text.slice(0, -PORT.length), port: true }
}
