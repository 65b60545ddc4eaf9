import type { Carrier } from '../../carriers/carrier.ts'
import { crossSiteGate, type ForeignRequest, foreignTo, isSafeMethod } from '../../carriers/csrf.ts'
import type { Code } from '../../core/errors.ts'
import { type ClientAddress, clientAddressResolver } from '../../network/client-address.ts'
import { isLoopbackHost } from '../../network/loopback.ts'
import { addressWatch } from './address-watch.ts'
import { isPlainDevelopment, plainOnes } from './development.ts'
import { type HttpFacts, single } from './http-request.ts'
import type { GuardOptions } from './options.ts'
import type { Warn } from './warnings.ts'

/** The checks of a request that need neither the engine nor a session. */
export interface EntryChecks {
  /**
   * Checks HTTPS, that one carrier brings one token, and the cross-site gate, in this order.
   * `from`: in place of the gate, the one origin whose page has sent the request.
   */
  readToken(facts: HttpFacts, from?: string): TokenRead
  /**
   * The same checks for a request that need not bring a token, such as a login. Undefined when the
   * request may go on.
   */
  checkRequest(facts: HttpFacts, from?: string): EntryRefusal | undefined
  /** The client's address and TLS fingerprint, as trusted proxies report them. */
  clientOf(facts: HttpFacts): Client
  /** The one token that came, unchecked. Undefined: none, or several. */
  tokenIn(facts: HttpFacts): string | undefined
  /**
   * The carrier by which new tokens reach this client: one that stands in for `carrier` where
   * somebody develops in a browser that keeps no `Secure` cookies.
   */
  deliveryCarrier(facts: HttpFacts, carrier: Carrier | undefined): Carrier | undefined
  /** Whether that is so: a cookie for this client has to come without `Secure` there. */
  dropsSecure(facts: HttpFacts): boolean
  /** The origin that the request was sent to. */
  originOf(facts: HttpFacts): string | undefined
}

/** Where a request comes from: the address, the scheme, and the TLS fingerprint. */
type Client = Pick<ClientAddress, 'ip' | 'https' | 'tls'>

/** Why a request is refused before anything is known of its session. */
export interface EntryRefusal {
  readonly code: Code
  /** For `cross_site_request`. */
  readonly foreign?: ForeignRequest
}

/** The token of a request, or why the request is refused. */
export type TokenRead =
  | {
      readonly ok: true
      readonly ip: string | null
      readonly tls: string | null
      readonly token: string
      readonly carrier: Carrier
    }
  | (EntryRefusal & {
      readonly ok: false
      readonly ip: string | null
      readonly carrier?: Carrier
    })

/** Throws `config_invalid` for proxies, headers or origins that make no sense. */
export function entryChecks(
  options: Pick<GuardOptions, 'address' | 'origins' | 'sameSite'>,
  carriers: readonly Carrier[],
  warn: Warn,
): EntryChecks {
  const gate = crossSiteGate(options)
  const resolve = clientAddressResolver(options.address)
  const watch = addressWatch(options.address, warn)
  const plain = plainOnes(carriers)

  function clientOf({ person, peer, header }: HttpFacts): Client {
    return person ?? resolve(peer, header)
  }

  /** What the operator should know of the way that a request came. A person's was seen before. */
  function watched(facts: HttpFacts, ip: Client['ip']): void {
    if (facts.person === undefined) watch(facts, ip)
  }

  /** Browsers that drop `Secure` cookies are looked for where no carrier has brought a token. */
  function tokenOf(facts: HttpFacts, https: boolean | null): Carried {
    const carried = readCarriers(carriers, facts)
    if (carried !== MISSING || plain.length === 0) return carried
    const client = { host: hostOf(facts), https }
    return isPlainDevelopment(facts, client, 'read') ? readCarriers(plain, facts) : carried
  }

  function foreignRequest(
    facts: HttpFacts,
    https: boolean | null,
    from: string | undefined,
  ): EntryRefusal | undefined {
    const { header } = facts
    const { method } = facts.person ?? facts
    const foreign =
      from === undefined || isSafeMethod(method)
        ? gate({ method, header, ownOrigin: () => ownOrigin(facts, https) })
        : foreignTo(from, header)
    return foreign === undefined ? undefined : { code: 'cross_site_request', foreign }
  }

  function dropsSecure(facts: HttpFacts): boolean {
    const { https } = clientOf(facts)
    return isPlainDevelopment(facts, { host: hostOf(facts), https }, 'issue')
  }

  return {
    dropsSecure,

    readToken(facts, from) {
      const { ip, https, tls } = clientOf(facts)
      if (!mayCarryTokens(facts, https)) return { ok: false, ip, code: 'https_required' }
      const carried = tokenOf(facts, https)
      if (!carried.ok) return { ...carried, ip }
      const { carrier, token } = carried
      watched(facts, ip)
      const refused = carrier.ambient ? foreignRequest(facts, https, from) : undefined
      return refused === undefined
        ? { ok: true, ip, tls, token, carrier }
        : { ok: false, ip, ...refused }
    },

    checkRequest(facts, from) {
      const { https } = clientOf(facts)
      if (!mayCarryTokens(facts, https)) return { code: 'https_required' }
      const ambient = carriers.some((carrier) => carrier.ambient)
      return ambient ? foreignRequest(facts, https, from) : undefined
    },

    clientOf(facts) {
      const client = clientOf(facts)
      watched(facts, client.ip)
      return client
    },

    deliveryCarrier(facts, carrier) {
      const standIn = carrier?.plain
      if (standIn === undefined || !dropsSecure(facts)) return carrier
      warn('plainCookie')
      return standIn
    },

    originOf: (facts) => ownOrigin(facts, clientOf(facts).https),
    tokenIn(facts) {
      const carried = tokenOf(facts, clientOf(facts).https)
      return carried.ok ? carried.token : undefined
    },
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
  return isSecure(facts, proxied) || isLoopbackHost(hostOf(facts) ?? '')
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

/** HTTP/2 has `:authority` in place of Host (RFC 9113, section 8.3.1). */
function hostOf(facts: HttpFacts): string | undefined {
  return single(facts, 'host') ?? single(facts, ':authority')
}
