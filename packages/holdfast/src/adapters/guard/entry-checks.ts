import type { Carrier } from '../../carriers/carrier.ts'
import { crossSiteGate } from '../../carriers/csrf.ts'
import type { Code } from '../../core/errors.ts'
import { type ClientAddress, clientAddressResolver } from '../../network/client-address.ts'
import { type HttpFacts, single } from './http-request.ts'
import type { GuardOptions } from './options.ts'

/** The checks of a request that need neither the engine nor a session. */
export interface EntryChecks {
  /** Checks HTTPS, that one carrier brings one token, and the cross-site gate, in this order. */
  readToken(facts: HttpFacts): TokenRead
  /**
   * The same checks for a request that need not bring a token, such as a login. Undefined when the
   * request may go on.
   */
  checkRequest(facts: HttpFacts): Code | undefined
  /** The client's address and TLS fingerprint, as trusted proxies report them. */
  clientOf(facts: HttpFacts): Pick<ClientAddress, 'ip' | 'tls'>
  /** The origin that the request was sent to. */
  originOf(facts: HttpFacts): string | undefined
}

/** The token of a request, or the code under which the request is refused. */
export type TokenRead =
  | {
      readonly ok: true
      readonly ip: string | null
      readonly tls: string | null
      readonly token: string
      readonly carrier: Carrier
    }
  | {
      readonly ok: false
      readonly ip: string | null
      readonly code: Code
      readonly carrier?: Carrier
    }

/** Throws `config_invalid` for proxies, headers or origins that make no sense. */
export function entryChecks(
  options: Pick<GuardOptions, 'address' | 'origins' | 'sameSite'>,
  carriers: readonly Carrier[],
): EntryChecks {
  const passesGate = crossSiteGate(options)
  const resolve = clientAddressResolver(options.address)

  function isOwnRequest(facts: HttpFacts, https: boolean | null): boolean {
    const { method, header } = facts
    return passesGate({ method, header, ownOrigin: () => ownOrigin(facts, https) })
  }

  return {
    readToken(facts) {
      const { ip, https, tls } = resolve(facts.peer, facts.header)
      if (!mayCarryTokens(facts, https)) return { ok: false, ip, code: 'https_required' }
      const carried = readCarriers(carriers, facts)
      if (!carried.ok) return { ...carried, ip }
      const { carrier, token } = carried
      if (carrier.ambient && !isOwnRequest(facts, https)) {
        return { ok: false, ip, code: 'cross_site_request' }
      }
      return { ok: true, ip, tls, token, carrier }
    },

    checkRequest(facts) {
      const { https } = resolve(facts.peer, facts.header)
      if (!mayCarryTokens(facts, https)) return 'https_required'
      const ambient = carriers.some((carrier) => carrier.ambient)
      return ambient && !isOwnRequest(facts, https) ? 'cross_site_request' : undefined
    },

    clientOf: (facts) => resolve(facts.peer, facts.header),
    originOf: (facts) => ownOrigin(facts, resolve(facts.peer, facts.header).https),
  }
}

/**
 * Whether a token may travel on this request: over HTTPS, or to a loopback host, where browsers
 * treat plain HTTP as trustworthy.
 *
 * What a trusted proxy says counts before the own socket: TLS behind a proxy that took plain HTTP
 * protects nobody. The host is the client's claim, but a client that lies gives away only its own
 * token.
 */
export function mayCarryTokens(facts: HttpFacts, proxied: boolean | null): boolean {
  return isSecure(facts, proxied) || isLoopback(hostOf(facts) ?? '')
}

/** The origin that the request was sent to, by its Host; undefined for a Host that is malformed. */
export function ownOrigin(facts: HttpFacts, proxied: boolean | null): string | undefined {
  const host = hostOf(facts)
  if (host === undefined || !HOST.test(host)) return undefined
  const scheme = isSecure(facts, proxied) ? 'https' : 'http'
  const url = `${scheme}://${host}`
  return URL.canParse(url) ? new URL(url).origin : undefined
}

const HOST = /^(\[[0-9a-f:.]{2,45}\]|[\w.-]{1,253})(?::\d{1,5})?$/i
const LOOPBACK = /^(?:localhost|(?:[\w-]{1,63}\.){1,8}localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i

type Carried =
  | { readonly ok: true; readonly token: string; readonly carrier: Carrier }
  | { readonly ok: false; readonly code: Code; readonly carrier?: Carrier }

/** Tokens by several carriers are as ambiguous as two tokens by one. */
function readCarriers(carriers: readonly Carrier[], { header }: HttpFacts): Carried {
  let found: Carried = MISSING
  for (const carrier of carriers) {
    const carried = carrier.read(header)
    if (!carried.ok && carried.code === 'token_missing') continue
    if (found !== MISSING) return { ok: false, code: 'token_duplicated' }
    found = carried.ok
      ? { ok: true, token: carried.token, carrier }
      : { ok: false, code: carried.code, carrier }
  }
  return found
}

const MISSING: Carried = { ok: false, code: 'token_missing' }

function isSecure({ encrypted }: HttpFacts, proxied: boolean | null): boolean {
  return proxied ?? encrypted
}

function isLoopback(host: string): boolean {
  return LOOPBACK.test(HOST.exec(host)?.[1] ?? '')
}

/** HTTP/2 has `:authority` in place of Host (RFC 9113, section 8.3.1). */
function hostOf(facts: HttpFacts): string | undefined {
  return single(facts, 'host') ?? single(facts, ':authority')
}
