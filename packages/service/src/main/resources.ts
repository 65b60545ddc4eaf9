import { setTimeout as wait } from 'node:timers/promises'
import { type Host, SessionError, type SessionEvent, type Store, systemHost } from 'holdfast'
import { type EventRecorder, eventRecorder } from 'holdfast/maintenance'
import { type GeoLookup, geoLookup } from 'holdfast/network'
import type { DestinationStream, Logger } from 'pino'
import { type RevocationHub, revocationHub } from '../api/revocation-hub.ts'
import { type Audit, openAudit } from '../audit/audit.ts'
import type { Searches } from '../audit/search/search.ts'
import { indexAddress } from '../audit/search/shared/index-address.ts'
import { openSharedIndex, type SharedIndex } from '../audit/search/shared/shared-index.ts'
import { personalFactsOf } from '../config/personal-facts.ts'
import type { Config } from '../config/schema.ts'
import { rotationEvents } from './key-events.ts'
import { type RingCheck, ringCheck } from './keyring.ts'
import { type Keys, openKeys } from './keys.ts'
import { eventLogger, serviceLog } from './log.ts'
import { standardOutput } from './log-output.ts'
import { type Metrics, serviceMetrics } from './metrics.ts'
import { policyRecord, tellPolicy } from './policy-events.ts'
import { openStore } from './store.ts'
import { openTracing, type Tracing } from './tracing.ts'
import { troubleWatch } from './troubles.ts'

export interface ResourceOptions {
  /** Where the log goes; standard output unless said otherwise. */
  readonly log?: DestinationStream
  /** Clock and randomness of the engine. */
  readonly host?: Host
  /** How often the files of keys are looked at, ms (default 1 s). */
  readonly keysEveryMs?: number
  /** How often the service looks for what is wrong with itself, ms (default 5 s). */
  readonly troublesEveryMs?: number
}

/** What a service holds open while it runs. */
export interface Resources {
  readonly log: Logger
  readonly metrics: Metrics
  readonly host: Host
  readonly store: Store
  /** Where the store is and what became of its connection, without who logs in. */
  readonly whereabouts: () => string
  readonly reconnect: () => void
  readonly keys: Keys
  readonly ring: RingCheck
  readonly geo: GeoLookup
  readonly revocations: RevocationHub
  /** Counts and logs each event of this process. */
  readonly onEvent: (event: SessionEvent) => void
  /** Undefined where the process has no OpenTelemetry SDK. */
  readonly tracing: Tracing | undefined
  /** For events that come from around the engine. */
  readonly recorder: EventRecorder
  /** Undefined where it is off. */
  readonly audit: Audit | undefined
  /** Of a process that has no audit log, and where others keep its index in PostgreSQL. */
  readonly searches: Searches | undefined
  /** Aborted when the service stops. */
  readonly stopping: AbortSignal
  /** Ends the streams. What is in flight goes on. */
  stop(): void
  /** Stops, and closes everything. */
  close(): Promise<void>
}

const KEYS_EVERY_MS = 1_000
const TROUBLES_EVERY_MS = 5_000

/** What takes longer, as a large feed does, goes on while the service answers. */
const OPENED_WITHIN_MS = 250

/**
 * Opens keys, store, geo data and the hub of revocations. Throws `config_invalid` or
 * `store_unavailable` when it cannot, with nothing left open.
 */
export async function openResources(config: Config, options: ResourceOptions): Promise<Resources> {
  const metrics = serviceMetrics()
  const log = serviceLog(config.logLevel, options.log ?? standardOutput(metrics.linesLost))
  const host = options.host ?? systemHost()
  const now = (): number => host.now()
  const everyMs = options.keysEveryMs ?? KEYS_EVERY_MS
  const tracing = await openTracing()
  const keys = openKeys(config, { log, metrics, now, everyMs })
  const opened = await openStore(config, { log, now }).catch((error: unknown) => {
    keys.close()
    throw error
  })
  const { store, whereabouts, reconnect } = opened
  const logEvent = eventLogger(log, now)
  const onEvent = (event: SessionEvent): void => {
    metrics.happened(event)
    logEvent(event)
  }
  const { keyring } = keys
  const personalFacts = personalFactsOf(config)
  const { eventSampling, eventSamplingPerSecond } = config
  const recorder = eventRecorder({
    ...{ store, keyring, host, personalFacts, eventSampling, eventSamplingPerSecond },
    onEvent(event) {
      onEvent(event)
      tracing?.telemetry.event?.(event)
    },
  })
  const aborter = new AbortController()
  const stopping = aborter.signal
  const noteRotation = rotationEvents({ store, recorder, now, log, stop: stopping })
  let audit: Audit | undefined
  let index: SharedIndex | undefined
  let troubles: NodeJS.Timeout | undefined
  keys.onTakenUp((file, ids) => {
    if (file === 'sealing') audit?.changeRing()
    noteRotation(file, ids)
  })
  const geo = geoLookup({
    city: config.geoCity,
    asn: config.geoAsn,
    networks: config.networks,
    onProblem: ({ kind, file, message }) => log.warn({ kind, file }, message),
  })
  const ring = ringCheck({ store, keyring }, log)

  async function close(): Promise<void> {
    aborter.abort()
    clearInterval(troubles)
    geo.close()
    keys.close()
    await audit?.close()
    await index?.close()
    await opened.close()
  }

  try {
    await ring.done().catch((error: unknown) => {
      // Redis may be away at first; readiness asks again
      if (!(error instanceof SessionError && error.code === 'store_unavailable')) throw error
      log.warn(
        { store: whereabouts(), cause: error.message },
        'the key ring could not be compared with the store yet',
      )
    })
    // After the ring, so that reading a large feed does not slow it down.
    const revocations = revocationHub({ feed: store.feed, now, log, metrics, stopping })
    metrics.showMemories(() => ({ revocations: revocations.size() }))
    const record = policyRecord({ store, keyring, host })
    const told = tellPolicy({ config, record, recorder, host, log, stop: stopping })
    const opening = Promise.all([revocations.opened, told])
    await Promise.race([opening, wait(OPENED_WITHIN_MS)])
    const { auditDirectory: directory } = config
    if (directory !== undefined) {
      audit = openAudit({ directory, config, store, keyring, host, log })
      metrics.showAudit(audit.state)
      const { auditBacklogBytes: backlogBytes } = config
      const watch = troubleWatch({ audit, store, revocations, keys, now, backlogBytes })
      const lookEveryMs = options.troublesEveryMs ?? TROUBLES_EVERY_MS
      troubles = setInterval(() => void watch.look(), lookEveryMs).unref()
    } else {
      const address = indexAddress(config)
      index = address && openSharedIndex({ address, now })
    }
    return {
      log,
      metrics,
      host,
      store,
      whereabouts,
      reconnect,
      keys,
      ring,
      geo,
      revocations,
      onEvent,
      tracing,
      recorder,
      audit,
      searches: index?.searches,
      stopping,
      stop: () => aborter.abort(),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
