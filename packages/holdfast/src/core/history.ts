import type { Device, Network } from './request.ts'

/** What a subject's past teaches; one sealed record a subject, read only when something changed. */
export interface SubjectHistory {
  /** Contexts of earlier sessions, newest first, at most {@link MAX_KNOWN}. */
  readonly contexts: readonly KnownContext[]
  /** Instants of recent failed logins, newest last, at most 16. */
  readonly failedLogins: readonly number[]
  /**
   * Visits in confirmed contexts by the hour of the day, UTC, as small counts; empty: none is
   * known.
   */
  readonly hours: readonly number[]
  /** What new contexts were new as, once they were confirmed. */
  readonly changes: Changes
}

/**
 * How often something changed, and as what; counts with a half-life of 30 days. They are kept in
 * 64ths as they weigh at the start of a period of one half-life, so that only a new period touches
 * what was counted before.
 */
export interface Changes {
  /** Half-lives since the epoch. */
  readonly period: number
  /** Visits in confirmed contexts: more than changes, which errs on the careful side. */
  readonly total: number
  /**
   * Contexts that became confirmed, by the reason that spoke against them when they were new; few
   * are possible.
   */
  readonly byReason: Readonly<Record<string, number>>
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
export const NO_HISTORY: SubjectHistory = {
  contexts: [],
  failedLogins: [],
  hours: [],
  changes: { period: 0, total: 0, byReason: {} },
}

const MAX_COUNT = 255

/** The hour of the day, UTC. */
export function hourOf(at: number): number {
  return Math.floor(at / 3_600_000) % 24
}

/**
 * The counts with one more visit. Before one overflows all are halved: what was long ago counts
 * less.
 */
export function withHour(hours: readonly number[], at: number): readonly number[] {
  const hour = hourOf(at)
  const full = (hours[hour] ?? 0) >= MAX_COUNT
  return Array.from({ length: 24 }, (_, each) => {
    const count = hours[each] ?? 0
    return (full ? Math.floor(count / 2) : count) + (each === hour ? 1 : 0)
  })
}

const HALF_LIFE_MS = 30 * 24 * 3_600_000
const UNITS = 64

/** About a thousand changes: more say nothing new. */
const MAX_UNITS = 2 ** 16

/**
 * The counts with one more visit, and what its context had been new as if that became confirmed
 * with it.
 */
export function withChange(changes: Changes, at: number, newAs?: string): Changes {
  const now = Math.max(0, at / HALF_LIFE_MS)
  const period = Math.max(changes.period, Math.floor(now))
  const units = Math.round(UNITS * 2 ** (now - period))
  const left = halved(changes, period - changes.period)
  const { total, byReason } = left.total + units > MAX_UNITS ? halved(left, 1) : left
  if (newAs === undefined) return { period, total: total + units, byReason }
  const count = (byReason[newAs] ?? 0) + units
  return { period, total: total + units, byReason: { ...byReason, [newAs]: count } }
}

/**
 * What is left of the counts at an instant: of all visits, and of those that came with this reason.
 */
export function changesAt(
  { period, total, byReason }: Changes,
  at: number,
  reason: string,
): { readonly total: number; readonly seen: number } {
  const left = 2 ** Math.min(0, period - at / HALF_LIFE_MS) / UNITS
  return { total: total * left, seen: (byReason[reason] ?? 0) * left }
}

type Counts = Pick<Changes, 'total' | 'byReason'>

function halved({ total, byReason }: Counts, times: number): Counts {
  const part = (count: number): number => Math.floor(count / 2 ** times)
  const counts = Object.entries(byReason).map(([reason, count]) => [reason, part(count)] as const)
  return { total: part(total), byReason: Object.fromEntries(counts.filter(([, left]) => left > 0)) }
}
