import { type HttpFacts, single } from './guard/http-request.ts'

const HOST = /^(\[[0-9a-f:.]{2,45}\]|[\w.-]{1,253})(?::\d{1,5})?$/i
const LOOPBACK = /^(?:localhost|(?:[\w-]{1,63}\.){1,8}localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i

/**
 * Whether a token may travel on this request: over HTTPS, or to a loopback host, where browsers treat plain HTTP as
 * trustworthy. The proxy's word, when a trusted one gave it, counts before the own socket: TLS behind a proxy that
 * took plain HTTP protects nobody. The host is the client's claim, but a lie here gives away only the liar's own token.
 */
export function mayCarryTokens(facts: HttpFacts, proxied: boolean | null): boolean {
  return isSecure(facts, proxied) || LOOPBACK.test(hostName(facts) ?? '')
}

/** The origin that the request was sent to, after its own Host; undefined for a Host that is none. */
export function ownOrigin(facts: HttpFacts, proxied: boolean | null): string | undefined {
  const host = hostOf(facts)
  if (host === undefined || !HOST.test(host)) return undefined
  const scheme = isSecure(facts, proxied) ? 'https' : 'http'
  const url = `${scheme}://${host}`
  return URL.canParse(url) ? new URL(url).origin : undefined
}

function isSecure({ encrypted }: HttpFacts, proxied: boolean | null): boolean {
  return proxied ?? encrypted
}

function hostName(facts: HttpFacts): string | undefined {
  return HOST.exec(hostOf(facts) ?? '')?.[1]
}

/** HTTP/2 has `:authority` in place of Host (RFC 9113, section 8.3.1). */
function hostOf(facts: HttpFacts): string | undefined {
  return single(facts, 'host') ?? single(facts, ':authority')
}
