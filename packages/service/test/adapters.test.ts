import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newKeyring } from 'holdfast'
import { connect } from 'holdfast/client'
import { type AdapterHarness, adapterContract, fakeHost } from 'holdfast/contracts'
import { formatKeyring } from 'holdfast/maintenance'
import { formatSigningKeys, newSigningKeys } from 'holdfast/tokens'
import { STARTERS } from '../../holdfast/test/contracts/apps/index.ts'
import { startRedis } from '../../holdfast/test/support/redis.ts'
import { until } from '../../holdfast/test/support/until.ts'
import { startService } from '../src/index.ts'
import { configOf, KEYS } from './support.ts'

/**
 * Sessions that live in a service of their own, over real HTTP and a real Redis that can be made to
 * hang.
 */
async function remoteHarness(): Promise<AdapterHarness> {
  const host = fakeHost()
  const redis = await startRedis()
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-remote-'))
  const ring = join(folder, 'ring.json')
  writeFileSync(ring, formatKeyring(newKeyring(host)), { mode: 0o600 })
  const signing = join(folder, 'signing.json')
  writeFileSync(signing, formatSigningKeys(newSigningKeys({ host })), { mode: 0o600 })
  const config = configOf({
    HOLDFAST_STORE: `redis://127.0.0.1:${redis.port}`,
    HOLDFAST_STORE_TIMEOUT: '1s',
    HOLDFAST_KEYRING: ring,
    HOLDFAST_SIGNING_KEYS: signing,
    HOLDFAST_AUDIENCES: '{ api: {}, orders: {} }',
    HOLDFAST_ACR_ORDER: 'aal1,aal2',
  })
  const service = await startService(config, { host, log: { write: () => {} } })
  const isReady = async (): Promise<boolean> =>
    (await fetch(`${service.managementUrl}/readyz`)).status === 200
  await until('the service is ready', isReady)

  return {
    sessions: connect({ url: service.url, key: KEYS.app, timeout: 30_000 }),
    now: host.now,
    advance: host.advance,
    breakStore() {
      redis.pause()
      return () => redis.resume()
    },
    async close() {
      await service.close()
      await redis.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Frameworks differ in this process alone, so one of each way to hand on a request suffices. */
const REMOTELY = ['express 5', 'fastify', 'fetch']

for (const [name, start] of STARTERS.filter(([name]) => REMOTELY.includes(name))) {
  adapterContract(`${name} (through connect)`, start, remoteHarness)
}
