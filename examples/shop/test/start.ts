import { execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { systemHost } from 'holdfast'
import type { EventAtCursor } from 'holdfast/wire'
import { until } from '../../../packages/holdfast/test/support/until.ts'
import { loadConfig, startService } from '../../../packages/service/src/index.ts'
import { geoData } from '../../../tools/geo-data.mjs'
import { isFree } from '../../../tools/service-process.mjs'
import { type GatewayName, gatewayProgram } from '../../../tools/shop-gateway.mjs'
import { startShop } from '../src/main.ts'
import { DEMO_USERS, directory } from '../src/users/directory.ts'

const APP_KEY = 'app-key-of-the-shop-tests'
const GATE_KEY = 'gate-key-of-the-shop-tests'
const ISSUER = 'http://holdfast.test'
const AUDIT_KEY = 'audit-key-of-the-shop-tests'
const WEBHOOK_SECRET = `whsec_${Buffer.alloc(24, 9).toString('base64')}`

/** How long a page may take: a busy machine is slow, not wrong. */
export const PATIENCE_MS = 100_000

/** Hashed once for all stories, and cheaply: a story logs in to see what comes after. */
const users = directory(DEMO_USERS, { N: 2 ** 10, r: 8, p: 1 })

/** The real service with real geo data, the shop before it, and a clock for both. */
export interface Town {
  readonly shopUrl: string
  /** Of the orders service itself; only with a gateway. */
  readonly ordersUrl: string
  /** Moves the clock of the service and of the shop on. */
  pass(ms: number): void
  /** The whole event log, oldest first. */
  events(): Promise<readonly EventAtCursor[]>
  close(): Promise<void>
}

/**
 * Compiles the library's browser module for itself, as its build does. The folder that it is in.
 */
export async function compileBrowserModule(): Promise<string> {
  const root = fileURLToPath(new URL('../../../', import.meta.url))
  const folder = await mkdtemp(join(tmpdir(), 'shop-browser-module-'))
  const settings = [
    ...['--ignoreConfig', '--target', 'es2022', '--module', 'nodenext', '--types', ''],
    '--rewriteRelativeImportExtensions',
  ]
  const sources = ['index.ts', 'step-up-page.ts'].map((name) =>
    join(root, 'packages/holdfast/src/browser', name),
  )
  const tsc = join(root, 'node_modules/.bin/tsc')
  await promisify(execFile)(tsc, [...sources, ...settings, '--outDir', folder])
  return folder
}

/**
 * `gateway`: a real one stands between the edge and the shop. `auditDirectory`: alerts and notices
 * go to the shop's inbox.
 */
export async function startTown(
  browserModule: string,
  gateway?: GatewayName,
  {
    store = 'memory:',
    auditDirectory,
  }: { readonly store?: string; readonly auditDirectory?: string } = {},
): Promise<Town> {
  let offset = 0
  const now = (): number => Date.now() + offset
  const geo = await geoData()
  const fixed = gateway !== undefined || auditDirectory !== undefined
  const port = fixed ? await fivePorts() : 0
  const apiPort = auditDirectory === undefined ? 0 : port + 4
  const config = loadConfig({
    env: {
      HOLDFAST_LISTEN: `127.0.0.1:${apiPort}`,
      HOLDFAST_MANAGEMENT_LISTEN: '127.0.0.1:0',
      HOLDFAST_STORE: store,
      HOLDFAST_DRAIN: '0s',
      HOLDFAST_GATE_LISTEN: '127.0.0.1:0',
      HOLDFAST_API_KEYS: `shop:app:${APP_KEY},desk:audit+admin:${AUDIT_KEY},edge:gate:${GATE_KEY}`,
      HOLDFAST_TRUSTED_PROXIES: '127.0.0.1/32',
      HOLDFAST_AUDIENCES: '{ shop: {} }',
      HOLDFAST_ISSUER: ISSUER,
      // The file of IPv4: all places of the demonstration are there, and each town reads it anew.
      HOLDFAST_GEO_CITY: geo.city[0] ?? '',
      HOLDFAST_GEO_ASN: geo.asn.join(','),
      ...(auditDirectory === undefined ? {} : telling(auditDirectory, { port, apiPort })),
    },
  })
  const log = { write: (): void => undefined }
  const service = await startService(config, { host: { ...systemHost(), now }, log })
  const shop = await startShop({
    holdfastUrl: service.url,
    holdfastKey: APP_KEY,
    auditKey: AUDIT_KEY,
    ...(auditDirectory === undefined ? {} : { webhookSecret: WEBHOOK_SECRET }),
    port,
    ...(gateway === undefined ? {} : { gatewayAt: port + 4, issuer: ISSUER }),
    browserModule,
    users: await users,
    now,
  })
  const stopGateway =
    gateway === undefined
      ? async () => {}
      : await startGateway(gateway, { port, gate: new URL(service.gateUrl ?? '').host })

  return {
    shopUrl: shop.url,
    ordersUrl: `http://127.0.0.1:${port + 3}`,
    pass: (ms) => {
      offset += ms
    },
    events: async () => {
      const response = await fetch(`${service.url}/v1/events?limit=1000`, {
        headers: { authorization: `Bearer ${AUDIT_KEY}` },
      })
      const { items } = (await response.json()) as { items: readonly EventAtCursor[] }
      return items
    },
    close: async () => {
      await stopGateway()
      await shop.close()
      await service.close()
    },
  }
}

/** The settings of audit log, alerts and notices, as `npm start` has them. */
function telling(
  directory: string,
  { port, apiPort }: { readonly port: number; readonly apiPort: number },
): Record<string, string> {
  const inboxAt = (path: string): object => {
    const url = `http://127.0.0.1:${port + 1}/inbox/${path}`
    return { url, secrets: [WEBHOOK_SECRET], allowPrivate: true }
  }
  return {
    HOLDFAST_AUDIT_DIRECTORY: directory,
    HOLDFAST_ALERTS: JSON.stringify({
      targets: { team: { type: 'webhook', ...inboxAt('alerts') } },
    }),
    HOLDFAST_NOTICES: JSON.stringify({
      url: `http://127.0.0.1:${apiPort}/session-notice`,
      product: 'Kelp & Keel',
      webhook: inboxAt('notices'),
    }),
  }
}

async function startGateway(
  name: GatewayName,
  { port, gate }: { readonly port: number; readonly gate: string },
): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'shop-gateway-'))
  const at = (offset: number): string => `127.0.0.1:${port + offset}`
  const { command, args, env } = gatewayProgram(name, {
    folder,
    port: port + 4,
    app: at(1),
    catalogue: at(2),
    orders: at(3),
    shipping: at(5),
    gate,
    key: GATE_KEY,
  })
  const PATH = `${process.env.PATH ?? ''}:/usr/sbin`
  const program = spawn(command, args, { env: { PATH, ...env }, stdio: 'ignore' })
  const ended = new Promise((resolve) => program.once('close', resolve))
  await until(`${name} answers`, () => fetch(`http://${at(4)}/login`).catch(() => undefined))
  return async () => {
    program.kill('SIGTERM')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
}

/** The shop's four and one for the gateway or the service, below those of the system's choice. */
async function fivePorts(): Promise<number> {
  for (;;) {
    const first = randomInt(10_000, 32_000)
    const free = await Promise.all([0, 1, 2, 3, 4].map((offset) => isFree(first + offset)))
    if (free.every((one) => one)) return first
  }
}
