import { SessionError } from 'holdfast'
import {
  described,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  text,
  type Wire,
} from 'holdfast/wire'
import { CHANGES, type Moment, type SeverityCounts } from '../../audit/alerts/alert.ts'
import {
  type AlertPage,
  type AlertQuery,
  type Alerts,
  type AlertView,
  DELIVERY_STATES,
  type DeliveryView,
  type Replayed,
  type SentAlert,
} from '../../audit/alerts/alerts.ts'
import { SEVERITIES } from '../../audit/finding.ts'
import type { AdminActs } from '../admin-acts.ts'
import { type Call, call, problemFacts } from '../call.ts'
import { atCursor } from '../problem.ts'

/** Alerts: what was sent to whom, a test of the targets, and sending again. */
export function alertCalls({
  alerts,
  acts,
}: {
  readonly alerts: Alerts
  readonly acts: AdminActs
}): readonly Call[] {
  return [
    call({
      id: 'listAlerts',
      method: 'get',
      path: '/v1/alerts',
      roles: ['audit'],
      summary: 'Alerts and what became of them, newest first',
      query: alertsQuery,
      answers: { 200: { about: 'A page; `next` is there when more follow', body: alertPage } },
      async handle({ query, ...asker }) {
        const body = await atCursor('after', () => alerts.list(query))
        await acts.looked(asker, 'alerts_listed', { question: JSON.stringify(query) })
        return { status: 200, body }
      },
    }),

    call({
      id: 'showAlert',
      method: 'get',
      path: '/v1/alerts/{id}',
      roles: ['audit'],
      summary: 'One alert with its deliveries',
      params: alertParams,
      answers: {
        200: { about: 'The alert', body: alertView },
        404: problemFacts('No such alert, or none any more'),
      },
      async handle({ params: { id }, ...asker }) {
        const alert = await alerts.show(id)
        if (alert === undefined) throw noAlert()
        await acts.looked(asker, 'alert_viewed', { question: id })
        return { status: 200, body: alert }
      },
    }),

    call({
      id: 'testAlerts',
      method: 'post',
      path: '/v1/alerts/test',
      roles: ['admin'],
      summary: 'Send an alert that says that it is a test, to one target or to all',
      body: targetBody,
      answers: {
        202: { about: 'It is on its way', body: sentAlert },
        404: problemFacts('No such target'),
      },
      async handle({ body: { target }, ...asker }) {
        await acts.did(asker, 'alert_tested', {})
        const sent = await alerts.test(target)
        if (sent === undefined) {
          throw new SessionError('not_found', 'There is no target of that name.')
        }
        return { status: 202, body: sent }
      },
    }),

    call({
      id: 'replayAlert',
      method: 'post',
      path: '/v1/alerts/{id}/replay',
      roles: ['admin'],
      summary: 'Send an alert again where it is dead or delivered',
      params: alertParams,
      body: targetBody,
      answers: {
        202: { about: 'How many deliveries are due again', body: replayed },
        404: problemFacts('No such alert, or none any more'),
      },
      async handle({ params: { id }, body: { target }, ...asker }) {
        await acts.did(asker, 'alert_replayed', {})
        const done = await alerts.replay(id, target)
        if (done === undefined) throw noAlert()
        return { status: 202, body: done }
      },
    }),
  ]
}

function noAlert(): SessionError {
  return new SessionError('not_found', 'There is no such alert, or none any more.')
}

const instant = described(integer({ min: 0 }), 'UTC, ms since the epoch')
const maybeText = nullable(text())
const alertId = text({
  pattern: { source: '^alert_[A-Za-z0-9_\\-]{22}$', problem: 'must be the id of an alert' },
})

const alertParams = object<{ readonly id: string }>('AlertParams', { id: alertId })

const targetName = described(text({ min: 1, max: 64 }), 'One target alone; all unless it is there')
const targetBody = object<{ readonly target?: string }>('AlertTarget', {
  target: optional(targetName),
})

const alertsQuery = object<AlertQuery>('AlertsQuery', {
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

const alertView = object<AlertView>('Alert', {
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

const alertPage = object<AlertPage>('AlertPage', {
  items: list(alertView),
  next: optional(described(text(), 'Pass as `after` to go on')),
})

const sentAlert = object<SentAlert>('SentAlert', { id: text(), targets: list(text()) })

const replayed = object<Replayed>('ReplayedAlert', { deliveries: integer() })
