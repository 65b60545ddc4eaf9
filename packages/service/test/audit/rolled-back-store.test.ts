import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newKeyring, systemHost } from 'holdfast'
import { connect } from 'holdfast/client'
import { formatKeyring } from 'holdfast/maintenance'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { faultProxy } from '../../../holdfast/test/support/fault-proxy.ts'
import { startRedis } from '../../../holdfast/test/support/redis.ts'
import { until } from '../../../holdfast/test/support/until.ts'
import { readLog } from '../../src/audit/log/read.ts'
import { verifyAudit } from '../../src/audit/log/verify.ts'
import { type Service, startService } from '../../src/index.ts'
import { atHome, configOf, folder, KEYS } from '../support.ts'

const PEOPLE = ['ada', 'grace', 'linus', 'mia']

/** A primary and its replica behind one address, and services on them. */
async function estate() {
  const primary = await startRedis()
  const replica = await startRedis(['--replicaof', '127.0.0.1', String(primary.port)])
  const [first, second] = [primary, replica].map(({ port }) => new Redis({ port }))
  const line = await faultProxy()
  line.lead(primary.port)
  onTestFinished(async () => {
    for (const one of [first, second]) one?.disconnect()
    await line.close()
    await Promise.all([primary.close(), replica.close()])
  })
  const files = folder()
  const keyring = join(files, 'ring.json')
  writeFileSync(keyring, formatKeyring(newKeyring()), { mode: 0o600 })
  const directory = join(files, 'audit')
  const lines: string[] = []

  return {
    directory,
    /** Cuts the replica off: what is acknowledged from then on is lost by the fail-over. */
    async split() {
      await until('the replica has all', async () => {
        const sizes = await Promise.all([first, second].map((one) => one?.dbsize()))
        return sizes[0] === sizes[1]
      })
      await second?.call('REPLICAOF', 'NO', 'ONE')
    },
    failOver() {
      line.lead(replica.port)
      line.reset()
    },
    async start(env: Record<string, string> = {}): Promise<Service> {
      const service = await startService(
        configOf({
          HOLDFAST_STORE: `redis://127.0.0.1:${line.port}`,
          HOLDFAST_STORE_TIMEOUT: '5s',
          HOLDFAST_KEYRING: keyring,
          ...env,
        }),
        { host: systemHost(), log: { write: (text) => void lines.push(text) } },
      )
      onTestFinished(() => service.close())
      return service
    },
    /** Ids of the events that the services have told of. The loss itself is told and not kept. */
    told: () =>
      lines
        .filter((text) => text.includes('"event_id"') && !text.includes('"store_rolled_back"'))
        .map((text): string => JSON.parse(text).event_id),
    /** Ids in the audit log, and the reasons of its gaps. */
    logged() {
      const all = [...readLog({ directory })].map(({ line }) => line)
      return {
        ids: all.flatMap((one) => (one.kind === 'event' ? one.event.id : [])),
        gaps: all.flatMap((one) => (one.kind === 'gap' ? one.reason : [])),
      }
    },
  }
}

async function logins(service: Service, times: number): Promise<void> {
  const sessions = connect({ url: service.url, key: KEYS.app, timeout: '30s' })
  for (let n = 0; n < times; n++) {
    for (const subject of PEOPLE) {
      const done = await sessions.create({ subject, request: atHome() })
      expect(done.ok).toBe(true)
    }
  }
}

const isReady = async (service: Service): Promise<boolean> =>
  (await fetch(`${service.managementUrl}/readyz`)).status === 200

async function allLogged({ told, logged }: Awaited<ReturnType<typeof estate>>): Promise<void> {
  await until('the log has every event', () => logged().ids.length >= told().length)
}

function expectEachOnce({ told, logged, directory }: Awaited<ReturnType<typeof estate>>): void {
  const { ids, gaps } = logged()
  expect([...ids].sort()).toEqual([...told()].sort())
  expect(gaps.length).toBeGreaterThan(0)
  expect(new Set(gaps)).toEqual(new Set(['rolled_back']))
  expect(verifyAudit([directory]).faults).toEqual([])
}

test.each([
  ['fewer events follow than were lost', 1],
  ['more events follow than were lost', 12],
])(
  'what a promotion loses stays in the log, and what took its numbers comes after a gap: %s',
  async (_, after) => {
    const world = await estate()
    const service = await world.start({ HOLDFAST_AUDIT_DIRECTORY: world.directory })
    await logins(service, 5)
    await allLogged(world)
    await world.split()
    await logins(service, 4)
    await allLogged(world)

    world.failOver()
    await until('the store is back', () => isReady(service))
    await logins(service, after)

    await allLogged(world)
    await service.close()
    expectEachOnce(world)
  },
)

test('a writer that was away while the store came back with less finds it out', async () => {
  const world = await estate()
  const audit = { HOLDFAST_AUDIT_DIRECTORY: world.directory }
  const writer = await world.start(audit)
  const other = await world.start()
  await logins(other, 5)
  await world.split()
  await logins(other, 4)
  await allLogged(world)
  await writer.close()

  world.failOver()
  await until('the store is back', () => isReady(other))
  await logins(other, 12)
  const again = await world.start(audit)

  await allLogged(world)
  await again.close()
  expectEachOnce(world)
})
