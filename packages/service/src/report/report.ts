import { type Coverage, coverage } from './coverage.ts'
import { type Feedback, feedback } from './feedback.ts'
import { type Judgement, judgements } from './judgements.ts'
import { type OutcomePair, outcomeOf, outcomePairs } from './outcomes.ts'
import { type Rate, rateOf, shareOf } from './rate.ts'
import type { RecordedEvent } from './recorded.ts'
import {
  ANSWERS,
  DEVICE,
  type EventRow,
  LOST,
  NETWORK,
  type ReasonRow,
  ROTATED,
  SECRETS,
} from './rows.ts'

/** How often something happened, per user and month. */
export interface ReportRow extends Rate {
  readonly group: 'network' | 'device' | 'secrets' | 'answers' | 'other reasons'
  readonly about: string
  readonly sampled: boolean
}

/** The rates of an operator's own events, in the form of the table that the starting weights rest on. */
export interface Report {
  readonly coverage: Coverage
  readonly logins: number
  readonly judgements: number
  readonly rows: readonly ReportRow[]
  /** Lost responses, per rotation. */
  readonly lostPerRotation: Rate
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
  const judged = judgements()
  const fed = feedback()
  const differences = outcomePairs()
  const differing = new Set<string | null>()
  const byRow = new Map<EventRow | ReasonRow, number>()
  const others = new Map<string, number>()
  let logins = 0
  let count = 0

  function add(row: EventRow | ReasonRow): void {
    byRow.set(row, (byRow.get(row) ?? 0) + 1)
  }

  for await (const event of events) {
    covered.see(event)
    const judgement = judged(event)
    fed.see(event, judgement)
    if (event.type === 'session-established') logins++
    for (const row of [...SECRETS, ...ANSWERS]) if (row.is(event)) add(row)
    if (judgement !== undefined) {
      count++
      for (const row of [...NETWORK, ...DEVICE]) if (matches(row, judgement)) add(row)
      for (const reason of othersOf(judgement)) others.set(reason, (others.get(reason) ?? 0) + 1)
    }
    const shadowed = event.type === 'policy-differed' ? event.decision : null
    const inForce = outcomeOf(event.reason)
    if (shadowed !== null && inForce !== undefined) {
      differences.add(inForce, shadowed.outcome)
      differing.add(event.subject)
    }
  }

  const total = covered.total()
  const exposure = total.enough ? total.userMonths : 0
  const rowsOf = (group: ReportRow['group'], rows: readonly (EventRow | ReasonRow)[]) =>
    rows.map((row) => ({
      group,
      about: row.about,
      sampled: row.sampled ?? false,
      ...rateOf(byRow.get(row) ?? 0, exposure),
    }))
  return {
    coverage: total,
    logins,
    judgements: count,
    rows: [
      ...rowsOf('network', NETWORK),
      ...rowsOf('device', DEVICE),
      ...rowsOf('secrets', SECRETS),
      ...rowsOf('answers', ANSWERS),
      ...[...others].sort(byName).map(([about, seen]) => ({
        group: 'other reasons' as const,
        about,
        sampled: false,
        ...rateOf(seen, exposure),
      })),
    ],
    lostPerRotation: rateOf(
      byRow.get(LOST) ?? 0,
      shareOf(total.enough ? (byRow.get(ROTATED) ?? 0) : 0),
    ),
    feedback: fed.total(total.enough),
    shadow: {
      differed: differences.stricter() + differences.milder(),
      stricter: differences.stricter(),
      milder: differences.milder(),
      subjects: differing.size,
      pairs: differences.pairs(),
    },
  }
}

const NAMED = new Set([...NETWORK, ...DEVICE].flatMap(({ reasons }) => reasons))

function matches({ reasons, also }: ReasonRow, judgement: Judgement): boolean {
  const told = judgement.decision.because.some(({ reason }) => reasons.includes(reason))
  return told || also?.(judgement) === true
}

function othersOf({ decision }: Judgement): ReadonlySet<string> {
  const reasons = decision.because.map(({ reason }) => reason)
  return new Set(reasons.filter((reason) => !NAMED.has(reason)))
}

function byName([one]: readonly [string, number], [other]: readonly [string, number]): number {
  return one < other ? -1 : 1
}
