import type { Policy } from 'holdfast'
import { redecide } from 'holdfast/maintenance'
import { type Judgement, judgements } from './judgements.ts'
import { type OutcomePair, outcomePairs, stepOf } from './outcomes.ts'
import type { RecordedDecision, RecordedEvent } from './recorded.ts'

/** What another policy would have made of recorded decisions. */
export interface Replay {
  readonly replayed: number
  readonly stricter: number
  readonly milder: number
  /** `from` as it was decided, `to` as the other policy decides. */
  readonly pairs: readonly OutcomePair[]
  /** What speaks against the holder where the outcome changes. */
  readonly reasons: readonly ReasonChange[]
  /** Subjects who would be asked for a step-up more often, or less often, than they were. */
  readonly subjects: { readonly more: number; readonly fewer: number; readonly same: number }
  readonly left: LeftOut
}

export interface ReasonChange {
  readonly reason: string
  readonly stricter: number
  readonly milder: number
}

/** What could not be replayed, and why. */
export interface LeftOut {
  /** More than the policy decides there. */
  readonly logins: number
  /** The decision was not the policy's, or the event is of a time before it held the situation. */
  readonly withoutSituation: number
}

/**
 * Decides each decision of a log again under another policy, with the code that production runs.
 */
export async function replayOf(
  events: AsyncIterable<RecordedEvent> | Iterable<RecordedEvent>,
  policy: Policy,
): Promise<Replay> {
  const judged = judgements()
  const changes = outcomePairs()
  const reasons = new Map<string, { stricter: number; milder: number }>()
  const prompts = new Map<string, number>()
  let replayed = 0
  let logins = 0
  let withoutSituation = 0

  function note({ event, decision }: Judgement, now: Pick<RecordedDecision, 'outcome'>): void {
    const step = stepOf(decision.outcome, now.outcome)
    changes.add(decision.outcome, now.outcome)
    if (event.subject !== null) {
      const more = asks(now) - asks(decision)
      prompts.set(event.subject, (prompts.get(event.subject) ?? 0) + more)
    }
    if (step === 0) return
    for (const reason of accusing(decision)) {
      const row = reasons.get(reason) ?? { stricter: 0, milder: 0 }
      row[step > 0 ? 'stricter' : 'milder']++
      reasons.set(reason, row)
    }
  }

  for await (const event of events) {
    const judgement = judged(event)
    if (event.type === 'session-established' && event.decision !== null) logins++
    if (judgement === undefined) continue
    const now = redecide(policy, event)
    if (now === undefined) {
      withoutSituation++
      continue
    }
    replayed++
    note(judgement, now)
  }

  const signs = [...prompts.values()]
  return {
    replayed,
    stricter: changes.stricter(),
    milder: changes.milder(),
    pairs: changes.pairs(),
    reasons: [...reasons]
      .map(([reason, row]) => ({ reason, ...row }))
      .sort((a, b) => b.stricter + b.milder - (a.stricter + a.milder) || compare(a, b)),
    subjects: {
      more: signs.filter((more) => more > 0).length,
      fewer: signs.filter((more) => more < 0).length,
      same: signs.filter((more) => more === 0).length,
    },
    left: { logins, withoutSituation },
  }
}

/** Whether the holder has to prove something before going on as before. */
function asks({ outcome }: Pick<RecordedDecision, 'outcome'>): number {
  return outcome === 'challenge' || outcome === 'limit' ? 1 : 0
}

function accusing({ because }: RecordedDecision): ReadonlySet<string> {
  return new Set(because.filter(({ weight }) => weight > 0).map(({ reason }) => reason))
}

function compare(one: ReasonChange, other: ReasonChange): number {
  return one.reason < other.reason ? -1 : 1
}
