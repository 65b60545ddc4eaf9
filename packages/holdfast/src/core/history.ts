import { lapsedAt } from './lapse.ts'
import type { Device, Network } from './request.ts'

/** What a subject's past teaches: one sealed record a subject, read only when something changed. */
export interface SubjectHistory {
  /** Contexts of earlier sessions, newest first, at most {@link MAX_KNOWN}. */
  readonly contexts: readonly KnownContext[]
  /** Instants of recent failed logins, newest last, at most 16. */
  readonly failedLogins: readonly number[]
  /**
   * Visits in confirmed contexts by the hour of the day, UTC, as small counts. Empty: none is
   * known.
   */
  readonly hours: readonly number[]
  /** Reasons for which contexts were new, counted when they were confirmed. */
  readonly changes: Changes
}

/**
 * How often a new context was confirmed, by the reason for which it was new. Counts have a
 * half-life of 30 days. They are kept in 64ths, as of the start of a period of one half-life, so
 * that older counts change only when a period begins.
 */
export interface Changes {
  /** Half-lives since the epoch. */
  readonly period: number
  /**
   * Visits in confirmed contexts. There are more of them than changes, which errs on the careful
   * side.
   */
  readonly total: number
  /**
   * Contexts that became confirmed, by the reason that spoke against them when they were new.
   */
  readonly byReason: Readonly<Record<string, number>>
}

/**
 * - `confirmed`: speaks for the owner.
 * - `familiar`: was confirmed and has lapsed, or only a factor that can be relayed vouched for it.
 *   It is no news, and it opens nothing.
 * - `provisional`: its visits are counted.
 */
export type KnownState = 'confirmed' | 'familiar' | 'provisional'

/** A place and browser from which earlier sessions of the subject were used. */
export interface KnownContext {
  readonly key: string
  readonly state: KnownState
  readonly network: Network
  readonly device: Device
  readonly firstSeen: number
  readonly lastSeen: number
  /** Separate visits that count: uses with at least half an hour of silence before them. */
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

/**
 * The past as of an instant: what has not been used for long is familiar, and no longer confirmed.
 * The very same object where nothing has lapsed.
 */
export function historyAt(history: SubjectHistory, at: number): SubjectHistory {
  const lapsed = lapsedAt(history.contexts, at)
  if (lapsed.size === 0) return history
  const contexts = history.contexts.map((known): KnownContext => {
    return lapsed.has(known.key) ? { ...known, state: 'familiar', visits: 0 } : known
  })
  return { ...history, contexts }
}

/**
 * The part of the past that a login or a step-up is judged against. A factor that can be relayed
 * must not make its own place familiar first and confirmed the next time. What is familiar counts
 * where nothing is confirmed.
 */
export function confirmedPast(history: SubjectHistory): SubjectHistory {
  const confirmed = history.contexts.filter(({ state }) => state === 'confirmed')
  return confirmed.length === 0 ? history : { ...history, contexts: confirmed }
}

const MAX_COUNT = 255

/** The hour of the day, UTC. */
export function hourOf(at: number): number {
  return Math.floor(at / 3_600_000) % 24
}

/**
 * The counts with one more visit. All are halved before one overflows: old visits count less.
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

/** About a thousand visits: more say nothing new. */
const MAX_UNITS = 2 ** 16

/**
 * The counts with one more visit. `newAs`: the visit confirmed a context that was new for this
 * reason.
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
 * What is left of the counts at an instant: of all visits, and of those with this reason.
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
