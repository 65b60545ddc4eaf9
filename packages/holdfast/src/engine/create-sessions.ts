import { sealingCodec } from '../codecs/codec.ts'
import type { Keyring } from '../codecs/keyring.ts'
import { factReader } from '../codecs/record-facts.ts'
import { systemHost } from '../codecs/system-host.ts'
import type { AccessTokens } from '../core/access-token.ts'
import type { Policy } from '../core/decision.ts'
import { deviceReader } from '../core/device.ts'
import { SessionError } from '../core/errors.ts'
import type { SessionEvent } from '../core/events.ts'
import type { Host } from '../core/host.ts'
import { DEFAULT_LIFETIMES, DEFAULT_ROTATE_EVERY_MS, type Lifetime } from '../core/lifetimes.ts'
import type { Lookup } from '../core/lookup.ts'
import type { Presented, Sessions, Verification, VerifiesNow } from '../core/sessions.ts'
import type { Signal } from '../core/signal.ts'
import type { Store } from '../core/store.ts'
import { networkReader } from '../network/network-reader.ts'
import { balanced } from '../policies/index.ts'
import { starterSignals } from '../signals/index.ts'
import type { EngineContext, LocalCopies, SessionLimit, TenantScales } from './context.ts'
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
import { sealedAttributes } from './state/attributes.ts'
import { keepingEnded } from './state/ended.ts'
import { eventLimiter, eventWriter } from './state/events.ts'
import { highestNumbers } from './state/highest-numbers.ts'
import { historyOpener } from './state/history.ts'
import { load } from './state/load.ts'
import { sessionRecords } from './state/records.ts'
import { batchedTouches } from './state/touches.ts'

/** What an engine is made of. Only `store` and `keyring` are needed. */
export interface SessionsOptions {
  /** Where sealed records live. Who creates a store closes it. */
  readonly store: Store
  /** Seals records and tags tokens. Every process of an estate needs the same one. */
  readonly keyring: Keyring
  /** Decides on evidence. `balanced()` unless said otherwise. */
  readonly policy?: Policy
  /** Policies of tenants that have one of their own. */
  readonly tenantPolicies?: Readonly<Record<string, Policy>>
  /** Decides nothing. Where its answer differs, a `policy-differed` event says so. */
  readonly shadow?: Policy
  readonly signals?: readonly Signal[]
  /** Geo and ASN data. Without it every network is known by its prefix alone. */
  readonly lookup?: Lookup
  /** What counts as the same network, in bits: /24 and /64 unless said otherwise. */
  readonly prefixes?: { readonly v4: number; readonly v6: number }
  /**
   * Lifetimes by session class, over {@link DEFAULT_LIFETIMES}: `default` 24 h and 2 h idle,
   * `remember` 30 days and 7 days idle.
   */
  readonly lifetimes?: Readonly<Record<string, Lifetime>>
  /** Lifetimes by tenant, then class. */
  readonly tenants?: Readonly<Record<string, Readonly<Record<string, Lifetime>>>>
  /** Live sessions a subject may have at once. No limit unless said otherwise. */
  readonly limit?: SessionLimit
  /**
   * Authentication contexts from weakest to strongest; those not listed are compared for equality.
   */
  readonly acrOrder?: readonly string[]
  /** How often a deliverable secret rotates. Default {@link DEFAULT_ROTATE_EVERY_MS}, 5 minutes. */
  readonly rotateEveryMs?: number
  /**
   * Issues access tokens for the audiences that presentations name: `accessTokens` of
   * `holdfast/tokens`.
   */
  readonly tokens?: AccessTokens
  /**
   * Keeps what was read of sessions in this process, so that most verifications read no store.
   * Default false. A revocation by another process then takes effect here when the feed brings it:
   * within milliseconds, or within 3 s where the store fails. This process's own takes effect at
   * once.
   */
  readonly localCopies?: boolean | LocalCopiesOptions
  /**
   * Most memory for what was opened and proven lately, estimated: tokens, records, attributes.
   * Default {@link DEFAULT_CACHE_BYTES}, 100 MB: that is for some 20,000 sessions. Those that find
   * no room are opened at each request; with 0 that is every one. What the store answers is
   * compared with it byte for byte, so it makes no decision older.
   */
  readonly cacheBytes?: number
  readonly host?: Host
  /** Every event, once it is committed. Must not throw. */
  readonly onEvent?: (event: SessionEvent) => void
  /**
   * Called once, with a function that tells how many entries each memory of this engine has. Asking
   * costs next to nothing. Must not throw.
   */
  readonly onMemories?: (count: () => Memories) => void
  /**
   * Hears of activity that could not be written; it is tried again. Must not throw. Default:
   * `process.emitWarning`.
   */
  readonly onWarning?: (message: string) => void
}

/**
 * Entries that an engine keeps in its process, by what they are. Each of these memories is bounded;
 * what floods one drives out others of its kind, and costs no more than their time.
 */
export interface Memories {
  /** Opened records, within {@link SessionsOptions.cacheBytes}. */
  readonly records: number
  /** What records, attributes and tokens take, estimated: at most `cacheBytes`. */
  readonly cacheBytes: number
  /** Local copies: at most {@link LocalCopiesOptions.max}, of some 3 kB. */
  readonly copies: number
  /** Sessions whose activity was noted lately, or could not be written: at most 20,000. */
  readonly touches: number
  /** Sessions whose newest version is known: at most 100,000, of some 150 B. */
  readonly versions: number
  /** What was said already, so that it is not said again: at most 100,000, of some 150 B. */
  readonly told: number
  /** Sessions and subjects that were ended here: at most 200,000, of some 150 B. */
  readonly ended: number
}

/** How much is kept, and who counts how often that was of use. */
export interface LocalCopiesOptions {
  /** Most sessions. Default 10,000: some 30 MB. */
  readonly max?: number
  /** A verification was answered from a copy, or had to read the store. Must not throw. */
  readonly onAsked?: (state: 'hit' | 'miss') => void
}

const MAX_COPIES = 10_000

/** Most memory for what was opened lately, unless said otherwise: some 20,000 sessions. */
export const DEFAULT_CACHE_BYTES = 100_000_000

/** How the memory is shared, so that each part has room for the same sessions. */
const CACHE_SHARES = { tokens: 0.18, records: 0.55, attributes: 0.27 }

/**
 * The engine, in process.
 *
 * @example
 * const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })
 */
export function createSessions(options: SessionsOptions): Sessions {
  const engine = contextOf(options)
  options.onMemories?.(() => memoriesOf(engine))
  const verifyOne = (presented: Presented): Promise<Verification> => verify(engine, presented)
  const answersNow = engine.copies !== undefined || engine.store.entries.read.now !== undefined
  const verifiesNow: VerifiesNow = { now: (presented) => verifyNow(engine, presented) }

  return {
    create: (login) => create(engine, login),
    verify: answersNow ? Object.assign(verifyOne, verifiesNow) : verifyOne,
    refresh: (presented) => refresh(engine, presented),
    beginStepUp: (presented) => beginStepUp(engine, presented),
    completeStepUp: (proof) => completeStepUp(engine, proof),
    logout: (token, by) => logout(engine, token, by),
    revoke: (id, by) => revoke(engine, id, by),
    revokeSubject: (subject, by) => revokeSubject(engine, subject, by),
    report: (reported) => report(engine, reported),
    patchAttributes: (id, patch, ifVersion, owner) =>
      patchAttributes(engine, id, { patch, ifVersion, owner }),
    list: (subject, page) => list(engine, subject, page),
    show: (id) => show(engine, id),
  }
}

function contextOf(options: SessionsOptions): EngineContext {
  const { keyring, lookup, prefixes, limit, tenants = {}, onEvent } = options
  const { onWarning = (message) => process.emitWarning(message) } = options
  const { cacheBytes = DEFAULT_CACHE_BYTES } = options
  const host = options.host ?? systemHost()
  const codec = sealingCodec(keyring, host, cacheBytes * CACHE_SHARES.tokens)
  const lifetimes = { ...DEFAULT_LIFETIMES, ...options.lifetimes }
  checkOptions(options, [lifetimes, ...Object.values(tenants)])
  const networks = networkReader({ lookup, prefixes }, () => host.now())
  const readFacts = factReader(networks.describe, networks.locateKept)
  const signals = options.signals ?? starterSignals()
  const acrOrder = options.acrOrder ?? []
  const scales = scalesWith(options.policy ?? balanced())
  const ofTenants = Object.fromEntries(
    Object.entries(options.tenantPolicies ?? {}).map(([name, its]) => [name, scalesWith(its)]),
  )
  const copies = copiesOf(options, host, (id) => load(engine, id))
  const writer = eventWriter({ codec, host, feed: options.store.feed, onEvent })
  const kept = keepingEnded(options.store, { host, eventWriter: writer })
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
    shadow: options.shadow,
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
    limit,
    acrOrder,
    rotateEveryMs: options.rotateEveryMs ?? DEFAULT_ROTATE_EVERY_MS,
    tokens: options.tokens,
    eventWriter: writer,
    touches: batchedTouches({ entries: store.entries, onWarning }),
    eventLimiter: eventLimiter(),
    versions: highestNumbers(),
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
  eventLimiter: told,
  remembered,
}: EngineContext): Memories {
  return {
    records: records.size(),
    cacheBytes: codec.bytes() + records.bytes() + attributes.bytes(),
    copies: copies?.size() ?? 0,
    touches: touches.size(),
    versions: versions.size(),
    told: told.size(),
    ended: remembered(),
  }
}

function copiesOf(
  { store: { feed }, localCopies: wanted = false }: SessionsOptions,
  host: Host,
  renew: CopiesOptions['renew'],
): LocalCopies | undefined {
  if (wanted === false) return undefined
  const { max = MAX_COPIES, onAsked } = wanted === true ? {} : wanted
  if (!Number.isSafeInteger(max) || max < 1)
    throw misconfigured('localCopies.max', 'must be a whole number above 0')
  return localCopies({ feed, host, max, onAsked, renew })
}

/** Names come from clients: only own keys count, and never what an object inherits. */
function own<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined
}

function checkOptions(
  { limit, rotateEveryMs, prefixes, cacheBytes = 0 }: SessionsOptions,
  lifetimes: readonly Readonly<Record<string, Lifetime>>[],
): void {
  for (const [name, { absoluteMs, idleMs }] of lifetimes.flatMap((some) => Object.entries(some))) {
    if (!isDuration(absoluteMs) || !isDuration(idleMs)) {
      throw misconfigured(`lifetimes.${name}`, 'must have absoluteMs and idleMs above 0')
    }
    if (idleMs > absoluteMs)
      throw misconfigured(`lifetimes.${name}.idleMs`, 'must not exceed absoluteMs')
  }
  if (limit !== undefined && (!Number.isSafeInteger(limit.max) || limit.max < 1)) {
    throw misconfigured('limit.max', 'must be a whole number above 0')
  }
  if (rotateEveryMs !== undefined && !isDuration(rotateEveryMs)) {
    throw misconfigured('rotateEveryMs', 'must be a whole number of ms above 0')
  }
  if (!Number.isSafeInteger(cacheBytes) || cacheBytes < 0) {
    throw misconfigured('cacheBytes', 'must be a whole number of bytes from 0 up')
  }
  if (prefixes === undefined) return
  const { v4, v6 } = prefixes
  if (!Number.isInteger(v4) || v4 < 8 || v4 > 32)
    throw misconfigured('prefixes.v4', 'must be 8 to 32')
  if (!Number.isInteger(v6) || v6 < 16 || v6 > 128)
    throw misconfigured('prefixes.v6', 'must be 16 to 128')
}

function isDuration(ms: number): boolean {
  return Number.isSafeInteger(ms) && ms > 0
}

function misconfigured(field: string, problem: string): SessionError {
  return new SessionError('config_invalid', `${field} ${problem}.`)
}
