import { instant } from 'holdfast/cli'
import type { Alert } from './alert.ts'
import { inert, unlinked } from './inert-text.ts'

/** An alert in the words that people read, for chats and mails. No text in it becomes a link. */
export interface AlertLines {
  readonly title: string
  readonly text: string
  readonly facts: readonly (readonly [name: string, value: string])[]
  readonly timeline: readonly string[]
  readonly command: string
  readonly link: string | null
}

export function linesOf(alert: Alert): AlertLines {
  const { severity, title, text, name, tenant, subject, session, network, rules, at } = alert
  const facts: readonly (readonly [string, string | null])[] = [
    ['Severity', severity],
    ['At', instant(at)],
    ['Who', name],
    ['Tenant', tenant],
    ['Subject', subject],
    ['Session', session],
    ['Network', network],
    ['Rules', rules.length === 0 ? null : rules.join(', ')],
    ['Incident', alert.incident],
  ]
  return {
    title: `[${severity}] ${unlinked(title)}`,
    text: unlinked(text),
    facts: facts.flatMap(([label, value]) =>
      value === null ? [] : [[label, unlinked(inert(value, MOST_VALUE))] as const],
    ),
    timeline: alert.timeline.map((one) => {
      const times = one.count > 1 ? ` (${one.count} events)` : ''
      return `${instant(one.at)} ${unlinked(one.title)}${times}`
    }),
    command: alert.command,
    link: alert.link,
  }
}

const MOST_VALUE = 500
