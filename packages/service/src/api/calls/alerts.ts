import { SessionError } from 'holdfast'
import type { Alerts } from '../../audit/alerts/alerts.ts'
import type { AdminActs } from '../admin-acts.ts'
import {
  alertPage,
  alertParams,
  alertsQuery,
  alertView,
  replayed,
  sentAlert,
  targetBody,
} from '../alert-bodies.ts'
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
