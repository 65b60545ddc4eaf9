import { renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { newKeyring, systemHost } from 'holdfast'
import { formatKeyring } from 'holdfast/maintenance'
import { formatSigningKeys, newSigningKeys } from 'holdfast/tokens'
import { expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../../../holdfast/test/support/redis.ts'
import { readLog } from '../../src/audit/log/read.ts'
import { verifyAudit } from '../../src/audit/log/verify.ts'
import { type Service, startService } from '../../src/index.ts'
import { atHome, configOf, folder, KEYS } from '../support.ts'

const DAY_MS = 86_400_000

interface Told {
  readonly rules: readonly string[]
  readonly title: string
}

/** A receiver of webhooks, and the setting that names it. */
async function receiver(): Promise<{ readonly alerts: string; readonly got: readonly Told[] }> {
  const got: Told[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      got.push(JSON.parse(text).data)
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const secrets = [`whsec_${Buffer.alloc(24, 7).toString('base64')}`]
  const ops = { type: 'webhook', url, secrets, allowPrivate: true }
  return { alerts: JSON.stringify({ targets: { ops } }), got }
}

async function service(env: Record<string, string>): Promise<Service> {
  const started = await startService(configOf(env), {
    host: systemHost(),
    log: { write: () => {} },
    troublesEveryMs: 50,
  })
  onTestFinished(() => started.close())
  return started
}

function secretFile(name: string, text: string): string {
  const path = join(folder(), name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

test('a key past its age becomes one alert and one line of the log', async () => {
  const directory = join(folder(), 'audit')
  const { alerts, got } = await receiver()
  const keys = newSigningKeys({ host: { now: () => Date.now() - 200 * DAY_MS } })
  const env = {
    HOLDFAST_AUDIT_DIRECTORY: directory,
    HOLDFAST_ALERTS: alerts,
    HOLDFAST_AUDIENCES: '{ app: {} }',
    HOLDFAST_SIGNING_KEYS: secretFile('signing.json', formatSigningKeys(keys)),
  }

  const running = await service(env)
  await expect.poll(() => got.length, { timeout: 20_000 }).toBe(1)
  await running.close()
  const found = [...readLog({ directory })].flatMap(({ line }) =>
    line.kind === 'finding' ? [line.finding] : [],
  )
  expect(got).toMatchObject([{ rules: ['key_overdue'] }])
  expect(found).toMatchObject([{ rule: 'key_overdue', subject: null, events: [] }])
  expect(await verifyAudit([directory])).toMatchObject({ ok: true, faults: [] })
})

test('a store that is away is told of while it is away', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.close())
  const { alerts, got } = await receiver()
  await service({
    HOLDFAST_STORE: `redis://127.0.0.1:${redis.port}`,
    HOLDFAST_STORE_TIMEOUT: '300ms',
    HOLDFAST_KEYRING: secretFile('ring.json', formatKeyring(newKeyring())),
    HOLDFAST_AUDIT_DIRECTORY: join(folder(), 'audit'),
    HOLDFAST_ALERTS: alerts,
  })

  await redis.stop()

  const rules = (): readonly string[] => got.flatMap((one) => one.rules)
  await expect.poll(rules, { timeout: 30_000 }).toContain('store_unreachable')
  await expect.poll(rules, { timeout: 30_000 }).toContain('feed_blind')
  expect(rules()).not.toContain('audit_unwritten')
})

test('an audit log that cannot be written is told of, though no log has it', async () => {
  const parent = folder()
  const directory = join(parent, 'audit')
  const { alerts, got } = await receiver()
  const { url } = await service({ HOLDFAST_AUDIT_DIRECTORY: directory, HOLDFAST_ALERTS: alerts })
  await expect.poll(() => [...readLog({ directory })].length, { timeout: 20_000 }).toBe(2)

  renameSync(directory, join(parent, 'moved'))
  writeFileSync(directory, 'a file is where the directory was')
  await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS.app}`, 'content-type': 'application/json' },
    body: JSON.stringify({ subject: 'ada', request: atHome() }),
  })

  await expect.poll(() => got, { timeout: 30_000 }).toMatchObject([{ rules: ['audit_unwritten'] }])
})
