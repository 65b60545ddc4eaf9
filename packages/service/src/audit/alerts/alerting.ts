import type { LookupFunction } from 'node:net'
import type { Database } from '../database.ts'
import type { Incident } from '../finding.ts'
import type { ProblemLog } from '../problem-log.ts'
import { type Alert, type AlertContext, alertId, alertOf, changeOf, ownAlert } from './alert.ts'
import type { Alerts } from './alerts.ts'
import type { Notice } from './notices/notice.ts'
import { openNotices } from './notices/notice-target.ts'
import { openTargets } from './open-targets.ts'
import { createOutbox } from './outbox.ts'
import { type OutboxCounts, outboxView } from './outbox-view.ts'
import { planOf } from './routes.ts'
import { createSender, type SenderState } from './sender.ts'
import { type AlertSettings, NOTICES, type NoticeSettings } from './settings.ts'

/** Everything between an incident and those who are told of it, over one database. */
export interface Alerting {
  /**
   * Within the transaction that writes the incident: notes the alert that the change is worth, if
   * any, and sends it as soon as the transaction is over.
   */
  raise(
    before: Incident | undefined,
    after: Incident,
    context?: Pick<AlertContext, 'tenant' | 'name'>,
  ): Alert | undefined
  /**
   * Within the transaction that notes that its event was read: sends a notice to the application.
   * Nothing where notices are off.
   *
   * @param subject Key of whom it is for.
   */
  notify(notice: Notice, subject: string | null): void
  start(): void
  stop(): Promise<void>
  /** For the erasure of a subject, by its key: its alerts no longer tell who it is. */
  forget(subject: string): void
  /** Deletes some that were settled before an instant. Answers how many rows. */
  prune(before: number): number
  /** For metrics. */
  state(): AlertingState
  readonly alerts: Alerts
}

export interface AlertingState {
  readonly outbox: readonly OutboxCounts[]
  readonly sent: Readonly<Record<string, SenderState>>
}

export interface AlertingOptions {
  readonly database: Database
  readonly settings: AlertSettings
  /** Undefined where they are off. `key` signs their links. */
  readonly notices?: (NoticeSettings & { readonly key: Uint8Array }) | undefined
  readonly now: () => number
  readonly random: (size: number) => Uint8Array
  readonly log: ProblemLog
  readonly lookup?: LookupFunction
}

/** Throws `config_invalid` for targets that cannot be opened. */
export function createAlerting(options: AlertingOptions): Alerting {
  const { database, settings, notices, now, random, log } = options
  const forAlerts = openTargets(settings.targets, options)
  const names = Object.keys(forAlerts)
  const targets = {
    ...forAlerts,
    ...(notices && { [NOTICES]: openNotices(notices, { ...options, key: notices.key }) }),
  }
  const outbox = createOutbox({ database, now, random })
  const view = outboxView(database, now)
  const sender = createSender({ outbox, targets, now, log })

  return {
    raise(before, after, context = {}) {
      const change = changeOf(before, after)
      if (change === undefined) return undefined
      const alert = alertOf(after, change, { ...context, console: settings.console })
      outbox.enqueue(alert, planOf(alert, { routes: settings.routes, targets: names }, now()))
      return alert
    },
    notify(notice, subject) {
      if (notices === undefined) return
      outbox.enqueue(noticeAlert(notice, subject), [{ target: NOTICES, holdUntil: null }])
    },
    start: sender.start,
    stop: sender.stop,
    forget: (subject) => void outbox.forget(subject),
    prune: outbox.prune,
    state: () => ({ outbox: view.counts(), sent: sender.state() }),
    alerts: {
      list: async (query) => view.list(query),
      show: async (id) => view.show(id),
      async test(target) {
        if (target !== undefined && !names.includes(target)) return undefined
        const to = target === undefined ? names : [target]
        const id = alertId(['test', Buffer.from(random(16)).toString('base64url')])
        const planned = to.map((one) => ({ target: one, holdUntil: null }))
        database.transaction(() => outbox.enqueue(testAlert(id, now()), planned))
        return { id, targets: to }
      },
      async replay(id, target) {
        if (view.show(id) === undefined) return undefined
        return { deliveries: outbox.replay(id, target) }
      },
    },
  }
}

function noticeAlert(notice: Notice, subject: string | null): Alert {
  const { kind, event, at, session, subject: name, tenant } = notice
  return ownAlert({
    id: alertId(['notice', kind, event]),
    change: 'notice',
    at,
    severity: 'low',
    title: `Notice to the subject: ${kind}`,
    text: '',
    ...{ session, subject, name, tenant, notice },
  })
}

function testAlert(id: string, at: number): Alert {
  return ownAlert({
    id,
    change: 'test',
    at,
    severity: 'low',
    title: 'Test of the alerts',
    text: 'Somebody asked for this alert to see whether it arrives. Nothing happened.',
  })
}
