import type { Device, Network } from './request.ts'

/** What a subject's past teaches; one sealed record a subject, read only when something changed. */
export interface SubjectHistory {
  /** Contexts of earlier sessions, newest first, at most {@link MAX_KNOWN}. */
  readonly contexts: readonly KnownContext[]
  /** Instants of recent failed logins, newest last, at most 16. */
  readonly failedLogins: readonly number[]
  /** Visits in confirmed contexts by the hour of the day, UTC, as small counts; empty: none is known. */
  readonly hours: readonly number[]
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
export const NO_HISTORY: SubjectHistory = { contexts: [], failedLogins: [], hours: [] }

const MAX_COUNT = 255

/** The hour of the day, UTC. */
export function hourOf(at: number): number {
  return Math.floor(at / 3_600_000) % 24
}

/** The counts with one more visit. Before one overflows all are halved: what was long ago counts less. */
export function withHour(hours: readonly number[], at: number): readonly number[] {
  const hour = hourOf(at)
  const full = (hours[hour] ?? 0) >= MAX_COUNT
  return Array.from({ length: 24 }, (_, each) => {
    const count = hours[each] ?? 0
    return (full ? Math.floor(count / 2) : count) + (each === hour ? 1 : 0)
  })
}
