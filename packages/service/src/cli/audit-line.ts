import { instant } from 'holdfast/cli'
import { EVENT_TYPES, type PersonalFacts } from 'holdfast/maintenance'
import type { Line } from '../audit/log/lines.ts'

/** Types of events, and kinds of the lines that are none. */
export const LINE_TYPES: readonly string[] = [
  ...EVENT_TYPES,
  ...(['segment', 'gap', 'passed', 'finding', 'erased'] satisfies Line['kind'][]),
]

export function typeIn(line: Line): string {
  return line.kind === 'event' ? line.event.type : line.kind
}

/** UTC, ms since the epoch. Infinity where the line has no time: it is never too old. */
export function instantIn(line: Line): number {
  if (line.kind === 'event') return line.event.at
  if (line.kind === 'finding') return line.finding.at
  return line.kind === 'passed' ? Number.POSITIVE_INFINITY : line.at
}

/** A line for people, with the personal part: undefined where nobody asked, null where erased. */
export function summary(line: Line, personal: PersonalFacts | null | undefined): string {
  const at = instantIn(line)
  const parts = [String(line.index), Number.isFinite(at) ? instant(at) : '', ...details(line)]
  if (personal === null) parts.push('erased')
  else if (personal !== undefined) {
    const { subject, tenant, address, userAgent } = personal
    parts.push(...[subject, tenant, address, userAgent].map((value) => value ?? '-'))
  }
  return parts.filter((part) => part !== '').join('  ')
}

function details(line: Line): readonly string[] {
  switch (line.kind) {
    case 'event': {
      const { type, session, subject, actor, reason, decision, policy } = line.event
      const judged = decision === null ? '' : `${decision.outcome} ${decision.score} dB`
      const taken = policy === undefined ? [] : [policy.digest, policy.summary]
      return [type, session ?? subject ?? '-', judged, reason ?? '', `by ${actor}`, ...taken]
    }
    case 'finding':
      return ['finding', line.finding.severity, line.finding.title]
    case 'segment':
      return ['segment', `number ${line.number}`, `epoch ${line.epoch}`, line.origin]
    case 'gap':
      return [
        'gap',
        line.reason,
        `partition ${line.partition}`,
        `${line.after} to ${line.sequence}`,
      ]
    case 'passed':
      return [line.kind, `partition ${line.partition}`, `${line.after} to ${line.sequence}`]
    case 'erased':
      return ['erased', line.subject]
  }
}
