import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import type { Verification } from '../../src/core/sessions.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { codeOf, type Harness, harness, MINUTE } from '../support/harness.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

/** An engine on a Redis of its own, persistent so that a restart keeps its sessions. */
async function onRedis(): Promise<{ readonly h: Harness; readonly server: RedisServer }> {
  const server = await startRedis()
  onTestFinished(() => server.close())
  const client = new Redis({ port: server.port, retryStrategy: () => 50 })
  client.on('error', () => {})
  onTestFinished(() => client.disconnect())
  const h = await harness(async (now) => redisStore({ client, now, timeout: 1_000 }))
  await until('the store works', () =>
    h.login().then(
      () => true,
      () => false,
    ),
  )
  return { h, server }
}

/** What came of many requests at once: codes of answers, or of the faults they threw. */
async function load(h: Harness, token: string, requests = 40): Promise<readonly string[]> {
  const outcomes = await Promise.all(
    Array.from(
      { length: requests },
      (): Promise<Verification | { readonly code: string }> =>
        h.show(token).catch((error: { readonly code: string }) => error),
    ),
  )
  return outcomes.map((one) => ('ok' in one ? codeOf(one) : one.code))
}

test('a Redis that hangs under load logs nobody out, and serves again by itself', async () => {
  const { h, server } = await onRedis()
  const token = await h.login()
  h.host.advance(6 * MINUTE)
  expect(new Set(await load(h, token))).toEqual(new Set(['ok']))

  server.pause()
  const [shown, ...others] = await Promise.allSettled([
    load(h, token),
    h.sessions.logout(token),
    h.login(),
  ])
  server.resume()
  expect(shown).toMatchObject({ status: 'fulfilled' })
  expect(new Set(shown.status === 'fulfilled' ? shown.value : [])).toEqual(
    new Set(['store_unavailable']),
  )
  for (const other of others) {
    expect(other).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable' } })
  }

  await until('the engine recovers', async () => (await load(h, token, 1))[0] === 'ok')
  expect(new Set(await load(h, token))).toEqual(new Set(['ok']))
})

test('a Redis that is stopped is never "logged out" and never "let in"', async () => {
  const { h, server } = await onRedis()
  const token = await h.login()

  await server.stop()
  for (let i = 0; i < 3; i++) {
    expect(new Set(await load(h, token))).toEqual(new Set(['store_unavailable']))
  }
  await server.restart()

  await until('the engine recovers', () =>
    h.login().then(
      () => true,
      () => false,
    ),
  )
  expect(codeOf(await h.show(await h.login()))).toBe('ok')
})

test('a logout that was not confirmed is none: it is asked again and then holds', async () => {
  const { h, server } = await onRedis()
  const token = await h.login()

  server.pause()
  await expect(h.sessions.logout(token)).rejects.toMatchObject({ code: 'store_unavailable' })
  server.resume()
  await until('the logout is confirmed', () =>
    h.sessions.logout(token).then(
      () => true,
      () => false,
    ),
  )

  expect(codeOf(await h.show(token))).toBe('session_unknown')
})
