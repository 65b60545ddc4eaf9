import { setTimeout } from 'node:timers/promises'
import { SessionError, type Sessions } from 'holdfast'
import { eventLog, subjectKeys, tokenIntrospector } from 'holdfast/maintenance'
import {
  addressSet,
  clientAddressResolver,
  forwardingHeaders,
  parseAddress,
  parseCidr,
} from 'holdfast/network'
import { adminActs } from '../api/admin-acts.ts'
import { NO_AUDIT } from '../api/audit-parts.ts'
import { callersOf } from '../api/callers.ts'
import type { ApiParts } from '../api/parts.ts'
import { requestListener } from '../api/request-listener.ts'
import { clientAddressOptions } from '../config/client-address.ts'
import type { Config } from '../config/schema.ts'
import { sessionCookies } from './cookies.ts'
import { engineOf } from './engine.ts'
import { gateOpeners } from './gates.ts'
import { guessEvents } from './guess-events.ts'
import { type GuessLimits, guessLimits } from './guess-limits.ts'
import { listen } from './listener.ts'
import { type Listeners, openListeners } from './listeners.ts'
import { flatLog } from './log.ts'
import { type ManagementParts, managementAnswer } from './management.ts'
import type { Metrics } from './metrics.ts'
import { noticePage } from './notice-page.ts'
import { ownTokens } from './own-tokens.ts'
import { proxiedAs } from './proxy-protocol.ts'
import { openResources, type ResourceOptions, type Resources } from './resources.ts'
import { sampledWarnings } from './sampled-log.ts'
import { type Shedding, shedding } from './shedding.ts'
import { ownProcess } from './uncaught.ts'

/** A service that runs. */
export interface Service {
  readonly url: string
  /** Undefined where another process has it. */
  readonly managementUrl: string | undefined
  /** Where gateways ask; `unix:` and a path for a socket. Undefined where it is off. */
  readonly gateUrl: string | undefined
  /** Where Envoy asks over gRPC. */
  readonly grpcAddress: string | undefined
  /**
   * `/readyz` fails at once, while requests are still served for `drain`. Then no connection is
   * accepted, requests in flight finish (at most `stopTimeout`), and the store is closed.
   * Idempotent.
   */
  close(): Promise<void>
}

/** What the management listener of another process asks of a service. */
export interface Managed extends ManagementParts {
  readonly metrics: Metrics
}

export interface ServiceOptions extends ResourceOptions {
  /** Silence on an event stream that a heartbeat breaks, ms (default 15 s). */
  readonly heartbeatMs?: number
  /**
   * The process is this service and nothing else: what nobody caught is told in its log, and more
   * requests than it can answer are answered 503.
   */
  readonly ownsProcess?: boolean
  /** Another process has the management listener, and asks this one for what it answers. */
  readonly manage?: (parts: Managed) => void
}

const HEARTBEAT_MS = 15_000
const MANAGEMENT_CLOSE_MS = 1_000

/**
 * Starts the session authority: store, key ring, geo data, engine, API and management listener.
 * Throws `config_invalid` or `store_unavailable` when it cannot, with nothing left open.
 *
 * @example
 * const service = await startService(loadConfig({ env: process.env }))
 */
export async function startService(config: Config, options: ServiceOptions = {}): Promise<Service> {
  const resources = await openResources(config, options)
  const owned = options.ownsProcess ? ownedProcess(config, resources) : undefined
  let closing: Promise<void> | undefined

  try {
    const listeners = await openAll(config, {
      resources,
      heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS,
      isClosing: () => closing !== undefined,
      load: owned,
      manage: options.manage,
    })
    const { main, management, gate, grpc } = listeners
    const addresses = {
      url: main.url,
      managementUrl: management?.url,
      gateUrl: gate?.url,
      grpcAddress: grpc?.url,
    }
    resources.log.info(
      {
        url: main.url,
        management: management?.url,
        gate: gate?.url,
        grpc: grpc?.url,
        store: config.store.kind,
      },
      'listening',
    )
    return {
      ...addresses,
      close() {
        closing ??= closeAll(config, resources, listeners).finally(owned?.close)
        return closing
      },
    }
  } catch (cause) {
    await resources.close()
    owned?.close()
    throw cause
  }
}

/** Refuses what is more than the process can do. */
type Load = Pick<Shedding, 'guard' | 'sheds' | 'waited'>

/** What a service does that has a process to itself. */
function ownedProcess(
  { notices }: Config,
  { log, metrics, reconnect }: Resources,
): Omit<Shedding, 'share'> {
  const disown = ownProcess(log, reconnect)
  const { guard, sheds, waited, close } = shedding({
    onShed: metrics.shed,
    warn: sampledWarnings(log),
    noticePath: notices && new URL(notices.url).pathname,
  })
  return {
    guard,
    sheds,
    waited,
    close() {
      disown()
      close()
    },
  }
}

async function openAll(
  config: Config,
  {
    resources,
    heartbeatMs,
    isClosing,
    load,
    manage,
  }: {
    readonly resources: Resources
    readonly heartbeatMs: number
    readonly isClosing: () => boolean
    readonly load: Load | undefined
    readonly manage: ServiceOptions['manage']
  },
): Promise<Listeners> {
  const { metrics, log, ring, recorder, tracing } = resources
  const sessions = engineOf(config, resources)
  const { host } = resources
  const now = (): number => host.now()
  const warn = sampledWarnings(log, now)
  const guesses = guessLimits({
    limits: config,
    now,
    random: (size) => host.random(size),
    metrics,
    warn,
    onLimited: guessEvents({ recorder, now, warn }),
  })
  const requestTimeoutMs = config.requestTimeout
  const ready = readiness(resources, isClosing)
  const proxied = proxiedAs(config, log)
  const managed = { metrics, ready, warnings: ring.warnings }
  manage?.(managed)
  const guard: Shedding['guard'] = load?.guard ?? ((answer) => answer)
  const api = apiParts(config, { resources, sessions, guesses, heartbeatMs })
  const parts = { ...api, waited: load?.waited }
  return openListeners(config, {
    ...gateOpeners({
      ...{ sessions, config, metrics, log, now: host.now, guesses, recorder, proxied, guard },
      ...{ tracing, sheds: load?.sheds },
    }),
    management:
      manage === undefined
        ? (where) => listen(managementAnswer(managed), { where, requestTimeoutMs, proxied })
        : undefined,
    main: (where) => {
      const answer = guard(requestListener(parts))
      const traced = tracing?.serving(answer) ?? answer
      return listen(traced, { where, requestTimeoutMs, proxied })
    },
  })
}

async function closeAll(
  config: Config,
  { log, stop, close }: Resources,
  { management, ...listeners }: Listeners,
): Promise<void> {
  const serving = Object.values(listeners)
  log.info('stopping')
  for (const listener of serving) listener.drain()
  if (config.drain > 0) await setTimeout(config.drain)
  stop()
  await Promise.all(serving.map((listener) => listener.close(config.stopTimeout)))
  await close()
  await management?.close(MANAGEMENT_CLOSE_MS)
  log.info('stopped')
}

/**
 * Why this process cannot answer; undefined when it can: a mark was written to its store. Never
 * while it stops. What keeps it from answering is logged once.
 */
function readiness(
  { store, whereabouts, ring, revocations, log }: Resources,
  isClosing: () => boolean,
): () => Promise<string | undefined> {
  let told: string | undefined

  async function obstacle(): Promise<string | undefined> {
    try {
      // A mark is shared for a while. A store that hangs shows at the read.
      await Promise.all([store.proveWritable?.(), store.feed.head()])
      await ring.done()
      return revocations.ready() ? undefined : 'the feed of revocations is being read'
    } catch (error) {
      if (!(error instanceof SessionError)) {
        log.error({ err: error }, 'not ready')
        return 'there was a fault, which the log tells of'
      }
      return error.code === 'store_unavailable'
        ? `the store takes no writes: ${error.message} (${whereabouts()})`
        : error.message
    }
  }

  return async () => {
    if (isClosing()) return 'it is stopping'
    const why = await obstacle()
    if (why !== told && why !== undefined) log.warn({ why }, 'not ready')
    if (why === undefined && told !== undefined) log.info('ready again')
    told = why
    return why
  }
}

function apiParts(
  config: Config,
  {
    resources,
    sessions,
    guesses,
    heartbeatMs,
  }: {
    readonly resources: Resources
    readonly sessions: Sessions
    readonly guesses: GuessLimits
    readonly heartbeatMs: number
  },
): ApiParts {
  const {
    store,
    keys,
    host,
    log,
    metrics,
    revocations,
    recorder,
    audit,
    searches,
    stopping,
    tracing,
  } = resources
  const { keyring, signingKeys } = keys
  const now = (): number => host.now()
  return {
    sessions,
    events: eventLog({ store, keyring, onWarning: (message) => log.warn(message) }),
    acts: adminActs(recorder, now),
    audit: audit ?? { ...NO_AUDIT, ...(searches && { searches }) },
    notices: noticePage(config, { sessions, store, keyring, now, log }),
    now,
    inspector: tokenIntrospector({ store, keyring, host }),
    ownTokens: ownTokens(config, signingKeys, now),
    revocations,
    callers: callersOf(config.apiKeys),
    cookies: sessionCookies(config, now),
    subjectKey: subjectKeys(keyring),
    log,
    flatLog: flatLog(log),
    metrics,
    tracing,
    guesses,
    ...arrivalsOf(config),
    stopping,
    heartbeatMs,
  }
}

function arrivalsOf(config: Config): Pick<ApiParts, 'callerAddress' | 'arrivalOf'> {
  const options = clientAddressOptions(config)
  const resolve = clientAddressResolver(options)
  const proxies = addressSet(config.trustedProxies.flatMap((one) => parseCidr(one) ?? []))
  const believed = forwardingHeaders(options.header ?? 'x-forwarded-for')
  return {
    callerAddress: (peer, header) => resolve(peer, header).ip,
    arrivalOf(peer, header) {
      const address = parseAddress(peer ?? '')
      const trusted = address !== undefined && proxies.has(address)
      return { ip: resolve(peer, header).ip, trusted, believed }
    },
  }
}
