import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import dockerfilelint from 'dockerfilelint'
import { newKeyring } from 'holdfast'
import { formatKeyring } from 'holdfast/maintenance'
import { formatSigningKeys, newSigningKeys } from 'holdfast/tokens'
import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { startRedis } from '../../../holdfast/test/support/redis.ts'
import { loadConfig, startService } from '../../src/index.ts'
import { folder, KEYS, running } from '../support.ts'
import {
  type Container,
  chart,
  check,
  DEPLOY,
  kustomized,
  type Manifest,
  manifestsIn,
  misspelt,
  plain,
  ROOT,
  variablesOf,
} from './manifests.ts'

const hasKubectl = spawnSync('kubectl', ['version', '--client']).error === undefined
const hasGo = spawnSync('go', ['version']).error === undefined

describe('the image', () => {
  const text = readFileSync(join(DEPLOY, 'Dockerfile'), 'utf8')
  const [, last = ''] = text.split(/\nFROM (?=gcr)/)

  test('is described without a finding of dockerfilelint', () => {
    expect(dockerfilelint.run(DEPLOY, text)).toEqual([])
  })

  test('is of several stages, of a user that is not root, and needs no shell', () => {
    expect(text.match(/^FROM /gm)).toHaveLength(3)
    expect(last).toMatch(/^USER 65532:65532$/m)
    expect(last).not.toMatch(/^RUN /m)
    for (const word of ['CMD', 'ENTRYPOINT']) {
      for (const [, form] of last.matchAll(new RegExp(`(?:^|\\s)${word} (.)`, 'g'))) {
        expect(form).toBe('[')
      }
    }
  })

  test('is made of files that are there, or that the build makes', () => {
    const copied = [...text.matchAll(/^COPY --from=\w+ \/build\/(\S+) /gm)].map(([, path]) => path)

    expect(copied.length).toBeGreaterThan(5)
    for (const path of copied) {
      if (path?.endsWith('/dist') || path === 'node_modules') continue
      expect([path, existsSync(join(ROOT, path ?? ''))]).toEqual([path, true])
    }
  })

  test('has a health check that tells a process that answers from one that does not', async () => {
    const run = await running()
    const port = new URL(run.service.managementUrl ?? '').port
    const health = (listen: string) =>
      new Promise<number | null>((resolve) => {
        const env = { HOLDFAST_MANAGEMENT_LISTEN: listen }
        spawn(process.execPath, [join(DEPLOY, 'healthy.mjs')], { env }).once('exit', resolve)
      })

    expect([await health(`0.0.0.0:${port}`), await health('127.0.0.1:1')]).toEqual([0, 1])
  })
})

/** Everything that is deployed, by where it is from. */
const SOURCES: readonly (readonly [string, boolean, () => readonly Manifest[]])[] = [
  ['the plain manifests', true, () => [...plain('base'), generated()]],
  ['the base as kubectl builds it', hasKubectl, () => kustomized(place('base')) ?? []],
  ['the sidecar beside a shop', hasKubectl, () => kustomized(place('sidecar-example')) ?? []],
  ['the chart', hasGo, () => manifestsIn(chart() ?? '')],
  ['the chart without what can be off', hasGo, () => manifestsIn(chart(OFF) ?? '')],
]

const OFF = { autoscaling: { enabled: false }, networkPolicy: { enabled: false } }

/** The ConfigMap that kustomize makes of the literals. */
function generated(): Manifest {
  const text = readFileSync(join(place('base'), 'kustomization.yaml'), 'utf8')
  const [{ name, literals }] = parse(text).configMapGenerator
  const data = Object.fromEntries(
    literals.map((literal: string) => [literal.split('=', 1)[0], literal.replace(/^[^=]*=/, '')]),
  )
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }
}

function place(name: string): string {
  return join(DEPLOY, 'kubernetes', name)
}

describe.each(SOURCES)('%s', (name, here, read) => {
  test.skipIf(!here)('have the form that Kubernetes asks for', () => {
    const manifests = read()

    for (const manifest of manifests) check(manifest)
    const said = misspelt(manifests, name.replaceAll(' ', '-'))

    expect(manifests.length).toBeGreaterThan(0)
    expect(said).toBe('')
  })

  test.skipIf(!here)('run the service without rights, on a file system it cannot write', () => {
    const containers = read().flatMap(holdfastContainers)

    expect(containers).toHaveLength(1)
    expect(containers[0]).toMatchObject({
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
      startupProbe: {},
      livenessProbe: {},
      resources: { limits: { memory: expect.any(String) } },
    })
  })

  test.skipIf(!here)('give the service variables under which it starts', async () => {
    const manifests = read()
    const [container] = manifests.flatMap(holdfastContainers)
    if (container === undefined) throw new Error('there is no container')
    const variables = variablesOf(container, manifests)
    const { config, login } = await started(variables)

    expect(config.store.kind).toBe('redis')
    expect(config.drain + config.stopTimeout).toBeLessThan(30_000)
    expect(login.status).toBe(201)
  })
})

function holdfastContainers({ spec }: Manifest): readonly Container[] {
  const { containers = [], initContainers = [] } = spec?.template?.spec ?? {}
  return [...containers, ...initContainers].filter((one) => one.name === 'holdfast')
}

/** Variables that Kubernetes sets for Services of these names. */
const SERVICES = ['HOLDFAST', 'HOLDFAST_REDIS', 'HOLDFAST_MANAGEMENT', 'REDIS', 'SHOP']

function serviceLinks(): Record<string, string> {
  const one = (name: string) => ({
    [`${name}_SERVICE_HOST`]: '10.96.0.7',
    [`${name}_SERVICE_PORT`]: '4600',
    [`${name}_SERVICE_PORT_API`]: '4600',
    [`${name}_PORT`]: 'tcp://10.96.0.7:4600',
    [`${name}_PORT_4600_TCP`]: 'tcp://10.96.0.7:4600',
    [`${name}_PORT_4600_TCP_PROTO`]: 'tcp',
    [`${name}_PORT_4600_TCP_PORT`]: '4600',
    [`${name}_PORT_4600_TCP_ADDR`]: '10.96.0.7',
  })
  return Object.assign({}, ...SERVICES.map(one))
}

/** Starts the service as in a pod: files, Redis and ports are those of the test. */
async function started(given: Readonly<Record<string, string>>) {
  const redis = await startRedis()
  const admin = new Redis({ port: redis.port })
  await admin.config('SET', 'requirepass', 'the-password')
  admin.disconnect()
  const files = folder()
  for (const name of ['keys', 'secrets']) mkdirSync(join(files, name))
  const write = (path: string, text: string) =>
    writeFileSync(join(files, path), text, { mode: 0o440 })
  write('keys/keyring.json', formatKeyring(newKeyring()))
  write('keys/signing-keys.json', formatSigningKeys(newSigningKeys()))
  write('secrets/api-keys', `shop:app:${KEYS.app}\n`)
  write('secrets/store-password', 'the-password\n')
  const placed = Object.entries(given).map(([name, value]) => [
    name,
    value
      .replace('/etc/holdfast', files)
      .replace('holdfast-redis:6379', `127.0.0.1:${redis.port}`)
      .replace(/^(?:0\.0\.0\.0|127\.0\.0\.1):46\d\d$/, '127.0.0.1:0'),
  ])
  const env = { ...serviceLinks(), ...Object.fromEntries(placed) }
  const lines: string[] = []
  const log = { write: (line: string) => void lines.push(line) }
  const config = loadConfig({ env })
  const service = await startService({ ...config, drain: 0 }, { log })
  onTestFinished(async () => {
    await service.close()
    await redis.close()
  })
  const login = await fetch(`${service.url}/v1/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS.app}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      subject: 'ada',
      request: { ip: '192.0.2.10', method: 'POST', url: '/login', headers: {} },
    }),
  })
  const warned = lines.filter((line) => line.includes('"level":40'))
  expect(warned.filter((line) => !line.includes('No geo data'))).toEqual([])
  return { config, login }
}

test('the checks find a probe that is misspelt, which the models alone pass over', () => {
  const [deployment] = plain('base').filter(({ kind }) => kind === 'Deployment')
  const text = JSON.stringify(deployment).replace('livenessProbe', 'livelinessProbe')
  const wrong: Manifest = JSON.parse(text)

  expect(() => check(wrong)).not.toThrow()
  expect(misspelt([wrong], 'wrong')).toContain('livelinessProbe')
})

test('nobody who runs the service under systemd can gain rights', () => {
  const text = readFileSync(join(DEPLOY, 'systemd', 'holdfast.service'), 'utf8')

  for (const line of ['NoNewPrivileges=yes', 'ProtectSystem=strict', 'User=holdfast']) {
    expect(text).toContain(`\n${line}\n`)
  }
})
