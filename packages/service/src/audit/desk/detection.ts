import type { Alerting } from '../alerts/alerting.ts'
import type { Database } from '../database.ts'
import type { LoggedEntry } from '../entry.ts'
import { fieldsOf } from '../fields.ts'
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
  readonly now: () => number
  /** Line of the log from which on nothing is older than an instant. */
  readonly lineAt: (instant: number) => number
  /** What was found and is new. Called before the incident is written: the log is first. */
  readonly onFound: (findings: readonly Finding[]) => void
  readonly onFault: (error: unknown) => void
}

const STEPS = ['CREATE TABLE detection (next INTEGER NOT NULL) STRICT']

/** Events of more are not looked at in one transaction. */
export function detection(options: DetectionOptions): Detection {
  const { database, incidents, alerting, now, lineAt, onFound, onFault } = options
  database.migrate('detection', STEPS)
  const seen = sightings(database)
  let set: RuleSet
  let state: RuleState
  /** Lines before it were judged in an earlier life: they are counted, and find nothing anew. */
  let judged = Number(database.all('SELECT next FROM detection')[0]?.next ?? 0)
  /** The next line that is to be counted. */
  let counted = 0

  function follow(rules: readonly Rule[]): void {
    set = ruleSet(rules, seen)
    state = set.newState()
  }

  follow(options.rules)

  function found(entry: LoggedEntry): readonly Finding[] {
    const { findings } = set.observe(fieldsOf(entry.event, entry.personal), state)
    return entry.index < judged ? [] : findings
  }

  function conclude(finding: Finding, context: { tenant?: string; name?: string }): void {
    const { change, before, incident } = incidents.add(finding)
    if (change !== 'known') alerting.raise(before, incident, context)
  }

  return {
    follow,
    from: () => Math.max(counted, Math.min(judged, lineAt(now() - set.maxWindow))),
    take(entries) {
      const last = entries.at(-1)
      if (last === undefined) return
      database.transaction(() => {
        const all = entries.flatMap((entry) =>
          found(entry).map((finding) => ({ finding, context: contextOf(entry) })),
        )
        onFound(all.map(({ finding }) => finding))
        for (const { finding, context } of all) conclude(finding, context)
        if (last.index < judged) return
        database.run('DELETE FROM detection')
        database.run('INSERT INTO detection (next) VALUES (?)', [last.index + 1])
      })
      counted = last.index + 1
      judged = Math.max(judged, counted)
    },
    failed(error) {
      // Its state is of events that it has not judged: it counts anew.
      state = set.newState()
      counted = 0
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
