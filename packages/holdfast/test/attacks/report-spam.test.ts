import { expect, test } from 'vitest'
import { codeOf, type Harness, HOUR, harness, inMemory } from '../support/harness.ts'

const TIMES = 10_000

async function entriesOf({ store }: Harness): Promise<number> {
  return (await store.feed.read(undefined, 1_000)).items.length
}

test('ten thousand reports of failed logins are told of, and a handful is kept', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  const before = await entriesOf(h)

  for (let i = 0; i < TIMES; i++) await h.sessions.report({ kind: 'login_failed', subject: 'ada' })

  expect((await entriesOf(h)) - before).toBeLessThanOrEqual(16)
  expect(h.events.filter(({ type }) => type === 'login-failed')).toHaveLength(TIMES)
  expect(codeOf(await h.show(token))).toBe('ok')
})

test('ten thousand false alarms of one session are kept once an hour', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  const session = token.split('.')[1] ?? ''
  const before = await entriesOf(h)

  for (let i = 0; i < TIMES; i++) await h.sessions.report({ kind: 'false_alarm', session })
  expect((await entriesOf(h)) - before).toBe(1)
  h.host.advance(HOUR)
  await h.sessions.report({ kind: 'false_alarm', session })

  expect((await entriesOf(h)) - before).toBe(2)
  expect(codeOf(await h.show(token))).toBe('ok')
})

test('ten thousand times "that was not me" end a session once', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  const other = await h.login()
  const session = token.split('.')[1] ?? ''
  const before = await entriesOf(h)

  for (let i = 0; i < TIMES; i++) await h.sessions.report({ kind: 'not_me', session })

  expect((await entriesOf(h)) - before).toBeLessThanOrEqual(2)
  expect(h.events.filter(({ type }) => type === 'session-revoked')).toHaveLength(1)
  expect(codeOf(await h.show(token))).not.toBe('ok')
  expect(codeOf(await h.show(other))).toBe('ok')
})
