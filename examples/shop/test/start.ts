import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { LoggedEvent } from 'holdfast'
import { systemHost } from 'holdfast'
import { type Browser, chromium } from 'playwright-core'
import { loadConfig, startService } from '../../../packages/service/src/index.ts'
import { geoData } from '../../../tools/geo-data.mjs'
import { startShop } from '../src/main.ts'

const APP_KEY = 'app-key-of-the-shop-tests'
const AUDIT_KEY = 'audit-key-of-the-shop-tests'

const CHROMIUM = '/usr/bin/chromium'
const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** The real service with real geo data, the shop before it, and a clock for both. */
export interface Town {
  readonly shopUrl: string
  /** Moves the clock of the service and of the shop on. */
  pass(ms: number): void
  /** The whole event log, oldest first. */
  events(): Promise<readonly LoggedEvent[]>
  close(): Promise<void>
}

/** Compiles the library's browser module for itself, as its build does. The folder that it is in. */
export async function compileBrowserModule(): Promise<string> {
  const root = fileURLToPath(new URL('../../../', import.meta.url))
  const folder = await mkdtemp(join(tmpdir(), 'shop-browser-module-'))
  const settings = [
    ...['--ignoreConfig', '--target', 'es2022', '--module', 'nodenext', '--types', ''],
    '--rewriteRelativeImportExtensions',
  ]
  const source = join(root, 'packages/holdfast/src/browser/index.ts')
  const tsc = join(root, 'node_modules/.bin/tsc')
  await promisify(execFile)(tsc, [source, ...settings, '--outDir', folder])
  return folder
}

export async function startTown(browserModule: string): Promise<Town> {
  let offset = 0
  const now = (): number => Date.now() + offset
  const geo = await geoData()
  const config = loadConfig({
    env: {
      HOLDFAST_LISTEN: '127.0.0.1:0',
      HOLDFAST_MANAGEMENT_LISTEN: '127.0.0.1:0',
      HOLDFAST_GATE_LISTEN: 'off',
      HOLDFAST_STORE: 'memory:',
      HOLDFAST_DRAIN: '0s',
      HOLDFAST_API_KEYS: `shop:app:${APP_KEY},desk:audit+admin:${AUDIT_KEY}`,
      HOLDFAST_GEO_CITY: geo.city.join(','),
      HOLDFAST_GEO_ASN: geo.asn.join(','),
    },
  })
  const log = { write: (): void => undefined }
  const service = await startService(config, { host: { ...systemHost(), now }, log })
  const shop = await startShop({
    holdfastUrl: service.url,
    holdfastKey: APP_KEY,
    auditKey: AUDIT_KEY,
    port: 0,
    browserModule,
    now,
  })

  return {
    shopUrl: shop.url,
    pass: (ms) => {
      offset += ms
    },
    events: async () => {
      const response = await fetch(`${service.url}/v1/events?limit=1000`, {
        headers: { authorization: `Bearer ${AUDIT_KEY}` },
      })
      const { items } = (await response.json()) as { items: readonly LoggedEvent[] }
      return items
    },
    close: async () => {
      await shop.close()
      await service.close()
    },
  }
}

/** The real Chromium. Throws with the name of the package when it is not there. */
export function startChromium(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`There is no ${CHROMIUM}. Install the Debian package "chromium".`)
  }
  return chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGS })
}
