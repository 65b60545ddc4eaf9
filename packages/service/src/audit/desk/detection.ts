import type { Alerting } from '../alerts/alerting.ts'
import type { Database } from '../database.ts'
import { isEntry, type LoggedEntry } from '../entry.ts'
import { type EventFields, fieldsOf } from '../fields.ts'
import type { Finding } from '../finding.ts'
import { type RuleSet, type RuleState, ruleSet } from '../findings/evaluate.ts'
import { sightings } from '../findings/first-seen.ts'
import type { IncidentStore } from '../findings/incidents.ts'
import type { Rule } from '../findings/rule.ts'
import type { LogReader } from './pump.ts'

/** The rules over the log: what they find becomes incidents, and these become alerts. */
export interface Detection extends LogReader {
  /** Rules that take the place of those before. They begin to count now. */
  follow(rules: readonly Rule[]): void
  /**
   * Judges what is no event of the log. What is found is told also where the log cannot be written:
   * that may be what it is about.
   */
  judge(fields: EventFields): void
  /** Forgets a subject, by its key, in a transaction of the caller. */
  erase(subject: string): void
  prune(before: number): number
}

export interface DetectionOptions {
  /** Of incidents and outbox: a finding, its incident and its alerts are one transaction. */
  readonly database: Database
  readonly incidents: IncidentStore
  readonly alerting: Pick<Alerting, 'raise'>
  readonly rules: readonly Rule[]
  /** Of the ids of findings. */
  readonly key: Uint8Array
  readonly now: () => number
  /** Line of the log from which on nothing is older than an instant. */
  readonly lineAt: (instant: number) => number
  /** What was found and is new. Called before the incident is written: the log is first. */
  readonly onFound: (findings: readonly Finding[]) => void
  readonly onFault: (error: unknown) => void
  /** A finding about no event is not in the log. */
  readonly onUnlogged: (error: unknown) => void
}

const STEPS = ['CREATE TABLE detection (next INTEGER NOT NULL) STRICT']

/** Events of more are not looked at in one transaction. */
export function detection(options: DetectionOptions): Detection {
  const { database, incidents, alerting, now, lineAt, onFound, onFault } = options
  const { key, onUnlogged } = options
  database.migrate('detection', STEPS)
  const seen = sightings(database)
  let set: RuleSet
  let state: RuleState
  /** Lines before it were judged in an earlier life: they are counted, and find nothing anew. */
  let judged = 0
  /** The next line that is to be counted. */
  let next = 0

  function follow(rules: readonly Rule[]): void {
    set = ruleSet(rules, { firstSeen: seen.firstSeen, key })
    state = set.newState()
  }

  follow(options.rules)

  /** Counts anew, from where events still matter to a rule. */
  function begin(): void {
    judged = Number(database.all('SELECT next FROM detection')[0]?.next ?? 0)
    next = Math.min(judged, lineAt(now() - set.maxWindow))
    state = set.newState()
  }

  function found(entry: LoggedEntry): readonly Finding[] {
    const { findings } = set.observe(fieldsOf(entry.event, entry.personal), state)
    return entry.index < judged ? [] : findings
  }

  /** False where it is known. */
  function conclude(finding: Finding, context: { tenant?: string; name?: string }): boolean {
    const { change, before, incident } = incidents.add(finding)
    if (change === 'known') return false
    alerting.raise(before, incident, context)
    return true
  }

  return {
    follow,
    begin,
    from: () => next,
    take(lines) {
      const entries = lines.filter(isEntry)
      const last = entries.at(-1)
      if (last === undefined) return
      const judge = (): void => {
        const all = entries.flatMap((entry) =>
          found(entry).map((finding) => ({ finding, context: contextOf(entry) })),
        )
        onFound(all.map(({ finding }) => finding))
        for (const { finding, context } of all) conclude(finding, context)
        if (last.index < judged) return
        database.run('DELETE FROM detection')
        database.run('INSERT INTO detection (next) VALUES (?)', [last.index + 1])
      }
      // What a loss of power takes back is judged anew, and its alerts have the same ids.
      database.transaction(judge, { sync: false })
      next = last.index + 1
      judged = Math.max(judged, next)
    },
    judge(fields) {
      const { findings } = set.observe(fields, state)
      const fresh = database.transaction(() =>
        // No event of the log has its id.
        findings.map((one) => ({ ...one, events: [] })).filter((one) => conclude(one, {})),
      )
      try {
        onFound(fresh)
      } catch (error) {
        onUnlogged(error)
      }
    },
    failed(error) {
      // Its state is of events that it has not judged.
      begin()
      onFault(error)
    },
    erase: seen.erase,
    prune: seen.prune,
  }
}

function contextOf({ personal }: LoggedEntry): { tenant?: string; name?: string } {
  return {
    ...(personal?.tenant == null ? {} : { tenant: personal.tenant }),
    ...(personal?.subject == null ? {} : { name: personal.subject }),
  }
}
