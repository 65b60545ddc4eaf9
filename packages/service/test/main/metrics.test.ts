import type { SessionEvent } from 'holdfast'
import { expect, test } from 'vitest'
import type { AuditState } from '../../src/audit/audit.ts'
import { serviceMetrics } from '../../src/main/metrics.ts'
import { allWorkerMetrics } from '../../src/main/worker-metrics.ts'

function event(facts: Partial<SessionEvent>): SessionEvent {
  return { type: 'anomaly-detected', session: null, subject: null, ...facts } as SessionEvent
}

test('endings that the store had lost are counted, and nothing else of the kind', async () => {
  const metrics = serviceMetrics()
  const [session, subject] = ['s', 'u'] as unknown as [
    SessionEvent['session'],
    SessionEvent['subject'],
  ]

  metrics.happened(event({ actor: 'engine', reason: 'store_rolled_back', session }))
  metrics.happened(event({ actor: 'engine', reason: 'store_rolled_back', subject }))
  metrics.happened(event({ actor: 'engine', reason: 'store_rolled_back' }))
  metrics.happened(event({ actor: 'client', reason: 'store_rolled_back', session }))
  metrics.happened(event({ actor: 'engine', reason: 'two_holders', session }))

  const text = await metrics.text()
  expect(text).toContain('holdfast_endings_given_again_total{of="session"} 1')
  expect(text).toContain('holdfast_endings_given_again_total{of="subject"} 1')
})

test('what an ended worker has counted stays, and what it had is gone', async () => {
  const all = allWorkerMetrics()
  const [first, second, third] = [serviceMetrics(), serviceMetrics(), serviceMetrics()]
  for (const [id, one] of [first, second, third].entries()) {
    one.shed()
    one.eventReaders(5)
    all.note(id, await one.registry.getMetricsAsJSON())
  }

  all.ended(0)
  const text = all.text()
  all.ended(1)
  await text

  expect(await all.text()).toContain('holdfast_requests_shed_total 3')
  expect(await all.text()).toContain('holdfast_event_readers 5')
})

test('a worker that ends while those before it are joined is counted', async () => {
  const all = allWorkerMetrics()
  for (let id = 0; id < 3; id++) {
    const one = serviceMetrics()
    one.shed()
    all.note(id, await one.registry.getMetricsAsJSON())
  }
  all.ended(0)
  all.ended(1)

  const joining = all.text()
  all.ended(2)
  await joining

  expect(await all.text()).toContain('holdfast_requests_shed_total 3')
})

test('workers that look at one audit log count what is in it once', async () => {
  const all = allWorkerMetrics()
  const outbox = [{ target: 'ops', pending: 2, dead: 1, folded: 0, oldestMs: 5 }]
  const shared = { outputs: {}, alerting: { outbox, sent: {} } }
  const witness = (is: 'waiting' | 'cosigning', lines: number | null) => ({ w1: { is, lines } })
  const states: readonly AuditState[] = [
    { ...shared, writer: 'writing', lines: 7, caughtUp: true, witnesses: witness('cosigning', 6) },
    {
      ...shared,
      writer: 'standby',
      lines: null,
      caughtUp: false,
      witnesses: witness('waiting', null),
    },
  ]
  for (const [id, state] of states.entries()) {
    const one = serviceMetrics()
    one.showAudit(async () => state)
    all.note(id, await one.registry.getMetricsAsJSON())
  }

  const text = await all.text()

  expect(text).toContain('holdfast_alerts{target="ops",is="pending"} 2')
  expect(text).toContain('holdfast_audit_lines 7')
  expect(text).toContain('holdfast_audit_witness{witness="w1",is="cosigning"} 1')
  expect(text).toContain('holdfast_audit_witness{witness="w1",is="waiting"} 0')
  expect(text).toContain('holdfast_audit_witness_lines{witness="w1"} 6')
  expect(text).toContain('holdfast_audit_writer{is="writing"} 1')
  expect(text).toContain('holdfast_audit_writer{is="standby"} 1')
})
