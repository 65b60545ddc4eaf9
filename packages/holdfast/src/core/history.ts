import type { Device, Network } from './request.ts'

/** What a subject's past teaches; one sealed record a subject, read only when something changed. */
export interface SubjectHistory {
  /** Contexts of earlier sessions, newest first, at most {@link MAX_KNOWN}. */
  readonly contexts: readonly KnownContext[]
  /** Instants of recent failed logins, newest last, at most 16. */
  readonly failedLogins: readonly number[]
}

/** A place and browser from which earlier sessions of the subject were used. */
export interface KnownContext {
  readonly key: string
  readonly state: 'confirmed' | 'provisional'
  readonly network: Network
  readonly device: Device
  readonly firstSeen: number
  readonly lastSeen: number
  /** Separate visits: uses with at least half an hour of silence before them. */
  readonly visits: number
}

/** At most this many contexts are remembered of a subject. */
export const MAX_KNOWN = 32

/** The past of a subject of whom nothing is known. */
export const NO_HISTORY: SubjectHistory = { contexts: [], failedLogins: [] }
