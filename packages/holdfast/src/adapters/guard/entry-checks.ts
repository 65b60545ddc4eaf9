import type { Carrier } from '../../carriers/carrier.ts'
import { cookie } from '../../carriers/cookie.ts'
import { crossSiteGate } from '../../carriers/csrf.ts'
import type { Code } from '../../core/errors.ts'
import { type ClientAddress, clientAddressResolver } from '../../network/client-address.ts'
import { type HttpFacts, single } from './http-request.ts'
import type { GuardOptions } from './options.ts'

/** What a request brought through the door, before anybody has looked at the token itself. */
export type Entered =
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

/** Reads and checks requests without asking the engine. */
export interface Entrance {
  /** HTTPS, one token by one carrier, no other site behind it: in this order. */
  enter(facts: HttpFacts): Entered
  /** The same checks for a request that need not bring a token, as a login: undefined when nothing speaks against it. */
  refuses(facts: HttpFacts): Code | undefined
  /** What trusted proxies say of the client. */
  clientOf(facts: HttpFacts): Pick<ClientAddress, 'ip' | 'tls'>
  originOf(facts: HttpFacts): string | undefined
}

/** Everything about a request that can be refused without reading a session. */
export function entrance(options: GuardOptions): Entrance {
  const carriers = options.carriers ?? [cookie()]
  const passesGate = crossSiteGate(options)
  const resolve = clientAddressResolver(options.address)

  function isOwnRequest(facts: HttpFacts, https: boolean | null): boolean {
    const { method, header } = facts
    return passesGate({ method, header, ownOrigin: () => ownOrigin(facts, https) })
  }

  return {
    enter(facts) {
      const { ip, https, tls } = resolve(facts.peer, facts.header)
      if (!mayCarryTokens(facts, https)) return { ok: false, ip, code: 'https_required' }
      const carried = carriedBy(carriers, facts)
      if (!carried.ok) return { ...carried, ip }
      const { carrier, token } = carried
      if (carrier.ambient && !isOwnRequest(facts, https)) {
        return { ok: false, ip, code: 'cross_site_request' }
      }
      return { ok: true, ip, tls, token, carrier }
    },

    refuses(facts) {
      const { https } = resolve(facts.peer, facts.header)
      if (!mayCarryTokens(facts, https)) return 'https_required'
      const ambient = carriers.some((carrier) => carrier.ambient)
      return ambient && !isOwnRequest(facts, https) ? 'cross_site_request' : undefined
    },

    clientOf: (facts) => resolve(facts.peer, facts.header),
    originOf: (facts) => ownOrigin(facts, resolve(facts.peer, facts.header).https),
  }
}

type CarriedBy =
  | { readonly ok: true; readonly token: string; readonly carrier: Carrier }
  | { readonly ok: false; readonly code: Code; readonly carrier?: Carrier }

/** By several carriers at once is as ambiguous as twice by one. */
function carriedBy(carriers: readonly Carrier[], { header }: HttpFacts): CarriedBy {
  let found: CarriedBy = { ok: false, code: 'token_missing' }
  for (const carrier of carriers) {
    const carried = carrier.read(header)
    if (!carried.ok && carried.code === 'token_missing') continue
    if (found.ok || found.code !== 'token_missing') return { ok: false, code: 'token_duplicated' }
    found = { ...carried, carrier }
  }
  return found
}

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
