import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newKeyring } from 'holdfast'
import { formatKeyring } from 'holdfast/maintenance'
import { expect, onTestFinished, test } from 'vitest'
import { type RedisServer, startRedis } from '../../../holdfast/test/support/redis.ts'
import { until } from '../../../holdfast/test/support/until.ts'
import { atHome, folder, LOGIN, type Running, running } from '../support.ts'

async function overRedis(): Promise<{ run: Running; redis: RedisServer; token: string }> {
  const redis = await startRedis()
  onTestFinished(() => redis.close())
  const ring = join(folder(), 'ring.json')
  writeFileSync(ring, formatKeyring(newKeyring()), { mode: 0o600 })
  const run = await running({
    HOLDFAST_STORE: `redis://127.0.0.1:${redis.port}`,
    HOLDFAST_STORE_TIMEOUT: '1s',
    HOLDFAST_KEYRING: ring,
  })
  await readyIs(run, 200)
  const created = await run.call('POST', '/v1/sessions', { body: { ...LOGIN, request: atHome() } })
  const { token } = await created.json()
  return { run, redis, token }
}

async function readyIs(run: Running, status: number): Promise<void> {
  await until(`/readyz answers ${status}`, async () => {
    return (await fetch(`${run.service.managementUrl}/readyz`)).status === status
  })
}

test('Redis that hangs is 503 in time, never a refusal, and recovers by itself', async () => {
  const { run, redis, token } = await overRedis()
  const verify = (): Promise<Response> =>
    run.call('POST', '/v1/verify', { body: { token, request: atHome() } })

  redis.pause()
  const [hung, ready] = await Promise.all([verify(), fetch(`${run.service.managementUrl}/readyz`)])
  const problem = await hung.json()
  redis.resume()
  await readyIs(run, 200)
  const after = await verify()

  expect([hung.status, problem.code]).toEqual([503, 'store_unavailable'])
  expect(hung.headers.get('retry-after')).toBe('1')
  expect(problem).not.toHaveProperty('cookie')
  expect(ready.status).toBe(503)
  expect(await after.json()).toMatchObject({ ok: true })
})

test('while Redis is away the service is not ready and confirms no logout', async () => {
  const { run, redis, token } = await overRedis()

  await redis.stop()
  const logout = await run.call('POST', '/v1/logout', { body: { token } })
  await readyIs(run, 503)
  const alive = await fetch(`${run.service.managementUrl}/livez`)
  await redis.restart()
  await readyIs(run, 200)
  const again = await run.call('POST', '/v1/sessions', { body: { ...LOGIN, request: atHome() } })

  expect(logout.status).toBe(503)
  expect(alive.status).toBe(200)
  expect(again.status).toBe(201)
})
