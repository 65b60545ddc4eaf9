import type { RecordedEvent } from './recorded.ts'

/** What a log covers: the size of the sample that all rates rest on. */
export interface Coverage {
  readonly events: number
  readonly subjects: number
  readonly sessions: number
  /** ms since the epoch; null for a log without events. */
  readonly from: number | null
  readonly to: number | null
  readonly days: number
  /** Subjects times months. */
  readonly userMonths: number
  /** A week and twenty subjects at least. Below that no rate can be told. */
  readonly enough: boolean
}

const DAY_MS = 86_400_000
const MONTH_DAYS = 365.25 / 12

/** A week, for people do other things at weekends. */
const LEAST_DAYS = 7
const LEAST_SUBJECTS = 20

/** Counts what a log covers, event by event. */
export function coverage(): { see(event: RecordedEvent): void; total(): Coverage } {
  const subjects = new Set<string>()
  const sessions = new Set<string>()
  let events = 0
  let from = Number.POSITIVE_INFINITY
  let to = Number.NEGATIVE_INFINITY

  return {
    see({ at, subject, session }) {
      events++
      from = Math.min(from, at)
      to = Math.max(to, at)
      if (subject !== null) subjects.add(subject)
      if (session !== null) sessions.add(session)
    },
    total() {
      const days = events === 0 ? 0 : (to - from) / DAY_MS
      return {
        events,
        subjects: subjects.size,
        sessions: sessions.size,
        from: events === 0 ? null : from,
        to: events === 0 ? null : to,
        days,
        userMonths: (subjects.size * days) / MONTH_DAYS,
        enough: subjects.size >= LEAST_SUBJECTS && days >= LEAST_DAYS,
      }
    },
  }
}
