import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import { isPublic, parseAddress } from 'holdfast/network'
import { RequestFilteringHttpAgent, RequestFilteringHttpsAgent } from 'request-filtering-agent'

/** Where connections may go. */
export interface Reach {
  /** Also to private, loopback and link-local addresses. */
  readonly allowPrivate: boolean
  /** Instead of the system's resolver. */
  readonly lookup?: LookupFunction | undefined
  /** Certificates (PEM) of the authorities that receivers are checked against. */
  readonly ca?: string | undefined
}

export const REFUSED_ADDRESS = 'It leads to an address that is not public. Set allowPrivate.'

const REFUSED_CODE = 'ERR_ADDRESS_REFUSED'

/**
 * Agents that connect to the very address that was looked at, so that no second answer of a name
 * server counts. They refuse what is not unicast; ours refuses in addition what is outside of the
 * public ranges, `::/96` among them, which the agents take for unicast.
 */
export function filteringAgents({ allowPrivate, ca }: Reach): {
  readonly http: RequestFilteringHttpAgent
  readonly https: RequestFilteringHttpsAgent
} {
  const options = { allowPrivateIPAddress: allowPrivate, keepAlive: false }
  return {
    http: new RequestFilteringHttpAgent(options),
    https: new RequestFilteringHttpsAgent({ ...options, ...(ca === undefined ? {} : { ca }) }),
  }
}

/** A host that is an address itself is never looked up: this judges it. */
export function isRefusedHost(host: string, { allowPrivate }: Reach): boolean {
  const bare = host.replace(/^\[|\]$/g, '')
  return isIP(bare) !== 0 && !allowPrivate && !isPublicAddress(bare)
}

/** Fails with a code of its own where one of a name's addresses is refused. */
export function filteredLookup({ allowPrivate, lookup = systemLookup }: Reach): LookupFunction {
  return (host, options, done) => {
    lookup(host, options, (error, address, family) => {
      const all =
        typeof address === 'string' ? [address] : (address ?? []).map((one) => one.address)
      if (error !== null) done(error, address, family)
      // Node takes an answer without addresses for one that has some.
      else if (all.length === 0) done(failure('ENOTFOUND', 'It has no address.'), '', 4)
      else if (allowPrivate || all.every(isPublicAddress)) done(null, address, family)
      else done(failure(REFUSED_CODE, REFUSED_ADDRESS), '', 4)
    })
  }
}

/** A TCP connection within the reach; nodemailer has no filter of its own. */
export function connectWithin(
  reach: Reach,
  {
    host,
    port,
    signal,
  }: { readonly host: string; readonly port: number; readonly signal: AbortSignal },
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (isRefusedHost(host, reach)) {
      reject(failure(REFUSED_CODE, REFUSED_ADDRESS))
      return
    }
    const { http } = filteringAgents(reach)
    const options = { host, port, lookup: filteredLookup(reach), signal }
    const socket = http.createConnection(options) as Socket
    // It stays: whoever takes the socket over listens only a moment later.
    socket.on('error', reject)
    socket.once('connect', () => resolve(socket))
  })
}

/** What to tell of a connection that failed: a code at most, which names nothing. */
export function connectionProblem(error: unknown): string {
  if (isRefusal(error)) return REFUSED_ADDRESS
  const code = codeOf(error)
  if (code === 'ABORT_ERR') return 'It did not answer in time.'
  return `It cannot be reached${code === undefined ? '' : ` (${code})`}.`
}

/** Whether the address was refused, by us or by the agent, whose errors have no code. */
export function isRefusal(error: unknown): boolean {
  if (codeOf(error) === REFUSED_CODE) return true
  return codeOf(error) === undefined && error instanceof Error && /IP address/.test(error.message)
}

function failure(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code })
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

function isPublicAddress(text: string): boolean {
  const address = parseAddress(text)
  return address !== undefined && isPublic(address)
}
