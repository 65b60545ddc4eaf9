import type { SessionEvent } from 'holdfast'
import { expect, test } from 'vitest'
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
