import type { Judgement } from './judgements.ts'
import { type Rate, rateOf, shareOf } from './rate.ts'
import type { RecordedEvent } from './recorded.ts'

/** What people said of decisions. */
export interface Feedback {
  /** Judgements that stopped somebody: challenged, limited or refused. */
  readonly challenges: number
  readonly falseAlarms: number
  readonly notMe: number
  /** Per 1,000 challenges. */
  readonly falseAlarmsPer1000: Rate
  readonly notMePer1000: Rate
  /** Of those, how many have no decision in the log that they could be about. */
  readonly unattributed: number
  /** By the reasons that accused in the decision that was fed back. */
  readonly byReason: readonly ReasonFeedback[]
}

export interface ReasonFeedback {
  readonly reason: string
  readonly challenges: number
  readonly falseAlarms: number
  readonly notMe: number
}

interface Fed {
  readonly reasons: readonly string[]
  falseAlarm: boolean
  notMe: boolean
}

/**
 * Counts feedback. It refers to the last earlier decision that stopped the session's user, else to
 * the last one at all. Each decision counts once for each kind of feedback.
 */
export function feedback(): {
  see(event: RecordedEvent, judgement: Judgement | undefined): void
  total(enough: boolean): Feedback
} {
  const last = new Map<string, Fed>()
  const stopping = new Map<string, Fed>()
  const byReason = new Map<string, { challenges: number; falseAlarms: number; notMe: number }>()
  const counted = { challenges: 0, falseAlarms: 0, notMe: 0, unattributed: 0 }

  function add(reasons: readonly string[], field: 'challenges' | 'falseAlarms' | 'notMe'): void {
    counted[field]++
    for (const reason of reasons) {
      const row = byReason.get(reason) ?? { challenges: 0, falseAlarms: 0, notMe: 0 }
      row[field]++
      byReason.set(reason, row)
    }
  }

  return {
    see(event, judgement) {
      const { session, type, reason, decision } = event
      if (session === null) return
      if (judgement !== undefined || (type === 'session-established' && decision !== null)) {
        const reasons = accusing(event)
        const fed: Fed = { reasons, falseAlarm: false, notMe: false }
        last.set(session, fed)
        if (judgement !== undefined && stops(judgement)) {
          stopping.set(session, fed)
          add(reasons, 'challenges')
        }
      }
      const alarm = type === 'false-alarm-reported'
      if (!alarm && !(type === 'session-revoked' && reason === 'not_me')) return
      const about = stopping.get(session) ?? last.get(session)
      if (about === undefined) counted.unattributed++
      const flag = alarm ? 'falseAlarm' : 'notMe'
      if (about?.[flag]) return
      if (about !== undefined) about[flag] = true
      add(about?.reasons ?? [], alarm ? 'falseAlarms' : 'notMe')
    },
    total(enough) {
      const { challenges, falseAlarms, notMe, unattributed } = counted
      const exposure = shareOf(enough ? challenges : 0) / 1_000
      return {
        challenges,
        falseAlarms,
        notMe,
        falseAlarmsPer1000: rateOf(falseAlarms, exposure),
        notMePer1000: rateOf(notMe, exposure),
        unattributed,
        byReason: [...byReason]
          .map(([reason, row]) => ({ reason, ...row }))
          .sort((a, b) => b.challenges - a.challenges || (a.reason < b.reason ? -1 : 1)),
      }
    },
  }
}

function stops({ decision: { outcome } }: Judgement): boolean {
  return outcome === 'challenge' || outcome === 'limit' || outcome === 'deny'
}

/** What spoke against the holder, and what was demanded at 0 dB. */
function accusing({ decision }: RecordedEvent): readonly string[] {
  const reasons = decision?.because.filter(({ weight }) => weight >= 0) ?? []
  return [...new Set(reasons.map(({ reason }) => reason))]
}
