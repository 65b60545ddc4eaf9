import type { LookupFunction } from 'node:net'
import type { Database } from '../database.ts'
import type { Incident } from '../finding.ts'
import type { ProblemLog } from '../problem-log.ts'
import { type Alert, type AlertContext, alertId, alertOf, changeOf, ownAlert } from './alert.ts'
import type { Alerts } from './alerts.ts'
import { openTargets } from './open-targets.ts'
import { createOutbox } from './outbox.ts'
import { type OutboxCounts, outboxView } from './outbox-view.ts'
import { planOf } from './routes.ts'
import { createSender, type SenderState } from './sender.ts'
import type { AlertSettings } from './settings.ts'

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
  start(): void
  stop(): Promise<void>
  /** For the erasure of a subject, by its key: its alerts no longer tell who it is. */
  forget(subject: string): void
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
  readonly now: () => number
  readonly random: (size: number) => Uint8Array
  readonly log: ProblemLog
  readonly lookup?: LookupFunction
}

/** Throws `config_invalid` for targets that cannot be opened. */
export function createAlerting(options: AlertingOptions): Alerting {
  const { database, settings, now, random, log } = options
  const targets = openTargets(settings.targets, options)
  const names = Object.keys(targets)
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
    start: sender.start,
    stop: sender.stop,
    forget: (subject) => void outbox.forget(subject),
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
