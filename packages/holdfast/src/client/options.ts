import type { Duration } from '../core/duration.ts'
import {
  duration,
  func,
  needed,
  telemetryOption,
  withDefault,
  words,
} from '../core/option-kinds.ts'
import type { OptionsOf, OptionTable } from '../core/options.ts'
import type { Telemetry } from '../core/telemetry.ts'

/** Where the service is, and how to ask it. */
export interface ConnectOptions {
  /** Where the service listens, for example `http://127.0.0.1:4600`. */
  readonly url: string
  /** API key with the role `app`; `admin` too for `show` and `revoke` without an owner. */
  readonly key: string
  /** Longest wait for a whole answer, at most 1 minute. Default 2 s. */
  readonly timeout?: Duration
  /** Asks by it instead of by the platform's HTTP client. */
  readonly fetch?: typeof fetch
  /** Spans, and the trace that goes with calls: `openTelemetry()` of `holdfast/opentelemetry`. */
  readonly telemetry?: Telemetry
}

const MAX_TIMEOUT_MS = 60_000

/** Where a service is, and the key to ask it with. */
export const SERVICE_FIELDS = {
  url: needed(words('an http or https URL'), "url: 'http://127.0.0.1:4600'"),
  key: needed(words('an API key'), 'key: process.env.HOLDFAST_KEY'),
  fetch: func<typeof fetch>('it asks in place of the platform'),
}

/** The same, with the time for an answer. */
export const AUTHORITY_FIELDS = {
  ...SERVICE_FIELDS,
  timeout: withDefault(duration({ max: MAX_TIMEOUT_MS }), 2_000),
}

/** What people write for them. */
export const SERVICE_ALIASES = {
  timeoutMs: 'timeout',
  requestTimeout: 'timeout',
  apiKey: 'key',
  token: 'key',
  secret: 'key',
  baseUrl: 'url',
  baseURL: 'url',
  endpoint: 'url',
  address: 'url',
  host: 'url',
  port: 'url',
} as const

/** The options of `connect()`. */
export const CONNECT_OPTIONS = {
  of: 'connect()',
  fields: { ...AUTHORITY_FIELDS, telemetry: telemetryOption } satisfies OptionsOf<ConnectOptions>,
  aliases: { ...SERVICE_ALIASES, tracing: 'telemetry' },
} satisfies OptionTable
