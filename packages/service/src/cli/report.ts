import { type Command, EXIT, table } from 'holdfast/cli'
import type { Rate } from '../report/rate.ts'
import { type Report, type ReportRow, reportOf } from '../report/report.ts'
import { recordedEvents, SOURCE_DETAILS, SOURCE_OPTIONS } from './event-source.ts'
import { outcomeTable } from './outcome-table.ts'

/** Rates of the operator's own events. */
export const reportCommands: readonly Command[] = [
  {
    name: 'report',
    about: 'Count what the event log says: rates, step-ups, feedback, the shadow policy',
    usage: '[FILE]',
    details:
      `${SOURCE_DETAILS}\n` +
      'Rates are per user and month, by whoever caused the events. Where there is too little to ' +
      'say one, it says so.',
    options: SOURCE_OPTIONS,
    arguments: [0, 1],
    examples: ['holdfast report', 'holdfast report events.jsonl --json'],
    async run(asked) {
      const report = await reportOf(recordedEvents(asked))
      asked.out.line(describe(report))
      asked.out.value(report)
      return EXIT.done
    },
  },
]

function describe(report: Report): string {
  return [sample(report), rates(report), reasoned(report), answered(report), shadowed(report)].join(
    '\n\n',
  )
}

function sample({ coverage, logins, judgements }: Report): string {
  const { events, subjects, sessions, from, to, days, userMonths, enough } = coverage
  if (from === null || to === null) return 'There are no events.'
  const lines = [
    `${dayOf(from)} to ${dayOf(to)}: ${days.toFixed(1)} days, ${subjects} subjects ` +
      `(${userMonths.toFixed(1)} user-months), ${sessions} sessions, ${logins} logins, ` +
      `${events} events, ${judgements} decisions.`,
    'Requests in which nothing was new leave no event and are not counted.',
  ]
  if (!enough) {
    lines.push('Too few for any rate: it takes 20 subjects and a week. Counts alone are shown.')
  }
  return lines.join('\n')
}

function rates({ rows }: Report): string {
  const shown = rows.map((row) => [row.group, nameOf(row), String(row.count), rateText(row)])
  const lines = [table(['GROUP', 'EVENT', 'COUNT', 'PER USER-MONTH'], shown)]
  if (rows.some(({ sampled }) => sampled)) {
    lines.push('* a sample: where nothing else changed, one an hour and session is in the log.')
  }
  return lines.join('\n')
}

function reasoned({ reasons }: Report): string {
  if (reasons.length === 0) return 'No decision has a reason.'
  const rows = reasons.map((row) => [row.group, row.reason, String(row.count), rateText(row)])
  return table(['GROUP', 'REASON', 'COUNT', 'PER USER-MONTH'], rows)
}

function answered({ feedback }: Report): string {
  const { challenges, falseAlarms, notMe, unattributed, byReason } = feedback
  const lines = [
    `Stopped (challenged, limited or refused): ${challenges}.`,
    `False alarms: ${falseAlarms}, per 1,000 of those: ${rateText(feedback.falseAlarmsPer1000)}.`,
    `"Not me": ${notMe}, per 1,000 of those: ${rateText(feedback.notMePer1000)}.`,
  ]
  if (unattributed > 0) {
    lines.push(`${unattributed} of these are about decisions that are no longer in the log.`)
  }
  if (byReason.length === 0) return lines.join('\n')
  const rows = byReason.map(({ reason, ...counts }) => [
    reason,
    ...[counts.challenges, counts.falseAlarms, counts.notMe].map(String),
  ])
  return [...lines, table(['REASON', 'STOPPED', 'FALSE ALARM', 'NOT ME'], rows)].join('\n')
}

function shadowed({ shadow, judgements }: Report): string {
  const { differed, stricter, milder, subjects, pairs } = shadow
  if (differed === 0) return 'Shadow policy: no difference is in the log.'
  return [
    `Shadow policy: differs ${differed} times, beside ${judgements} decisions in the log; ` +
      `${stricter} stricter, ${milder} milder; ${subjects} subjects.`,
    outcomeTable(pairs, 'IN FORCE', 'SHADOW'),
  ].join('\n')
}

function nameOf({ about, sampled }: ReportRow): string {
  return sampled ? `${about} *` : about
}

function rateText({ count, rate, below }: Rate): string {
  if (rate !== null) return rate.toPrecision(2)
  if (below !== null) return `none; below ${below.toPrecision(1)}`
  return count === 0 ? 'none' : 'too few'
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
