import { expect, test } from 'vitest'
import type { Report } from '../../src/core/sessions.ts'
import { eventLog } from '../../src/maintenance/event-log.ts'
import { codeOf, type Harness, HOUR, harness, inMemory, SECOND } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

const idOf = (token: string): string => token.split('.')[1] ?? ''

async function kept(h: Harness, type: string): Promise<number> {
  const { items } = await eventLog(h).read(undefined, 1_000)
  return items.filter((event) => event.type === type).length
}

test('feedback that is repeated is kept once an hour, and changes no judgement', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  const alarm: Report = { kind: 'false_alarm', session: idOf(token) }

  for (let i = 0; i < 100; i++) {
    h.host.advance(SECOND)
    await h.sessions.report(alarm)
  }
  expect(await kept(h, 'false-alarm-reported')).toBe(1)

  h.host.advance(HOUR)
  await h.sessions.report(alarm)
  expect(await kept(h, 'false-alarm-reported')).toBe(2)
  expect(codeOf(await h.show(token))).toBe('ok')
})

test('"not me" about a session that is over leaves nothing more behind', async () => {
  const h = await harness(inMemory)
  const token = await h.login()

  for (let i = 0; i < 100; i++) await h.sessions.report({ kind: 'not_me', session: idOf(token) })

  expect(await kept(h, 'session-revoked')).toBe(1)
})

test('a browser that changes its screen with every request is one event an hour', async () => {
  const h = await harness(inMemory)
  const token = await h.login()

  for (let i = 0; i < 100; i++) {
    h.host.advance(SECOND)
    const client = { screen: `${800 + i}x600x1`, timezone: 'Europe/Oslo' }
    expect(codeOf(await h.show(token, atHome({ client }), { deliverable: false }))).toBe('ok')
  }

  expect(await kept(h, 'context-changed')).toBe(1)
})
