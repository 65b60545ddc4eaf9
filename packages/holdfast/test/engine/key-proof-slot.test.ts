import { expect, test } from 'vitest'
import { NO_HISTORY } from '../../src/core/history.ts'
import type { Signal } from '../../src/core/signal.ts'
import { explain } from '../../src/engine/judging/weigh.ts'
import { balanced, lenient, strict } from '../../src/policies/index.ts'
import { starterSignals } from '../../src/signals/index.ts'
import { laptop, oslo, presented, sessionOf, used } from '../signals/scene.ts'
import { harness, inMemory } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

test.each([balanced, lenient, strict])(
  'a key proof that fails ends the session under $name, whatever speaks for its holder',
  (policy) => {
    const scales = { signals: starterSignals(), policy: policy(), acrOrder: [] }
    const recorded = {
      session: sessionOf(used(oslo, laptop)),
      presentation: presented(oslo),
      history: NO_HISTORY,
    }

    expect(explain(scales, recorded).outcome).toBe('allow')
    expect(
      explain(scales, { ...recorded, options: { contradiction: 'failed_key_proof' } }),
    ).toMatchObject({
      outcome: 'revoke',
      because: expect.arrayContaining([expect.objectContaining({ reason: 'failed_key_proof' })]),
    })
  },
)

test('a signal of key proofs has its say, and its reason stays with the context', async () => {
  const proofMissing: Signal = (_session, { method }) =>
    method === 'PUT'
      ? [{ group: 'K', reason: 'proof_missing', weight: 14, detail: {}, text: 'No proof came.' }]
      : []
  const { sessions, login, show } = await harness(inMemory, {
    signals: [...starterSignals(), proofMissing],
  })
  const token = await login()

  const answer = await show(token, atHome({ ip: '192.0.2.99', method: 'PUT', client: {} }), {
    sensitivity: 'sensitive',
  })

  expect(answer.decision?.because).toContainEqual(
    expect.objectContaining({ group: 'K', reason: 'proof_missing', weight: 14 }),
  )
  const [session] = (await sessions.list({ subject: 'ada' })).items
  expect(session?.contexts[0]?.because).toContainEqual({
    group: 'K',
    reason: 'proof_missing',
    weight: 14,
  })
})
