import { type Coverage, coverage } from './coverage.ts'
import { type Feedback, feedback } from './feedback.ts'
import { type Judgement, judgements } from './judgements.ts'
import { type OutcomePair, outcomeOf, outcomePairs } from './outcomes.ts'
import { type Rate, rateOf } from './rate.ts'
import type { RecordedEvent } from './recorded.ts'
import { ANSWERS, DEVICE, type EventRow, NETWORK, type ReasonRow, SECRETS } from './rows.ts'

/** How often something happened, per user and month. */
export interface ReportRow extends Rate {
  readonly group: 'network' | 'device' | 'secrets' | 'answers'
  readonly about: string
  readonly sampled: boolean
}

/** How many decisions rested on a reason, among others. */
export interface ReasonRate extends Rate {
  readonly reason: string
  /** Of evidence: N, D, R, B ... */
  readonly group: string
}

/**
 * The rates of an operator's own events, in the form of the table that the starting weights rest
 * on.
 */
export interface Report {
  readonly coverage: Coverage
  readonly logins: number
  readonly judgements: number
  readonly rows: readonly ReportRow[]
  /** By code, those of an application's own signals too. */
  readonly reasons: readonly ReasonRate[]
  readonly feedback: Feedback
  readonly shadow: Shadow
}

/** What the shadow policy would have decided otherwise. */
export interface Shadow {
  readonly differed: number
  readonly stricter: number
  readonly milder: number
  readonly subjects: number
  /** `from` the outcome in force, `to` that of the shadow. */
  readonly pairs: readonly OutcomePair[]
}

/** Makes a report of events in the order of their log, each looked at once. */
export async function reportOf(
  events: AsyncIterable<RecordedEvent> | Iterable<RecordedEvent>,
): Promise<Report> {
  const covered = coverage()
  const judgementOf = judgements()
  const fed = feedback()
  const shadow = shadowCounts()
  const counts = rowCounts()
  let logins = 0
  let judged = 0

  for await (const event of events) {
    covered.see(event)
    const judgement = judgementOf(event)
    fed.see(event, judgement)
    shadow.see(event)
    counts.see(event, judgement)
    if (event.type === 'session-established') logins++
    if (judgement !== undefined) judged++
  }

  const total = covered.total()
  return {
    coverage: total,
    logins,
    judgements: judged,
    ...counts.rates(total),
    feedback: fed.total(total.enough),
    shadow: shadow.total(),
  }
}

/** Counts the rows of the table and the reasons of decisions. */
function rowCounts(): {
  see(event: RecordedEvent, judgement: Judgement | undefined): void
  rates(covered: Coverage): Pick<Report, 'rows' | 'reasons'>
} {
  const byRow = new Map<EventRow | ReasonRow, number>()
  const byReason = new Map<string, { readonly group: string; count: number }>()

  function add(row: EventRow | ReasonRow): void {
    byRow.set(row, (byRow.get(row) ?? 0) + 1)
  }

  function rowsOf(
    group: ReportRow['group'],
    rows: readonly (EventRow | ReasonRow)[],
    exposure: number,
  ): ReportRow[] {
    return rows.map((row) => ({
      group,
      about: row.about,
      sampled: row.sampled ?? false,
      ...rateOf(byRow.get(row) ?? 0, exposure),
    }))
  }

  return {
    see(event, judgement) {
      for (const row of [...SECRETS, ...ANSWERS]) if (row.is(event)) add(row)
      if (judgement === undefined) return
      for (const row of [...NETWORK, ...DEVICE]) if (matches(row, judgement)) add(row)
      for (const [reason, group] of reasonsOf(judgement)) {
        const row = byReason.get(reason) ?? { group, count: 0 }
        row.count++
        byReason.set(reason, row)
      }
    },
    rates({ enough, userMonths }) {
      const exposure = enough ? userMonths : 0
      return {
        rows: [
          ...rowsOf('network', NETWORK, exposure),
          ...rowsOf('device', DEVICE, exposure),
          ...rowsOf('secrets', SECRETS, exposure),
          ...rowsOf('answers', ANSWERS, exposure),
        ],
        reasons: [...byReason]
          .map(([reason, { group, count }]) => ({ reason, group, ...rateOf(count, exposure) }))
          .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)),
      }
    },
  }
}

/** Counts what the shadow policy would have decided otherwise. */
function shadowCounts(): { see(event: RecordedEvent): void; total(): Shadow } {
  const differences = outcomePairs()
  const subjects = new Set<string | null>()
  return {
    see({ type, decision, reason, subject }) {
      const inForce = outcomeOf(reason)
      if (type !== 'policy-differed' || decision === null || inForce === undefined) return
      differences.add(inForce, decision.outcome)
      subjects.add(subject)
    },
    total() {
      const stricter = differences.stricter()
      const milder = differences.milder()
      return {
        differed: stricter + milder,
        stricter,
        milder,
        subjects: subjects.size,
        pairs: differences.pairs(),
      }
    },
  }
}

function matches({ reasons, also }: ReasonRow, judgement: Judgement): boolean {
  const given = judgement.decision.because.some(({ reason }) => reasons.includes(reason))
  return given || also?.(judgement) === true
}

/** Each once, whatever group its evidence is of. */
function reasonsOf({ decision }: Judgement): ReadonlyMap<string, string> {
  return new Map(decision.because.map(({ reason, group }) => [reason, group]))
}
