import { instant } from 'holdfast/cli'
import { EVENT_TYPES, type PersonalFacts } from 'holdfast/maintenance'
import type { PersonalFinding } from '../audit/finding.ts'
import type { Line } from '../audit/log/lines.ts'

/** Types of events, and kinds of the lines that are none. */
export const LINE_TYPES: readonly string[] = [
  ...EVENT_TYPES,
  ...(['segment', 'gap', 'passed', 'finding', 'erased'] satisfies Line['kind'][]),
  ...(['retired', 'stub'] satisfies Line['kind'][]),
]

export function typeIn(line: Line): string {
  return line.kind === 'event' ? line.event.type : line.kind
}

/**
 * UTC, ms since the epoch. Infinity where the line has no time: it is never too old. What a stub
 * stands for always is.
 */
export function instantIn(line: Line): number {
  if (line.kind === 'stub') return Number.NEGATIVE_INFINITY
  if (line.kind === 'event') return line.event.at
  if (line.kind === 'finding') return line.finding.at
  return line.kind === 'passed' ? Number.POSITIVE_INFINITY : line.at
}

/** What was sealed of a line: undefined where nobody asked, null where it was erased. */
export type Personal = PersonalFacts | PersonalFinding | null | undefined

/** A line for people, with the personal part. */
export function summary(line: Line, personal: Personal): string {
  const at = instantIn(line)
  const parts = [String(line.index), Number.isFinite(at) ? instant(at) : '', ...details(line)]
  if (personal === null) parts.push('erased')
  else if (personal !== undefined) parts.push(...sealedDetails(personal))
  return parts.filter((part) => part !== '').join('  ')
}

function sealedDetails(personal: PersonalFacts | PersonalFinding): readonly string[] {
  if ('title' in personal) return [personal.title, personal.network ?? '-']
  const { subject, tenant, address, userAgent } = personal
  return [subject, tenant, address, userAgent].map((value) => value ?? '-')
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
      return ['finding', line.finding.severity, line.finding.rule, line.finding.session ?? '']
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
    case 'retired':
      return ['retired', `${line.count} lines of segment ${line.segment}`, whyOf(line.before)]
    case 'stub':
      return ['stub', `retired: line ${line.by} says why`, `leaf hash ${line.leaf}`]
  }
}

function whyOf(before: Readonly<Record<string, number>>): string {
  return Object.entries(before)
    .map(([name, at]) => `${name} before ${instant(at)}`)
    .join(', ')
}
