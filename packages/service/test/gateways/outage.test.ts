import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newKeyring } from 'holdfast'
import { fakeHost } from 'holdfast/contracts'
import { formatKeyring } from 'holdfast/maintenance'
import { expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../../../holdfast/test/support/redis.ts'
import { until } from '../../../holdfast/test/support/until.ts'
import { folder } from '../support.ts'
import { cookieOf, forwarded, gated, original, passedOn } from './gates.ts'

test('in an outage every dialect answers 503, keeps cookies, and recovers after', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.close())
  const ring = join(folder(), 'ring.json')
  writeFileSync(ring, formatKeyring(newKeyring(fakeHost())), { mode: 0o600 })
  const run = await gated({
    HOLDFAST_STORE: `redis://127.0.0.1:${redis.port}`,
    HOLDFAST_STORE_TIMEOUT: '1s',
    HOLDFAST_KEYRING: ring,
  })
  const page = { 'sec-fetch-mode': 'navigate', cookie: cookieOf(run.token) }
  const ask = () =>
    Promise.all([
      run.ask('/v1/gate/forward-auth?rotate=yes', forwarded(page)),
      run.ask('/v1/gate/forward-auth?optional=yes', forwarded(page)),
      run.ask('/v1/gate/auth-request?rotate=yes', original(page)),
      run.ask('/v1/gate/ext-authz/rotate=yes/orders', passedOn(page)),
    ])

  redis.pause()
  const down = await ask()
  redis.resume()
  await until('the store answers', async () => (await ask()).every(({ status }) => status === 200))

  for (const answer of down) {
    expect(answer.status).toBe(503)
    expect(answer.header('retry-after')).toBe('1')
    expect(answer.header('holdfast-code')).toBe('store_unavailable')
    expect(answer.setCookies).toEqual([])
  }
})
