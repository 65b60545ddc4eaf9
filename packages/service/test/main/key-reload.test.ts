import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newKeyring } from 'holdfast'
import { addKey, formatKeyring, rotateKeyring } from 'holdfast/maintenance'
import {
  formatSigningKeys,
  newSigningKeys,
  publicKeySet,
  rotateSigningKeys,
  type SigningKeys,
} from 'holdfast/tokens'
import { decodeProtectedHeader } from 'jose'
import { expect, test } from 'vitest'
import { until } from '../../../holdfast/test/support/until.ts'
import { atHome, folder, LOGIN, type Running, running } from '../support.ts'

const AUDIENCES = { HOLDFAST_AUDIENCES: '{ orders: }', HOLDFAST_ISSUER: 'https://auth.example' }

function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

async function logged(run: Running, text: string, times = 1): Promise<void> {
  await until(`the log says "${text}"`, () => run.log().split(text).length - 1 === times)
}

async function login(run: Running): Promise<string> {
  const body = { ...LOGIN, request: atHome() }
  return (await (await run.call('POST', '/v1/sessions', { body })).json()).token
}

async function verify(run: Running, token: string, more: object = {}) {
  const body = { token, request: atHome(), ...more }
  return (await run.call('POST', '/v1/verify', { body })).json()
}

async function published(run: Running): Promise<unknown> {
  return (await run.call('GET', '/.well-known/jwks.json')).json()
}

async function metricsOf(run: Running): Promise<string> {
  return (await fetch(`${run.service.managementUrl}/metrics`)).text()
}

function later(keys: SigningKeys): SigningKeys {
  return rotateSigningKeys(keys, { host: { now: () => Date.now() + 305_000 } })
}

test('a running service takes up a rotated key ring, and old tokens go on', async () => {
  const file = join(folder(), 'ring.json')
  const ring = newKeyring()
  writeFileSync(file, formatKeyring(ring), { mode: 0o600 })
  const run = await running({ HOLDFAST_KEYRING: file })
  const before = await login(run)

  const rotated = rotateKeyring(ring)
  replace(file, formatKeyring(rotated))
  await logged(run, 'key ring reloaded')
  const after = await login(run)
  const without = { ...rotated, keys: rotated.keys.slice(1) }

  expect(await verify(run, before)).toMatchObject({ ok: true })
  expect(run.log()).toContain(rotated.current)
  await logged(run, '"event":"key-rotated"')
  const told = await (await run.call('GET', '/v1/events?type=key-rotated')).json()
  expect(told.items).toMatchObject([{ actor: 'engine', reason: 'sealing', session: null }])
  replace(file, formatKeyring(without))
  await logged(run, 'key ring reloaded', 2)
  expect(await verify(run, before)).toMatchObject({ ok: false, code: 'token_key_unknown' })
  expect(await verify(run, after)).toMatchObject({ ok: true })
  expect(await metricsOf(run)).toContain(
    'holdfast_key_reloads_total{ring="sealing",result="done"} 2',
  )
})

test('a running service signs with the next key and publishes the one after it', async () => {
  const file = join(folder(), 'signing.json')
  const keys = newSigningKeys()
  writeFileSync(file, formatSigningKeys(keys), { mode: 0o600 })
  const run = await running({ ...AUDIENCES, HOLDFAST_SIGNING_KEYS: file })
  const token = await login(run)
  const first = await verify(run, token, { audience: 'orders' })

  const rotated = later(keys)
  replace(file, formatSigningKeys(rotated))
  await logged(run, 'key ring reloaded')
  await logged(run, '"event":"key-rotated"')
  const second = await verify(run, token, { audience: 'orders' })

  const kids = [first, second].map(({ accessToken }) => decodeProtectedHeader(accessToken).kid)
  expect(kids).toEqual(keys.keys.map(({ kid }) => kid))
  expect(await published(run)).toEqual(publicKeySet(rotated))
  const metrics = await metricsOf(run)
  for (const { kid, algorithm, state } of rotated.keys) {
    expect(metrics).toMatch(
      new RegExp(
        `holdfast_signing_key_age_seconds\\{kid="${kid}",algorithm="${algorithm}",` +
          `state="${state}"\\} -?\\d`,
      ),
    )
  }
  for (const { jwk } of JSON.parse(formatSigningKeys(rotated)).keys) {
    if ('d' in jwk) expect(run.log()).not.toContain(jwk.d)
  }
})

test('the symlinks of a mounted secret are followed when they are swapped', async () => {
  const dir = folder()
  const ring = newKeyring()
  const added = addKey(ring)
  for (const [name, content] of [
    ['v1', ring],
    ['v2', added],
  ] as const) {
    mkdirSync(join(dir, name))
    writeFileSync(join(dir, name, 'ring.json'), formatKeyring(content), { mode: 0o600 })
  }
  symlinkSync('v1', join(dir, 'data'))
  symlinkSync('data/ring.json', join(dir, 'ring.json'))
  const run = await running({ HOLDFAST_KEYRING: join(dir, 'ring.json') })

  symlinkSync('v2', join(dir, 'data.new'))
  renameSync(join(dir, 'data.new'), join(dir, 'data'))

  await logged(run, 'key ring reloaded')
  expect(run.log()).toContain(added.keys.at(-1)?.id)
})

test('a file that makes no sense leaves the old keys in use, and is told of once', async () => {
  const file = join(folder(), 'ring.json')
  const ring = newKeyring()
  writeFileSync(file, formatKeyring(ring), { mode: 0o600 })
  const run = await running({ HOLDFAST_KEYRING: file })
  const token = await login(run)

  replace(file, '{"format":1,"index":"sesame"')
  await logged(run, 'is not taken up')
  rmSync(file)
  await logged(run, 'is not taken up', 2)
  replace(file, formatKeyring(newKeyring()))
  await logged(run, 'another index key')
  const meanwhile = await verify(run, token)
  replace(file, formatKeyring(rotateKeyring(ring)))
  await logged(run, 'key ring reloaded')

  expect(meanwhile).toMatchObject({ ok: true })
  await logged(run, 'is not taken up', 3)
  expect(run.log()).not.toContain('sesame')
  expect(await metricsOf(run)).toContain(
    'holdfast_key_reloads_total{ring="sealing",result="failed"} 3',
  )
})

test('signing keys that an audience cannot be served with are not taken up', async () => {
  const file = join(folder(), 'signing.json')
  const keys = newSigningKeys()
  writeFileSync(file, formatSigningKeys(keys), { mode: 0o600 })
  const run = await running({ ...AUDIENCES, HOLDFAST_SIGNING_KEYS: file })

  replace(file, formatSigningKeys(newSigningKeys({ algorithms: ['ES256'] })))
  await logged(run, 'is not taken up')

  expect(await published(run)).toEqual(publicKeySet(keys))
})
