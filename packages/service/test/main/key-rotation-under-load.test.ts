import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newKeyring } from 'holdfast'
import { fakeHost } from 'holdfast/contracts'
import { addKey, formatKeyring, rotateKeyring } from 'holdfast/maintenance'
import { formatSigningKeys, newSigningKeys, rotateSigningKeys } from 'holdfast/tokens'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../../../holdfast/test/support/redis.ts'
import { until } from '../../../holdfast/test/support/until.ts'
import { atHome, folder, LOGIN, type Running, running } from '../support.ts'

const WORKERS = 4
const ROUNDS = 4
const MINUTE = 60_000

function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

test('rotating signing and sealing keys under load fails no verification', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.close())
  const host = fakeHost()
  let ring = newKeyring()
  let signing = newSigningKeys({ host, algorithms: ['EdDSA', 'ES256'] })
  const dir = folder()
  const instances = await Promise.all(
    ['a', 'b'].map(async (name) => {
      const files = { ring: join(dir, `ring-${name}`), signing: join(dir, `signing-${name}`) }
      replace(files.ring, formatKeyring(ring))
      replace(files.signing, formatSigningKeys(signing))
      const run = await running(
        {
          HOLDFAST_STORE: `redis://127.0.0.1:${redis.port}`,
          HOLDFAST_KEYRING: files.ring,
          HOLDFAST_SIGNING_KEYS: files.signing,
          HOLDFAST_AUDIENCES: '{ orders: {}, billing: { algorithm: ES256 } }',
          HOLDFAST_ISSUER: 'https://auth.example',
        },
        host,
      )
      return { run, files, reloads: 0 }
    }),
  )
  const [a, b] = instances
  if (a === undefined || b === undefined) throw new Error('two instances are needed')
  for (const { run } of instances) {
    await until('it is ready', async () => {
      return (await fetch(`${run.service.managementUrl}/readyz`)).status === 200
    })
  }

  /** What verifiers keep for up to five minutes: as one of the instances published it. */
  let kept = await keySetOf(a.run)
  const failures: unknown[] = []
  const done = Array.from({ length: WORKERS }, () => 0)
  const kids = new Set<string>()
  let over = false

  async function use(worker: number): Promise<void> {
    const logins = instances[worker % 2]?.run ?? a?.run
    const login = { ...LOGIN, subject: `user-${worker}`, request: atHome() }
    const created = await (await logins?.call('POST', '/v1/sessions', { body: login }))?.json()
    let { token } = created
    for (let round = worker; !over; round++) {
      const { run } = instances[round % 2] ?? { run: undefined }
      const audience = round % 3 === 0 ? 'billing' : 'orders'
      const at = new Date(host.now())
      const body = { token, request: atHome(), audience, deliverable: true }
      const answer = await (await run?.call('POST', '/v1/verify', { body }))?.json()
      if (!answer.ok) failures.push(answer)
      token = answer.token ?? token
      // as it is kept when the token arrives: a request may have been under way while it was
      // fetched anew
      const keySet = createLocalJWKSet(kept)
      const options = { issuer: 'https://auth.example', audience, typ: 'at+jwt', currentDate: at }
      try {
        const { protectedHeader } = await jwtVerify(answer.accessToken, keySet, options)
        kids.add(protectedHeader.kid ?? '')
      } catch (error) {
        failures.push(error)
      }
      done[worker] = (done[worker] ?? 0) + 1
    }
  }

  /** Until every worker has been round some more times, at both instances. */
  async function goOn(): Promise<void> {
    const goal = done.map((rounds) => rounds + ROUNDS)
    await until('every worker goes on', () =>
      goal.every((rounds, worker) => (done[worker] ?? 0) > rounds),
    )
  }

  async function give(instance: typeof a, file: 'ring' | 'signing', text: string): Promise<void> {
    if (instance === undefined) return
    replace(instance.files[file], text)
    instance.reloads++
    await until('it is taken up', () => {
      return instance.run.log().split('key ring reloaded').length - 1 === instance.reloads
    })
    await goOn()
    host.advance(MINUTE)
  }

  const workers = Promise.all(done.map((_, worker) => use(worker)))
  await goOn()
  for (let turn = 0; turn < 2; turn++) {
    ring = addKey(ring)
    for (const one of [a, b]) await give(one, 'ring', formatKeyring(ring))
    ring = rotateKeyring(ring)
    for (const one of [b, a]) await give(one, 'ring', formatKeyring(ring))
    host.advance(3 * MINUTE)
    kept = await keySetOf(turn === 0 ? a.run : b.run)
    signing = rotateSigningKeys(signing, { host })
    for (const one of [a, b]) await give(one, 'signing', formatSigningKeys(signing))
  }
  over = true
  await workers

  expect(failures).toEqual([])
  expect(kids.size).toBe(6)
  expect(ring.keys).toHaveLength(3)
}, 120_000)

async function keySetOf(run: Running): Promise<JSONWebKeySet> {
  return (await run.call('GET', '/.well-known/jwks.json', { key: null })).json()
}
