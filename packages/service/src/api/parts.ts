import type { Sessions, SubjectRef } from 'holdfast'
import type { EventLog, TokenIntrospector } from 'holdfast/maintenance'
import type { SubjectKey } from 'holdfast/store'
import type { Logger } from 'pino'
import type { GuessLimits } from '../main/guess-limits.ts'
import type { Metrics } from '../main/metrics.ts'
import type { OwnTokens } from '../main/own-tokens.ts'
import type { Tracing } from '../main/tracing.ts'
import type { AdminActs } from './admin-acts.ts'
import type { AuditParts } from './audit-parts.ts'
import type { Callers } from './callers.ts'
import type { RevocationHub } from './revocation-hub.ts'

/** What the API works with; put together by the service. */
export interface ApiParts {
  readonly sessions: Sessions
  readonly events: EventLog
  readonly acts: AdminActs
  readonly audit: AuditParts
  /** The page of notices' links; undefined where they are off. */
  readonly notices?: NoticePage | undefined
  readonly inspector: TokenIntrospector
  readonly ownTokens: OwnTokens
  readonly revocations: RevocationHub
  readonly callers: Callers
  readonly cookies: Cookies
  /** The form of a subject that events carry. */
  readonly subjectKey: (ref: SubjectRef) => SubjectKey
  readonly log: Logger
  /** For lines without nesting. */
  readonly flatLog: Logger
  readonly metrics: Metrics
  readonly tracing?: Tracing | undefined
  readonly guesses: GuessLimits
  /** Address of the process that calls, for the log; null when it is not known. */
  readonly callerAddress: (
    peer: string | undefined,
    header: (name: string) => string | readonly string[] | undefined,
  ) => string | null
  /** Whose word about the client of a request counts. */
  readonly arrivalOf: (
    peer: string | undefined,
    header: (name: string) => string | undefined,
  ) => {
    readonly ip: string | null
    readonly trusted: boolean
    /** The headers that count where the peer is trusted. */
    readonly believed: readonly string[]
  }
  /** Is told how long a request waited for its turn, ms; undefined where no load is shed. */
  readonly waited?: ((ms: number) => void) | undefined
  /** Aborts when the service stops: ends the event streams. */
  readonly stopping: AbortSignal
  readonly now: () => number
  /** Silence on an event stream that a heartbeat breaks, ms. */
  readonly heartbeatMs: number
}

/** Answers browsers, without an API key. Never rejects. */
export interface NoticePage {
  readonly path: string
  answer(request: Request): Promise<Response>
}

/** Complete `Set-Cookie` values. */
export interface Cookies {
  session(token: string, life: { readonly expiresAt: number; readonly persistent: boolean }): string
  expired(): string
  refresh(token: string, life: { readonly expiresAt: number; readonly persistent: boolean }): string
  refreshExpired(): string
}
