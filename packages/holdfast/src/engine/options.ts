import type { Keyring } from '../codecs/keyring.ts'
import type { AccessTokens } from '../core/access-token.ts'
import type { Policy } from '../core/decision.ts'
import type { Duration } from '../core/duration.ts'
import type { EventOf } from '../core/event-of.ts'
import {
  DEFAULT_SAMPLED_PER_SECOND,
  type EventSampling,
  type PersonalFacts,
  SAMPLED_EVENTS,
  type SampledEvent,
} from '../core/events.ts'
import type { Host } from '../core/host.ts'
import { type ClassOptions, DEFAULT_LIFETIMES, DEFAULT_ROTATE_EVERY_MS } from '../core/lifetimes.ts'
import type { Lookup } from '../core/lookup.ts'
import {
  duration,
  either,
  flag,
  func,
  group,
  hostOption,
  list,
  made,
  named,
  needed,
  oneOf,
  passing,
  share,
  telemetryOption,
  whole,
  withDefault,
  words,
} from '../core/option-kinds.ts'
import type { Checked, OptionsOf, OptionTable } from '../core/options.ts'
import type { Signal } from '../core/signal.ts'
import type { Store } from '../core/store.ts'
import type { Telemetry } from '../core/telemetry.ts'
import { balanced, lenient, strict } from '../policies/presets.ts'
import { starterSignals } from '../signals/index.ts'

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
  readonly shadowPolicy?: Policy
  readonly signals?: readonly Signal[]
  /** Geo and ASN data. Without it every network is known by its prefix alone. */
  readonly lookup?: Lookup
  /** What counts as the same network, in bits of an IPv4 address: 8 to 32, default 24. */
  readonly prefixV4?: number
  /** The same of an IPv6 address: 16 to 128, default 64. */
  readonly prefixV6?: number
  /** A session of the class `default` ends after this long without a request. Default 2 h. */
  readonly idleTimeout?: Duration
  /** A session of the class `default` ends this long after its login. Default 24 h. */
  readonly absoluteTimeout?: Duration
  /**
   * Lifetimes of further session classes. What a class leaves out is as in `default`. `remember`,
   * 30 days and 7 days idle, is there unless it is set here.
   */
  readonly classes?: Readonly<Record<string, ClassOptions>>
  /** Lifetimes by tenant and class, where they differ from those above. */
  readonly tenants?: Readonly<Record<string, Readonly<Record<string, ClassOptions>>>>
  /** Most live sessions a subject may have at once. No limit unless set. */
  readonly sessionLimit?: number
  /** What a login beyond the limit does: is refused, or ends the oldest session (default). */
  readonly sessionLimitBeyond?: 'refuse' | 'end_oldest'
  /**
   * Authentication contexts from weakest to strongest; those not listed are compared for equality.
   */
  readonly acrOrder?: readonly string[]
  /** How often a deliverable secret rotates. Default 5 minutes. */
  readonly rotateEvery?: Duration
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
  /**
   * Every event, once it is committed, with what tells who a person is, as far as `personalFacts`
   * says. Must not throw.
   */
  readonly onEvent?: (event: EventOf, personal: PersonalFacts | null) => void
  /**
   * How much of who a person is goes with events, sealed as they are and apart from their public
   * part: `full` (the subject and tenant as the application names them, client address, user
   * agent), `network` (the address alone, as its /24 or /64), or `none` (default).
   */
  readonly personalFacts?: 'full' | 'network' | 'none'
  /** Spans and log records: `openTelemetry()` of `holdfast/opentelemetry`. */
  readonly telemetry?: Telemetry
  /**
   * Which share of the events that come with no change is kept in the feed of the store, from 0
   * (default) to 1: of all of them, or by type. They are told to `onEvent` in any case. Answers do
   * not wait for it, and what cannot be kept is counted in the `more` of the next one of its type.
   */
  readonly eventSampling?: number | EventSampling
  /** Most events of each type that `eventSampling` keeps in a second. Default 32. */
  readonly eventSamplingPerSecond?: number
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
  /** Most sessions. Default 20,000: some 60 MB. */
  readonly max?: number
  /** A verification was answered from a copy, or had to read the store. Must not throw. */
  readonly onAsked?: (state: 'hit' | 'miss') => void
}

/** Most sessions of which local copies are kept, unless said otherwise. */
export const MAX_COPIES = 20_000

/** Most memory for what was opened lately, unless said otherwise: some 20,000 sessions. */
export const DEFAULT_CACHE_BYTES = 100_000_000

const sampling = group<EventSampling>()(
  Object.fromEntries(SAMPLED_EVENTS.map((type) => [type, share])) as Record<
    SampledEvent,
    typeof share
  >,
)

/** A policy that was not called is one that answers a policy to each request. */
const FACTORIES: readonly unknown[] = [balanced, lenient, strict]

const policy = passing<Policy>(
  "a policy, such as strict() of 'holdfast' gives when it is called",
  (value) => typeof value === 'function' && !FACTORIES.includes(value),
)

const signal = passing<Signal>(
  'a signal: a function of session, presentation and history',
  (value) => typeof value === 'function' && value !== starterSignals,
)

const lifetime = group<ClassOptions>()(
  { absolute: duration(), idle: duration(), persistent: flag },
  { absoluteMs: 'absolute', idleMs: 'idle', absoluteTimeout: 'absolute', idleTimeout: 'idle' },
)

const copies = group<LocalCopiesOptions>()({
  max: withDefault(whole({ min: 1 }), MAX_COPIES),
  onAsked: func<(state: 'hit' | 'miss') => void>('it hears of each hit and miss'),
})

const ADAPTER = "it is one of holdfast(), of 'holdfast/express' and the other adapters"

/** The options of `createSessions()`. */
export const SESSIONS_OPTIONS = {
  of: 'createSessions()',
  fields: {
    store: needed(
      made<Store>("a store, such as lmdbStore({ path }) of 'holdfast/lmdb'", [
        'entries',
        'subjects',
        'replays',
        'feed',
        'close',
      ]),
      "store: lmdbStore({ path: '.holdfast/store' }), of 'holdfast/lmdb'",
    ),
    keyring: needed(
      made<Keyring>('a key ring, such as parseKeyring(text)', ['index', 'keys', 'current']),
      "keyring: parseKeyring(readFileSync('keyring.json', 'utf8')); " +
        '"holdfast keys new keyring.json" makes the file',
    ),
    policy: withDefault(policy, balanced()),
    tenantPolicies: withDefault(named(policy), {}),
    shadowPolicy: policy,
    signals: withDefault(list(signal), starterSignals()),
    lookup: func<Lookup>('the lookup of geoLookup()'),
    prefixV4: withDefault(whole({ min: 8, max: 32 }), 24),
    prefixV6: withDefault(whole({ min: 16, max: 128 }), 64),
    idleTimeout: withDefault(duration(), DEFAULT_LIFETIMES.default.idleMs),
    absoluteTimeout: withDefault(duration(), DEFAULT_LIFETIMES.default.absoluteMs),
    classes: withDefault(named(lifetime), {}),
    tenants: withDefault(named(named(lifetime)), {}),
    sessionLimit: whole({ min: 1, max: 10_000 }),
    sessionLimitBeyond: withDefault(oneOf(['refuse', 'end_oldest']), 'end_oldest'),
    acrOrder: withDefault(list(words('a word')), []),
    rotateEvery: withDefault(duration(), DEFAULT_ROTATE_EVERY_MS),
    tokens: made<AccessTokens>("accessTokens({ ... }) of 'holdfast/tokens'", [
      'audiences',
      'issue',
    ]),
    localCopies: withDefault(
      either(flag, copies, (value) => typeof value !== 'object'),
      false,
    ),
    cacheBytes: withDefault(whole(), DEFAULT_CACHE_BYTES),
    host: hostOption,
    onEvent: func<(event: EventOf, personal: PersonalFacts | null) => void>('it hears each event'),
    personalFacts: withDefault(oneOf(['full', 'network', 'none']), 'none'),
    telemetry: telemetryOption,
    eventSampling: withDefault(
      either(share, sampling, (value) => typeof value !== 'object'),
      0,
    ),
    eventSamplingPerSecond: withDefault(whole({ min: 1, max: 10_000 }), DEFAULT_SAMPLED_PER_SECOND),
    onMemories: func<(count: () => Memories) => void>('it gets a function that counts'),
    onWarning: func<(message: string) => void>('it hears what could not be written'),
  } satisfies OptionsOf<SessionsOptions>,
  aliases: {
    rotateEveryMs: 'rotateEvery',
    rotationInterval: 'rotateEvery',
    rotation: 'rotateEvery',
    idle: 'idleTimeout',
    idleMs: 'idleTimeout',
    timeout: 'idleTimeout',
    inactivityTimeout: 'idleTimeout',
    absolute: 'absoluteTimeout',
    absoluteMs: 'absoluteTimeout',
    ttl: 'absoluteTimeout',
    maxAge: 'absoluteTimeout',
    expires: 'absoluteTimeout',
    expiresIn: 'absoluteTimeout',
    lifetime: 'absoluteTimeout',
    lifetimes: 'write idleTimeout, absoluteTimeout, and classes for further ones',
    limit: 'sessionLimit',
    maxSessions: 'sessionLimit',
    shadow: 'shadowPolicy',
    prefixes: 'write prefixV4 and prefixV6',
    secret: 'keyring',
    secrets: 'keyring',
    key: 'keyring',
    keys: 'keyring',
    geo: 'lookup',
    tracing: 'telemetry',
    tracer: 'telemetry',
    opentelemetry: 'telemetry',
    client: 'it is one of the store, as in store: redisStore({ client })',
    redis: 'it is one of the store, as in store: redisStore({ client })',
    url: "it is one of a store, or of connect() of 'holdfast/client'",
    cookie: ADAPTER,
    cookieName: ADAPTER,
    carriers: ADAPTER,
    loginPage: ADAPTER,
    stepUpPage: ADAPTER,
    origins: ADAPTER,
    address: ADAPTER,
    trustProxy: ADAPTER,
    trustedProxies: ADAPTER,
    deliverable: ADAPTER,
    refresh: ADAPTER,
  },
} satisfies OptionTable

/** The options of `createSessions()` as they are used. */
export type CheckedSessionsOptions = Checked<typeof SESSIONS_OPTIONS.fields>
