import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newKeyring, parseKeyring } from 'holdfast'
import { formatKeyring, rotateKeyring } from 'holdfast/maintenance'
import { expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../../../holdfast/test/support/redis.ts'
import { main } from '../../src/cli/main.ts'
import { atHome, folder, LOGIN, type Running, running } from '../support.ts'

interface Estate {
  readonly file: string
  readonly env: Record<string, string>
}

function estate(store: (dir: string) => string): Estate {
  const dir = folder()
  const file = join(dir, 'ring.json')
  writeFileSync(file, formatKeyring(newKeyring()), { mode: 0o600 })
  return { file, env: { HOLDFAST_STORE: store(dir), HOLDFAST_KEYRING: file } }
}

async function login(run: Running, subject: string): Promise<number> {
  const body = { ...LOGIN, subject, request: atHome() }
  return (await run.call('POST', '/v1/sessions', { body })).status
}

async function reseal(env: Record<string, string>): Promise<{ code: number; err: string }> {
  let err = ''
  const code = await main(['reseal'], {
    env: { HOLDFAST_API_KEYS: 'shop:app:not-used-by-this-command', ...env },
    stdout: () => {},
    stderr: (text) => {
      err += text
    },
  })
  return { code, err }
}

const lmdb = (dir: string): string => `lmdb:${dir}/store`

test.each(['LMDB', 'Redis'])(
  'a store that is sealed under another ring is refused at start and by reseal: %s',
  async (kind) => {
    const redis = kind === 'Redis' ? await startRedis() : undefined
    if (redis !== undefined) onTestFinished(() => redis.close())
    const { env } = estate((dir) =>
      redis === undefined ? lmdb(dir) : `redis://127.0.0.1:${redis.port}`,
    )
    const first = await running(env)
    expect(await login(first, 'ada')).toBe(201)
    await first.service.close()
    const other = { ...env, HOLDFAST_KEYRING: estate(lmdb).file }

    const refused = await running(other).catch((error: unknown) => error)
    const resealed = await reseal(other)

    expect(refused).toMatchObject({ code: 'config_invalid' })
    expect(String(refused)).toContain('HOLDFAST_KEYRING')
    expect(resealed.code).toBe(1)
    expect(resealed.err).toContain('HOLDFAST_KEYRING')
    expect((await reseal(env)).code).toBe(0)
    const again = await running(env)
    expect(await login(again, 'ada')).toBe(201)
  },
)

test('a ring that has lost an older key starts, and readiness names the key', async () => {
  const { file, env } = estate(lmdb)
  const ring = parseKeyring(readFileSync(file, 'utf8'))
  const first = await running(env)
  await login(first, 'ada')
  await first.service.close()
  const rotated = rotateKeyring(ring)
  writeFileSync(file, formatKeyring(rotated))
  const second = await running(env)
  for (const subject of ['eve', 'linus', 'grace']) await login(second, subject)
  await second.service.close()
  const lost = { ...rotated, keys: rotated.keys.slice(1) }
  writeFileSync(file, formatKeyring(lost))

  const third = await running(env)

  const ready = await fetch(`${third.service.managementUrl}/readyz`)
  expect(ready.status).toBe(200)
  expect(await ready.text()).toContain(`lacks the key ${ring.current}`)
  expect(third.log()).toContain(`lacks the key ${ring.current}`)
  expect(await login(third, 'ada')).toBe(201)
})

test('reseal makes neither a store nor a key ring', async () => {
  const { env } = estate(lmdb)
  const dir = folder()
  const store = `lmdb:${dir}/store`

  const noStore = await reseal({ ...env, HOLDFAST_STORE: store })
  const noRing = await reseal({ HOLDFAST_STORE: store })

  expect([noStore.code, noRing.code]).toEqual([1, 1])
  expect(noStore.err).toContain('HOLDFAST_STORE')
  expect(noRing.err).toContain('HOLDFAST_KEYRING')
  expect(existsSync(join(dir, 'store'))).toBe(false)
  expect(existsSync(join(dir, 'development-keyring.json'))).toBe(false)
})
