import { IncomingMessage } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import {
  createSessions,
  eventLog,
  type Host,
  SessionError,
  type SessionEvent,
  subjectKeys,
  systemHost,
  tokenInspector,
} from 'holdfast'
import { clientAddressResolver, geoLookup } from 'holdfast/network'
import type { DestinationStream } from 'pino'
import { createApi } from '../api/app.ts'
import { callersOf } from '../api/callers.ts'
import type { ApiParts } from '../api/parts.ts'
import { quickVerify } from '../api/quick-verify.ts'
import { revocationHub } from '../api/revocation-hub.ts'
import { lifetimesOf } from '../config/lifetimes.ts'
import { formatListen } from '../config/print.ts'
import { type Config, variableOf } from '../config/schema.ts'
import { sessionCookies } from './cookies.ts'
import { openGates } from './gates.ts'
import { ringCheck } from './keyring.ts'
import { openKeys } from './keys.ts'
import { type Listener, listen } from './listener.ts'
import { flatLog, logEvent, serviceLog } from './log.ts'
import { managementAnswer } from './management.ts'
import { serviceMetrics } from './metrics.ts'
import { ownTokens } from './own-tokens.ts'
import { policiesOf, policyOf } from './policy.ts'
import { openStore } from './store.ts'

/** A service that runs. */
export interface Service {
  readonly url: string
  readonly managementUrl: string
  /** Where gateways ask; `unix:` and a path for a socket. Undefined where it is off. */
  readonly gateUrl: string | undefined
  /** Where Envoy asks over gRPC. */
  readonly grpcAddress: string | undefined
  /**
   * Not ready at once, but serving for as long as `drain` says; then takes nothing new, finishes what is in flight (at
   * most `stopTimeout`), closes the store. Idempotent.
   */
  close(): Promise<void>
}

export interface ServiceOptions {
  /** Where the log goes; standard output unless said otherwise. */
  readonly log?: DestinationStream
  /** Clock and randomness of the engine. */
  readonly host?: Host
  /** Silence on an event stream that a heartbeat breaks, ms (default 15 s). */
  readonly heartbeatMs?: number
  /** How often the files of keys are looked at, ms (default 1 s). */
  readonly keysEveryMs?: number
}

const HEARTBEAT_MS = 15_000
const KEYS_EVERY_MS = 1_000
const MANAGEMENT_CLOSE_MS = 1_000

/**
 * Starts the session authority: store, key ring, geo data, engine, API and management listener.
 * Throws `config_invalid` or `store_unavailable` when it cannot, with nothing left open.
 *
 * @example
 * const service = await startService(loadConfig({ env: process.env }))
 */
export async function startService(config: Config, options: ServiceOptions = {}): Promise<Service> {
  const log = serviceLog(config.logLevel, options.log)
  const metrics = serviceMetrics()
  const host = options.host ?? systemHost()
  const now = (): number => host.now()
  const everyMs = options.keysEveryMs ?? KEYS_EVERY_MS
  const keys = openKeys(config, { log, metrics, now, everyMs })
  const { keyring, signingKeys, tokens } = keys
  const { store, close: closeStore } = await openStore(config, { log, now }).catch((error) => {
    keys.close()
    throw error
  })
  const geo = geoLookup({
    city: config.geoCity,
    asn: config.geoAsn,
    networks: config.networks,
    onProblem: ({ kind, file, message }) => log.warn({ kind, file }, message),
  })
  const ring = ringCheck({ store, keyring }, log)
  const stopping = new AbortController()
  const opened: Listener[] = []
  const revocations = revocationHub({
    feed: store.feed,
    now: () => host.now(),
    log,
    metrics,
    stopping: stopping.signal,
  })
  let closing: Promise<void> | undefined

  function onEvent(event: SessionEvent): void {
    metrics.happened(event)
    logEvent(log, event)
  }

  async function ready(): Promise<boolean> {
    if (closing !== undefined) return false
    try {
      await store.feed.head()
      await ring.done()
      return revocations.ready()
    } catch (error) {
      log.warn({ err: error }, 'not ready')
      return false
    }
  }

  async function release(): Promise<void> {
    stopping.abort()
    geo.close()
    keys.close()
    await closeStore()
  }

  try {
    await ring.done().catch((error: unknown) => {
      // Redis may be away at first; readiness asks again
      if (!(error instanceof SessionError && error.code === 'store_unavailable')) throw error
      log.warn({ err: error }, 'the key ring could not be compared with the store yet')
    })
    await revocations.opened
    const sessions = createSessions({
      store,
      keyring,
      host,
      policy: policyOf(config.policy),
      tenantPolicies: policiesOf(config.tenantPolicies),
      ...(config.shadowPolicy === undefined ? {} : { shadow: policyOf(config.shadowPolicy) }),
      lookup: geo.lookup,
      prefixes: { v4: config.prefixV4, v6: config.prefixV6 },
      ...lifetimesOf(config),
      ...(config.sessionLimit === undefined
        ? {}
        : { limit: { max: config.sessionLimit, beyond: config.sessionLimitBeyond } }),
      acrOrder: config.acrOrder,
      rotateEveryMs: config.rotateEvery,
      ...(tokens === undefined ? {} : { tokens }),
      localCopies: config.localCopies ? { onAsked: metrics.copyAsked } : false,
      onEvent,
    })
    const parts: ApiParts = {
      sessions,
      events: eventLog({ store, keyring, onWarning: (message) => log.warn(message) }),
      inspector: tokenInspector({ store, keyring, host }),
      ownTokens: ownTokens(config, signingKeys, now),
      revocations,
      callers: callersOf(config.apiKeys),
      cookies: sessionCookies(config, now),
      signingKeys,
      subjectKey: subjectKeys(keyring),
      log,
      flatLog: flatLog(log),
      metrics,
      callerAddress: callerAddressOf(config),
      stopping: stopping.signal,
      heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS,
    }
    const api = createApi(parts)
    const quick = quickVerify(parts)
    const requestTimeoutMs = config.requestTimeout
    const listensAs = namedListeners(config)
    const gates = await openGates({ sessions, config, metrics, log, now: host.now }, listensAs)
    opened.push(...gates)
    const management = await listensAs('managementListen', () =>
      listen(managementAnswer({ metrics, ready, warnings: ring.warnings }), {
        where: config.managementListen,
        requestTimeoutMs,
      }),
    )
    opened.push(management)
    const answerAll = getRequestListener(
      (request, { incoming }) => {
        if (incoming instanceof IncomingMessage) return api(request, incoming)
        throw new SessionError('internal_error', 'This listener speaks HTTP/1.1 alone.')
      },
      { errorHandler: () => new Response(null, { status: 400 }) },
    )
    const main = await listensAs('listen', () =>
      listen(
        (request, response) => {
          if (!quick(request, response)) void answerAll(request, response)
        },
        { where: config.listen, requestTimeoutMs },
      ),
    )
    const serving = [main, ...gates]
    const gateUrl = config.gateListen === 'off' ? undefined : gates[0]?.url
    const grpcAddress = config.grpcListen === 'off' ? undefined : gates.at(-1)?.url
    log.info(
      {
        url: main.url,
        management: management.url,
        gate: gateUrl,
        grpc: grpcAddress,
        store: config.store.kind,
      },
      'listening',
    )

    const close = async (): Promise<void> => {
      log.info('stopping')
      for (const listener of serving) listener.drain()
      if (config.drain > 0) await setTimeout(config.drain)
      stopping.abort()
      await Promise.all(serving.map((listener) => listener.close(config.stopTimeout)))
      await release()
      await management.close(MANAGEMENT_CLOSE_MS)
      log.info('stopped')
    }
    return {
      url: main.url,
      managementUrl: management.url,
      gateUrl,
      grpcAddress,
      close() {
        closing ??= close()
        return closing
      },
    }
  } catch (cause) {
    await Promise.all(opened.map((listener) => listener.close(0)))
    await release()
    throw cause
  }
}

function callerAddressOf({ trustedProxies }: Config): ApiParts['callerAddress'] {
  const resolve = clientAddressResolver(
    trustedProxies.length === 0 ? {} : { trust: { proxies: trustedProxies } },
  )
  return (peer, header) => resolve(peer, header).ip
}

type ListenSetting = 'listen' | 'managementListen' | 'gateListen' | 'grpcListen'

/** Opens listeners; one that cannot listen names its address and the setting. */
function namedListeners(
  config: Config,
): (setting: ListenSetting, open: () => Promise<Listener>) => Promise<Listener> {
  return async (setting, open) => {
    try {
      return await open()
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
      throw new SessionError(
        'config_invalid',
        `Cannot listen on ${formatListen(config[setting])} (${code}). Free the address, or set ${variableOf(setting)} to another.`,
        { cause },
      )
    }
  }
}
