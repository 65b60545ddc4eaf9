import type { SessionEvent } from 'holdfast'
import { expect, test } from 'vitest'
import { serviceMetrics } from '../../src/main/metrics.ts'

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
