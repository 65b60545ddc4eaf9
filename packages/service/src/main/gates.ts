import type { Sessions, VerifiesNow } from 'holdfast'
import { gatewayGuard, type HeaderLookup } from 'holdfast/gateway'
import type { EventRecorder, NamedReasonOf } from 'holdfast/maintenance'
import { clientAddressResolver } from 'holdfast/network'
import type { Logger } from 'pino'
import { clientAddressOptions } from '../config/client-address.ts'
import type { Config } from '../config/schema.ts'
import type { Listen } from '../config/values.ts'
import { anybody, gatewaysOf } from '../gates/callers.ts'
import { type DecisionParts, decision } from '../gates/decide.ts'
import { type GateParts, gateHandler } from '../gates/gate.ts'
import { listenGrpc } from '../gates/grpc.ts'
import { optionsReader } from '../gates/options.ts'
import { gateReports } from '../gates/reports.ts'
import type { GuessLimits } from './guess-limits.ts'
import { type Listener, listen } from './listener.ts'
import type { Openers } from './listeners.ts'
import type { Metrics } from './metrics.ts'
import type { ProxyProtocol } from './proxy-protocol.ts'
import type { Shedding } from './shedding.ts'
import type { Tracing } from './tracing.ts'

/**
 * Gateways keep idle connections for up to a minute (nginx). A shorter wait here would close
 * connections under their requests.
 */
const KEEP_ALIVE_MS = 75_000

/** More than gateways take, so that the gateway answers a client that sends too much. */
const MAX_HEADER_BYTES = 65_536

export interface GatesNeed {
  readonly sessions: Sessions
  readonly config: Config
  readonly metrics: Metrics
  readonly log: Logger
  readonly now: () => number
  readonly guesses: GuessLimits
  readonly recorder: Pick<EventRecorder, 'tell'>
  readonly proxied?: ProxyProtocol | undefined
  readonly guard: Shedding['guard']
  /** For what does not come over HTTP. */
  readonly sheds?: Shedding['sheds'] | undefined
  readonly tracing?: Tracing | undefined
}

/** How the listeners for gateways are opened. */
export function gateOpeners(need: GatesNeed): Pick<Openers, 'gate' | 'grpc'> {
  const partsOf = gateParts(need)
  return {
    gate: (where) => {
      const answer = need.guard(gateHandler(partsOf(where)))
      return listen(need.tracing?.serving(answer) ?? answer, {
        where,
        requestTimeoutMs: need.config.requestTimeout,
        keepAliveMs: KEEP_ALIVE_MS,
        maxHeaderBytes: MAX_HEADER_BYTES,
        proxied: need.proxied,
      })
    },
    grpc: (where) => openGrpc({ ...partsOf(where), sheds: need.sheds }, where, need.proxied),
  }
}

function gateParts({
  sessions,
  config,
  metrics,
  log,
  now,
  guesses,
  recorder,
  tracing,
}: GatesNeed): (where: Listen) => GateParts {
  const { cookieName, cookieSameSite, cookiePartitioned } = config
  const { origins, gateTlsHeader, onBehalfSecret } = config
  const { loginUrl, stepUpUrl, refusedUrl } = config
  const address = clientAddressOptions(config)
  const addressOf = clientAddressResolver(address)
  const counted = countingVerify(sessions.verify, metrics)
  const { verify } = gatewayGuard(
    { ...sessions, verify: counted },
    {
      cookieName,
      cookie: { sameSite: cookieSameSite, partitioned: cookiePartitioned },
      origins,
      now,
      onWarning: (message) => log.warn(message),
      ...(loginUrl === undefined ? {} : { loginUrl }),
      ...(stepUpUrl === undefined ? {} : { stepUpUrl }),
      ...(refusedUrl === undefined ? {} : { refusedUrl }),
      ...(gateTlsHeader === undefined ? {} : { tlsHeader: gateTlsHeader }),
      ...(onBehalfSecret.length === 0 ? {} : { onBehalf: { secret: onBehalfSecret } }),
      address,
    },
  )
  const byKey = gatewaysOf(config.apiKeys, config.gatePeers)
  const shared = {
    decide: decision({
      verify,
      log,
      onRefused: refusalEvents(recorder, (peer, header) => addressOf(peer, header).ip),
      waitOf(code, { peer, header }) {
        return guesses.token({ code, ip: addressOf(peer, header).ip, caller: null })
      },
    }),
    guesses,
    readOptions: optionsReader(Object.keys(config.audiences)),
    reports: gateReports(metrics, log),
    cookieName,
    log,
    tracing,
  }
  return (where) => ({ ...shared, gatewayOf: 'path' in where ? anybody : byKey })
}

/**
 * Refusals before a token is looked at: the engine, which tells of all others, does not hear of
 * them. A request without any token is none.
 */
const UNHEARD: ReadonlySet<string> = new Set<NamedReasonOf<'request-refused'>>([
  'cross_site_request',
  'https_required',
  'token_duplicated',
  'headers_too_large',
])

/** Tells of clients that a gate refuses by itself (ASVS 16.3.3). */
function refusalEvents(
  { tell }: Pick<EventRecorder, 'tell'>,
  addressOf: (peer: string | undefined, header: HeaderLookup) => string | null,
): DecisionParts['onRefused'] {
  return (code, { method, url, peer, header }) => {
    if (!UNHEARD.has(code)) return
    const headers: Record<string, string> = {}
    for (const name of ['user-agent', 'x-request-id', 'traceparent']) {
      const value = header(name)
      if (typeof value === 'string') headers[name] = value
    }
    const request = { ip: addressOf(peer, header), method, url, headers }
    tell('request-refused', { actor: 'client', reason: code, request })
  }
}

/** The same verification, counted, and answered at once where it was before. */
function countingVerify(
  verify: Sessions['verify'] & VerifiesNow,
  metrics: Pick<Metrics, 'verified'>,
): Sessions['verify'] & VerifiesNow {
  const { now } = verify
  const counted: Sessions['verify'] = async (presented) => {
    const verification = await verify(presented)
    metrics.verified(verification)
    return verification
  }
  if (now === undefined) return counted
  return Object.assign(counted, {
    now(presented: Parameters<typeof now>[0]) {
      const verification = now(presented)
      if (verification !== undefined) metrics.verified(verification)
      return verification
    },
  })
}

/**
 * The gRPC gate as a listener. It answers calls while it drains, and finishes those in flight when
 * it closes.
 */
async function openGrpc(
  parts: GateParts,
  where: Listen,
  proxied: ProxyProtocol | undefined,
): Promise<Listener> {
  const { address, close } = await listenGrpc(parts, where, proxied)
  return { url: address, drain() {}, close }
}
