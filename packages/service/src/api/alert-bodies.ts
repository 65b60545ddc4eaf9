import {
  described,
  instant,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  text,
  type Wire,
} from 'holdfast/wire'
import { CHANGES, type Moment, type SeverityCounts } from '../audit/alerts/alert.ts'
import {
  type AlertPage,
  type AlertQuery,
  type AlertView,
  DELIVERY_STATES,
  type DeliveryView,
  type Replayed,
  type SentAlert,
} from '../audit/alerts/alerts.ts'
import { SEVERITIES } from '../audit/finding.ts'

/** What travels about alerts. */

const maybeText = nullable(text())
const alertId = text({
  pattern: { source: '^alert_[A-Za-z0-9_\\-]{22}$', problem: 'must be the id of an alert' },
})

export const alertParams = object<{ readonly id: string }>('AlertParams', { id: alertId })

const targetName = described(text({ min: 1, max: 64 }), 'One target alone; all unless it is there')
export const targetBody = object<{ readonly target?: string }>('AlertTarget', {
  target: optional(targetName),
})

export const alertsQuery = object<AlertQuery>('AlertsQuery', {
  state: optional(described(oneOf(DELIVERY_STATES), 'With a delivery in this state')),
  severity: optional(described(oneOf(SEVERITIES), 'Of this severity or worse')),
  incident: optional(text({ min: 1, max: 256 })),
  limit: optional(integer({ min: 1, max: 200 })),
  after: optional(described(text({ min: 1, max: 128 }), 'A cursor from an earlier answer')),
})

const counts: Wire<SeverityCounts> = object<SeverityCounts>('SeverityCounts', {
  low: integer(),
  medium: integer(),
  high: integer(),
  critical: integer(),
})

const moment = object<Moment>('AlertMoment', {
  at: instant,
  rule: text(),
  title: text(),
  count: integer(),
})

const delivery = object<DeliveryView>('AlertDelivery', {
  target: text(),
  state: oneOf(DELIVERY_STATES),
  attempts: integer(),
  dueAt: nullable(instant),
  settledAt: nullable(instant),
  problem: maybeText,
})

export const alertView = object<AlertView>('Alert', {
  id: text(),
  change: oneOf(CHANGES),
  at: instant,
  severity: oneOf(SEVERITIES),
  title: text(),
  text: text(),
  rules: list(text()),
  incident: maybeText,
  tenant: maybeText,
  subject: described(maybeText, 'As its key'),
  name: described(maybeText, 'The subject as the application names it'),
  session: maybeText,
  network: maybeText,
  timeline: list(moment),
  link: maybeText,
  counts: described(nullable(counts), 'Of a digest: how many alerts it stands for'),
  deliveries: list(delivery),
})

export const alertPage = object<AlertPage>('AlertPage', {
  items: list(alertView),
  next: optional(described(text(), 'Pass as `after` to go on')),
})

export const sentAlert = object<SentAlert>('SentAlert', { id: text(), targets: list(text()) })

export const replayed = object<Replayed>('ReplayedAlert', { deliveries: integer() })
