import { expect, test } from 'vitest'
import { everything } from '../../src/contracts/stores/feed-entries.ts'
import type { FeedHold } from '../../src/core/feed.ts'
import { subjectOf } from '../../src/core/ids.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { type Harness, harness, held, MINUTE } from '../support/harness.ts'

const FULL = { code: 'store_unavailable', message: expect.stringContaining('audit log') }

interface Scene extends Harness {
  readonly hold: FeedHold
  readonly token: string
}

/** Ada is logged in, and so many of her events wait for the audit log that no more may. */
async function scene(): Promise<Scene> {
  const bounds = { feedLimit: 50, auditBacklogBytes: 1_000_000 }
  const h = await harness(async (now) => memoryStore({ now, ...bounds }))
  const { hold } = h.store.feed
  if (hold === undefined) throw new Error('The store does not hold its feed.')
  const token = await h.login()
  await h.show(token)
  await hold.confirm(await h.store.feed.head())
  for (let logins = 0; logins < 1_000; logins++) {
    try {
      await h.login()
    } catch (error) {
      expect(error).toMatchObject(FULL)
      return { ...h, hold, token }
    }
  }
  throw new Error('The store lets wait whatever comes.')
}

test('while no more may wait, logins are refused, and what has not changed passes', async () => {
  const { login, show, host, token, store } = await scene()
  const before = await store.feed.head()

  await expect(login()).rejects.toMatchObject(FULL)
  expect(await show(token)).toMatchObject({ ok: true, decision: { outcome: 'allow' } })
  host.advance(3 * MINUTE)
  const touched = await show(token)

  expect(touched).toMatchObject({ ok: true })
  const id = touched.ok ? touched.session.id : ''
  expect((await store.entries.read(id))?.lastActivity).toBe(host.now())
  expect(await store.feed.head()).toBe(before)
})

test('a rotation that is due is a change, and waits', async () => {
  const { show, host, token } = await scene()
  host.advance(6 * MINUTE)

  await expect(show(token)).rejects.toMatchObject(FULL)
})

test('while no more may wait, sessions are ended, and the feed has it', async () => {
  const { sessions, show, token, store, hold, events } = await scene()
  const before = await store.feed.head()
  const answer = await show(token)
  const id = answer.ok ? answer.session.id : ''

  await sessions.logout(token)
  await sessions.revokeSubject({ subject: 'ada' }, { reason: 'test' })

  expect(await show(token)).toMatchObject({ ok: false, code: 'session_unknown' })
  const ended = events.filter(({ type }) => /^(session|subject)-revoked$/.test(type))
  expect(await everything(store, before)).toMatchObject([
    { kind: 'revoked', session: id, reason: 'logout' },
    { kind: 'event', id: ended[0]?.id },
    { kind: 'subject', subject: subjectOf(id) },
    { kind: 'event', id: ended[1]?.id },
  ])
  const waiting = await everything(store, await hold.confirmed())
  expect(waiting.slice(-1)).toMatchObject([{ id: ended[1]?.id }])
})

test('once the audit log has caught up, everybody can log in and rotate again', async () => {
  const { login, show, hold, store, host, token } = await scene()
  host.advance(6 * MINUTE)
  await expect(login()).rejects.toMatchObject(FULL)

  let cursor = (await hold.confirmed()) ?? ''
  for (;;) {
    const page = await store.feed.read(cursor, 10)
    if (page.items.length === 0) break
    cursor = page.cursor
    await hold.confirm(cursor)
  }

  const rotated = held(token, await show(token))
  expect(rotated).not.toBe(token)
  expect(await show(await login())).toMatchObject({ ok: true })
})
