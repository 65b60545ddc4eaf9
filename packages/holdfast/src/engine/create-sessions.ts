import { sealingCodec } from '../codecs/codec.ts'
import { factReader } from '../codecs/record-facts.ts'
import { systemHost } from '../codecs/system-host.ts'
import type { Policy } from '../core/decision.ts'
import { deviceReader } from '../core/device.ts'
import { formatDuration } from '../core/duration.ts'
import { SessionError } from '../core/errors.ts'
import type { Host } from '../core/host.ts'
import { partitionOf, type SessionId } from '../core/ids.ts'
import { type Lifetime, lifetimesOf } from '../core/lifetimes.ts'
import { checked } from '../core/options.ts'
import type { Presented, Sessions, Verification, VerifiesNow } from '../core/sessions.ts'
import { networkReader } from '../network/network-reader.ts'
import type { EngineContext, LocalCopies, TenantScales } from './context.ts'
import { fastPolicy } from './judging/fast-path.ts'
import { type CopiesOptions, localCopies } from './local-copies/copies.ts'
import { invalidatingStore } from './local-copies/invalidating-store.ts'
import { patchAttributes } from './operations/attributes.ts'
import { beginStepUp } from './operations/begin-step-up.ts'
import { completeStepUp } from './operations/complete-step-up.ts'
import { logout, revoke, revokeSubject } from './operations/end.ts'
import { list, show } from './operations/list.ts'
import { create } from './operations/login.ts'
import { refresh } from './operations/refresh.ts'
import { report } from './operations/report.ts'
import { verify, verifyNow } from './operations/verify.ts'
import {
  type CheckedSessionsOptions,
  MAX_COPIES,
  type Memories,
  SESSIONS_OPTIONS,
  type SessionsOptions,
} from './options.ts'
import { sealedAttributes } from './state/attributes.ts'
import { keepingEnded } from './state/ended.ts'
import { eventLimiter, eventWriter } from './state/events.ts'
import { highestNumbers } from './state/highest-numbers.ts'
import { historyOpener } from './state/history.ts'
import { load } from './state/load.ts'
import { sessionRecords } from './state/records.ts'
import { batchedTouches } from './state/touches.ts'

/** How the memory is shared, so that each part has room for the same sessions. */
const CACHE_SHARES = { tokens: 0.18, records: 0.55, attributes: 0.27 }

/**
 * The engine, in process.
 *
 * @example
 * const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })
 */
export function createSessions(options: SessionsOptions): Sessions {
  const wanted = checked(SESSIONS_OPTIONS, options)
  const engine = contextOf(withTelemetry(wanted))
  wanted.onMemories?.(() => memoriesOf(engine))
  const verifyOne = (presented: Presented): Promise<Verification> => verify(engine, presented)
  const answersNow = engine.copies !== undefined || engine.store.entries.read.now !== undefined
  const verifiesNow: VerifiesNow = { now: (presented) => verifyNow(engine, presented) }

  const sessions: Sessions = {
    create: (login) => create(engine, login),
    verify: answersNow ? Object.assign(verifyOne, verifiesNow) : verifyOne,
    refresh: (presented) => refresh(engine, presented),
    beginStepUp: (presented) => beginStepUp(engine, presented),
    completeStepUp: (proof) => completeStepUp(engine, proof),
    logout: (token, by) => logout(engine, token, by),
    revoke: (id, by) => revoke(engine, id, by),
    revokeSubject: (subject, by) => revokeSubject(engine, subject, by),
    report: (reported) => report(engine, reported),
    patchAttributes: (id, patch, ifVersion, by) =>
      patchAttributes(engine, id, { patch, ifVersion, by }),
    list: (subject, page) => list(engine, subject, page),
    show: (id) => show(engine, id),
  }
  return wanted.telemetry?.calls(sessions, 'engine') ?? sessions
}

/** The options, with a store and a listener that telemetry hears. */
function withTelemetry(options: CheckedSessionsOptions): CheckedSessionsOptions {
  const { telemetry, onEvent } = options
  if (telemetry === undefined) return options
  const { event } = telemetry
  return {
    ...options,
    store: telemetry.store(options.store),
    ...(event && {
      onEvent(one, personal) {
        event(one)
        onEvent?.(one, personal)
      },
    }),
  }
}

function contextOf(options: CheckedSessionsOptions): EngineContext {
  const { keyring, lookup, policy, signals, acrOrder, cacheBytes, onEvent } = options
  const { personalFacts: personal, eventSampling, eventSamplingPerSecond } = options
  const { onWarning = (message) => process.emitWarning(message) } = options
  const host = options.host ?? systemHost()
  const codec = sealingCodec(keyring, host, cacheBytes * CACHE_SHARES.tokens)
  const { lifetimes, tenants } = lifetimesOf(options)
  checkLifetimes(lifetimes, 'classes')
  for (const [tenant, own] of Object.entries(tenants)) checkLifetimes(own, `tenants.${tenant}`)
  const prefixes = { v4: options.prefixV4, v6: options.prefixV6 }
  const networks = networkReader({ lookup, prefixes }, () => host.now())
  const readFacts = factReader(networks.describe, networks.prefixOf)
  const scales = scalesWith(policy)
  const ofTenants = Object.fromEntries(
    Object.entries(options.tenantPolicies).map(([name, its]) => [name, scalesWith(its)]),
  )
  const copies = copiesOf(options, host, (id) => load(engine, id))
  const writer = eventWriter({
    ...{ codec, host, feed: options.store.feed, onEvent, personal },
    ...{ eventSampling, eventSamplingPerSecond },
  })
  const versions = highestNumbers<SessionId>()
  const kept = keepingEnded(options.store, {
    ...{ host, eventWriter: writer, onWarning },
    onRollback: (lost) =>
      versions.forget((id) => lost.length === 0 || lost.includes(partitionOf(id))),
  })
  const store = copies === undefined ? kept : invalidatingStore(kept, copies)

  function scalesWith(policy: Policy): TenantScales {
    return { signals, acrOrder, policy, fast: fastPolicy(policy) }
  }

  const engine: EngineContext = {
    store,
    remembered: kept.remembered,
    copies,
    codec,
    host,
    scalesOf: (tenant) => own(ofTenants, tenant) ?? scales,
    shadow: options.shadowPolicy,
    networks,
    describeDevice: deviceReader(),
    readFacts,
    records: sessionRecords({
      codec,
      readFacts,
      now: () => host.now(),
      rememberedBytes: cacheBytes * CACHE_SHARES.records,
    }),
    attributes: sealedAttributes(codec, cacheBytes * CACHE_SHARES.attributes),
    openHistory: historyOpener(codec),
    lifetimeOf: (tenant, name) => own(own(tenants, tenant), name) ?? own(lifetimes, name),
    classesOf: (tenant) => Object.keys({ ...lifetimes, ...own(tenants, tenant) }),
    limit:
      options.sessionLimit === undefined
        ? undefined
        : { max: options.sessionLimit, beyond: options.sessionLimitBeyond },
    acrOrder,
    rotateEveryMs: options.rotateEvery,
    tokens: options.tokens,
    eventWriter: writer,
    tellsNames: personal === 'full',
    touches: batchedTouches({ entries: store.entries, onWarning }),
    eventLimiter: eventLimiter(),
    versions,
  }
  return engine
}

function memoriesOf({
  codec,
  records,
  attributes,
  copies,
  touches,
  versions,
  eventLimiter,
  remembered,
}: EngineContext): Memories {
  return {
    records: records.size(),
    cacheBytes: codec.bytes() + records.bytes() + attributes.bytes(),
    copies: copies?.size() ?? 0,
    touches: touches.size(),
    versions: versions.size(),
    told: eventLimiter.size(),
    ended: remembered(),
  }
}

function copiesOf(
  { store: { feed }, localCopies: wanted }: CheckedSessionsOptions,
  host: Host,
  renew: CopiesOptions['renew'],
): LocalCopies | undefined {
  if (wanted === false) return undefined
  const { max, onAsked } = wanted === true ? { max: MAX_COPIES, onAsked: undefined } : wanted
  return localCopies({ feed, host, max, onAsked, renew })
}

/** Names come from clients: only own keys count, and never what an object inherits. */
function own<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined
}

function checkLifetimes(classes: Readonly<Record<string, Lifetime>>, under: string): void {
  for (const [name, { absoluteMs, idleMs }] of Object.entries(classes)) {
    if (idleMs <= absoluteMs) continue
    const own = under === 'classes' && name === 'default'
    const [idle, absolute] = own
      ? ['idleTimeout', 'absoluteTimeout']
      : [`${under}.${name}.idle`, 'its absolute']
    throw new SessionError(
      'config_invalid',
      `createSessions(): ${idle} (${formatDuration(idleMs)}) is longer than ${absolute} ` +
        `(${formatDuration(absoluteMs)}). Shorten it, or lengthen the other.`,
    )
  }
}
