import type { ServiceProcess } from './services.ts'
import type { WeatherLog } from './weather-log.ts'

/** A session as those know it who asked for it. */
export interface KnownSession {
  readonly id: string
  readonly subject: string
  token: string
  refreshToken: string | undefined
  /** `unsure`: an order was given whose answer never came. */
  state: 'live' | 'unsure' | 'ended'
  /** When what makes it what it is was acknowledged last: its login, a step-up. */
  changedAt: number
  end?: { readonly at: number; readonly by: ServiceProcess; readonly incarnation: number }
  /** The last acknowledged count in its attributes, and their version. */
  counted: number
  version: number
  /**
   * A fail-over has lost what its token came from, or the line what replaced it: by that token
   * nobody can end it.
   */
  lost?: true
  /** The token that the last step-up has replaced. */
  replaced: { readonly token: string; readonly at: number } | undefined
}

export type ViolationKind =
  | 'resurrection'
  | 'false logout'
  | 'false step-up'
  | 'fail-open'
  | 'limit exceeded'
  | 'lost update'
  | 'not available'
  | 'not ready'
  | 'wrong answer'

export interface Violation {
  readonly kind: ViolationKind
  readonly atSeconds: number
  readonly what: string
}

/** What docs/stores.md does not promise, and what was seen of it. */
export type Excused =
  /** A login or a change was lost with a master. */
  | 'lost with a master'
  /** An ended session was served until its end was given again. */
  | 'ended again in time'
  /** Who had ended it was killed before it could end it again. */
  | 'lost with its process'
  /** What a client gave up was done all the same, when the service or the line came to it. */
  | 'an order that arrived late'
  /** Not available or not ready without a fault: told, where the machine has other work. */
  | 'late on a busy machine'

export interface Model {
  readonly violations: readonly Violation[]
  readonly excused: ReadonlyMap<Excused, number>
  violate(kind: ViolationKind, what: string): void
  /** Something was late without a fault: a violation, unless the machine has other work. */
  late(kind: ViolationKind, what: string): void
  excuse(what: Excused): void
  /** An ended session was served to somebody who asked at this time. */
  served(session: KnownSession, askedAt: number, how: string): void
  /** A live session was refused. */
  refused(session: KnownSession, code: string, how: string): void
  /** A session whose end a fail-over may have lost, and that nobody has ended once more yet. */
  mayBeBack(session: KnownSession): boolean
  /** The service has acknowledged that the session ended. */
  ended(session: KnownSession, by: ServiceProcess, incarnation: number): void
}

/** From a fail-over to the end that is given again: it is looked for every two seconds. */
const GIVEN_AGAIN_MS = 6_000
const MOST_KEPT = 200
const MOST_TOLD = 20

export interface ModelOptions {
  readonly log: WeatherLog
  readonly startedAt: number
  /** The machine has other work, so that answers may be late without a fault. */
  readonly busy: boolean
  /** Hears of the first violations as they happen. */
  readonly tell: (line: string) => void
}

export function model({ log, startedAt, busy, tell }: ModelOptions): Model {
  const violations: Violation[] = []
  const excused = new Map<Excused, number>()

  function violate(kind: ViolationKind, seen: string): void {
    const what = `${seen}, ${log.last()}`
    const atSeconds = Math.round((performance.now() - startedAt) / 100) / 10
    if (violations.length < MOST_TOLD) tell(`VIOLATION at ${atSeconds} s: ${kind}: ${what}`)
    if (violations.length < MOST_KEPT) violations.push({ kind, atSeconds, what })
  }

  function excuse(what: Excused): void {
    excused.set(what, (excused.get(what) ?? 0) + 1)
  }

  return {
    violations,
    excused,
    violate,
    late(kind, what) {
      if (busy) excuse('late on a busy machine')
      else violate(kind, what)
    },
    excuse,
    served(session, askedAt, how) {
      const { end } = session
      if (end === undefined) return
      const until = log.lossOf(end.at)
      if (until === undefined) {
        violate('resurrection', `${how}: ${session.id} was ended ${seconds(askedAt - end.at)} ago`)
      } else if (end.by.incarnation() !== end.incarnation && diedBefore(end, until)) {
        excuse('lost with its process')
        session.state = 'unsure'
        delete session.end
      } else if (askedAt <= until + GIVEN_AGAIN_MS) excuse('ended again in time')
      else {
        violate(
          'resurrection',
          `${how}: ${session.id} was ended ${seconds(askedAt - end.at)} ago, and a fail-over was ` +
            `over ${seconds(askedAt - until)} ago`,
        )
      }
    },
    refused(session, code, how) {
      if (log.lossOf(session.changedAt) !== undefined) {
        excuse('lost with a master')
        session.lost = true
      } else {
        const kind = REASKED.has(code) ? 'false step-up' : 'false logout'
        const age = seconds(performance.now() - session.changedAt)
        violate(kind, `${how}: ${session.id} got ${code}, ${age} after its last change`)
      }
      session.state = 'unsure'
    },
    mayBeBack({ end }) {
      const until = end === undefined ? undefined : log.lossOf(end.at)
      return until !== undefined && performance.now() <= until + GIVEN_AGAIN_MS
    },
    ended(session, by, incarnation) {
      session.state = 'ended'
      session.end = { at: performance.now(), by, incarnation }
    },
  }
}

/** Whether the process that ended a session was gone before it could end it again. */
function diedBefore({ by, incarnation }: NonNullable<KnownSession['end']>, until: number): boolean {
  return by.bornAt(incarnation + 1) <= until + GIVEN_AGAIN_MS
}

const REASKED = new Set(['step_up_required', 'session_limited', 'context_refused'])

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
