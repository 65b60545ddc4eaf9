import { IncomingMessage } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import {
  balanced,
  createSessions,
  eventLog,
  type Host,
  lenient,
  type Policy,
  SessionError,
  type SessionEvent,
  strict,
  subjectKeys,
  systemHost,
} from 'holdfast'
import { clientAddressResolver, geoLookup } from 'holdfast/network'
import type { DestinationStream } from 'pino'
import { createApi } from '../api/app.ts'
import { callersOf } from '../api/callers.ts'
import { revocationHub } from '../api/revocation-hub.ts'
import { lifetimesOf } from '../config/lifetimes.ts'
import { formatListen } from '../config/print.ts'
import { type Config, variableOf } from '../config/schema.ts'
import { sessionCookies } from './cookies.ts'
import { openKeyring, ringCheck } from './keyring.ts'
import { type Listener, listen } from './listener.ts'
import { logEvent, serviceLog } from './log.ts'
import { managementAnswer } from './management.ts'
import { serviceMetrics } from './metrics.ts'
import { openStore } from './store.ts'

/** A service that runs. */
export interface Service {
  readonly url: string
  readonly managementUrl: string
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
  const log = serviceLog(config.logLevel, options.log)
  const metrics = serviceMetrics()
  const keyring = openKeyring(config, log)
  const host = options.host ?? systemHost()
  const { store, close: closeStore } = await openStore(config, { log, now: () => host.now() })
  const geo = geoLookup({
    city: config.geoCity,
    asn: config.geoAsn,
    onProblem: ({ kind, file, message }) => log.warn({ kind, file }, message),
  })
  const ring = ringCheck({ store, keyring }, log)
  const stopping = new AbortController()
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
      ...(config.shadowPolicy === undefined ? {} : { shadow: policyOf(config.shadowPolicy) }),
      lookup: geo.lookup,
      prefixes: { v4: config.prefixV4, v6: config.prefixV6 },
      ...lifetimesOf(config),
      ...(config.sessionLimit === undefined
        ? {}
        : { limit: { max: config.sessionLimit, beyond: config.sessionLimitBeyond } }),
      acrOrder: config.acrOrder,
      rotateEveryMs: config.rotateEvery,
      onEvent,
    })
    const api = createApi({
      sessions,
      events: eventLog({ store, keyring, onWarning: (message) => log.warn(message) }),
      revocations,
      callers: callersOf(config.apiKeys),
      cookies: sessionCookies(config.cookieName, () => host.now()),
      subjectKey: subjectKeys(keyring),
      log,
      metrics,
      callerAddress: callerAddressOf(config),
      stopping: stopping.signal,
      heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS,
    })
    const requestTimeoutMs = config.requestTimeout
    const management = await listenAs(
      variableOf('managementListen'),
      managementAnswer({ metrics, ready, warnings: ring.warnings }),
      { ...config.managementListen, requestTimeoutMs },
    )
    const main = await listenAs(
      variableOf('listen'),
      getRequestListener(
        (request, { incoming }) => {
          if (incoming instanceof IncomingMessage) return api(request, incoming)
          throw new SessionError('internal_error', 'This listener speaks HTTP/1.1 alone.')
        },
        { errorHandler: () => new Response(null, { status: 400 }) },
      ),
      { ...config.listen, requestTimeoutMs },
    ).catch(async (error: unknown) => {
      await management.close(0)
      throw error
    })
    log.info({ url: main.url, management: management.url, store: config.store.kind }, 'listening')

    const close = async (): Promise<void> => {
      log.info('stopping')
      main.drain()
      if (config.drain > 0) await setTimeout(config.drain)
      stopping.abort()
      await main.close(config.stopTimeout)
      await release()
      await management.close(MANAGEMENT_CLOSE_MS)
      log.info('stopped')
    }
    return {
      url: main.url,
      managementUrl: management.url,
      close() {
        closing ??= close()
        return closing
      },
    }
  } catch (cause) {
    await release()
    throw cause
  }
}

function policyOf(name: Config['policy']): Policy {
  switch (name) {
    case 'lenient':
      return lenient()
    case 'balanced':
      return balanced()
    case 'strict':
      return strict()
  }
}

function callerAddressOf({
  trustedProxies,
}: Config): (peer: string | undefined, headers: Headers) => string | null {
  const resolve = clientAddressResolver(
    trustedProxies.length === 0 ? {} : { trust: { proxies: trustedProxies } },
  )
  return (peer, headers) => resolve(peer, (name) => headers.get(name) ?? undefined).ip
}

/** As {@link listen}; what cannot listen names its address and the setting. */
async function listenAs(
  variable: string,
  answer: Parameters<typeof listen>[0],
  options: Parameters<typeof listen>[1],
): Promise<Listener> {
  try {
    return await listen(answer, options)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
    throw new SessionError(
      'config_invalid',
      `Cannot listen on ${formatListen(options)} (${code}). Free the address, or set ${variable} to another.`,
      { cause },
    )
  }
}
