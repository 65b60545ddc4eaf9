import { connect } from 'holdfast/client'
import { expect, test } from 'vitest'
import { atHome, KEYS, LOGIN, running } from '../support.ts'

/** The owner's browser on another network, in another language: 22 dB. */
const elsewhere = atHome({
  ip: '198.51.100.7',
  headers: { ...atHome().headers, 'accept-language': 'en-GB,en;q=0.9' },
})

test('each tenant is judged by its own policy, in whatever form it is written', async () => {
  const run = await running({
    HOLDFAST_POLICY: '{ observe: 10, challenge: 23, limit: 40 }',
    HOLDFAST_TENANT_POLICIES: '{ bank: strict, forum: { hijacks: 0.0001, missCost: 800 } }',
  })
  const sessions = connect({ url: run.service.url, key: KEYS.all })
  const outcomes: Record<string, string | undefined> = {}
  for (const tenant of ['default', 'bank', 'forum']) {
    const created = await sessions.create({ ...LOGIN, tenant, request: atHome() })
    if (!created.ok) throw new Error(created.code)
    const shown = await sessions.verify({ token: created.token, request: elsewhere })
    outcomes[tenant] = shown.decision?.outcome
  }

  expect(outcomes).toEqual({ default: 'observe', bank: 'challenge', forum: 'observe' })
})

test('the shadow policy leaves its differences in the event log and acts on none', async () => {
  const run = await running({ HOLDFAST_SHADOW_POLICY: '{ observe: 5, challenge: 15, limit: 40 }' })
  const sessions = connect({ url: run.service.url, key: KEYS.all })
  const created = await sessions.create({ ...LOGIN, request: atHome() })
  if (!created.ok) throw new Error(created.code)

  const shown = await sessions.verify({ token: created.token, request: elsewhere })
  const answer = await run.call('GET', '/v1/events?type=policy-differed')

  expect(shown.decision?.outcome).toBe('observe')
  expect(await answer.json()).toMatchObject({
    items: [{ reason: 'observe', decision: { outcome: 'challenge', score: 22 } }],
  })
})
