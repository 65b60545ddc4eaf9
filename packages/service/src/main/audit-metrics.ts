import { Gauge, type Registry } from 'prom-client'
import type { AuditState } from '../audit/audit.ts'
import type { Metrics } from './metrics.ts'

const WRITER = ['writing', 'standby', 'failing'] as const

const WITNESS = ['waiting', 'cosigning', 'failing', 'refusing'] as const

/** The audit log of this process. Its thread is asked when somebody reads the metrics. */
export function auditMetrics(registers: Registry[]): Pick<Metrics, 'showAudit'> {
  return {
    showAudit(state) {
      let asking: Promise<AuditState | undefined> | undefined

      /** All gauges of one reading show one answer. */
      function told(): Promise<AuditState | undefined> {
        asking ??= state().finally(() => {
          asking = undefined
        })
        return asking
      }

      function gauge(
        name: string,
        facts: {
          readonly help: string
          readonly labelNames?: string[]
          readonly aggregator?: 'sum'
        },
        show: (gauge: Gauge, state: AuditState) => void,
      ): void {
        new Gauge({
          name,
          // Processes of one machine look at one log: each has the same, or nothing.
          aggregator: 'max',
          ...facts,
          registers,
          async collect() {
            this.reset()
            const answer = await told()
            if (answer !== undefined) show(this, answer)
          },
        })
      }

      gauge(
        'holdfast_audit_writer',
        {
          help: 'What this process is to the audit log: writing, standby or failing.',
          labelNames: ['is'],
          aggregator: 'sum',
        },
        (one, { writer }) => {
          for (const is of WRITER) one.set({ is }, writer === is ? 1 : 0)
        },
      )
      gauge(
        'holdfast_audit_lines',
        { help: 'Lines of the audit log, where this process writes it.' },
        (one, { lines }) => one.set(lines ?? 0),
      )
      gauge(
        'holdfast_audit_behind',
        {
          help: '1 while index or rules lack a part of the log that this process writes.',
        },
        (one, { lines, caughtUp }) => one.set(lines === null || caughtUp ? 0 : 1),
      )
      gauge(
        'holdfast_audit_output_entries',
        {
          help: 'Entries of each output of the audit log: sent, dropped, or queued.',
          labelNames: ['output', 'is'],
        },
        (one, { outputs }) => {
          for (const [output, { sent, dropped, queued }] of Object.entries(outputs)) {
            one.set({ output, is: 'sent' }, sent)
            one.set({ output, is: 'dropped' }, dropped)
            one.set({ output, is: 'queued' }, queued)
          }
        },
      )
      gauge(
        'holdfast_audit_witness',
        {
          help: 'What each witness does: waiting, cosigning, failing or refusing.',
          labelNames: ['witness', 'is'],
        },
        (one, { lines, witnesses }) => {
          if (lines === null) return
          for (const [witness, { is: does }] of Object.entries(witnesses)) {
            for (const is of WITNESS) one.set({ witness, is }, does === is ? 1 : 0)
          }
        },
      )
      gauge(
        'holdfast_audit_witness_lines',
        { help: 'Lines of the audit log that each witness has signed.', labelNames: ['witness'] },
        (one, { witnesses }) => {
          for (const [witness, { lines }] of Object.entries(witnesses)) {
            if (lines !== null) one.set({ witness }, lines)
          }
        },
      )
      gauge(
        'holdfast_alerts',
        {
          help: 'Alerts by target: pending, dead (given up), and tries: delivered, failed.',
          labelNames: ['target', 'is'],
        },
        (one, { alerting: { outbox, sent } }) => {
          for (const { target, pending, dead } of outbox) {
            one.set({ target, is: 'pending' }, pending)
            one.set({ target, is: 'dead' }, dead)
          }
          for (const [target, { delivered, failed }] of Object.entries(sent)) {
            one.set({ target, is: 'delivered' }, delivered)
            one.set({ target, is: 'failed' }, failed)
          }
        },
      )
    },
  }
}
