import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { geoData } from './geo-data.mjs'
import { fail, orFail, root } from './run.mjs'
import { isFree, programs } from './service-process.mjs'
import { setup } from './setup.mjs'

const HELP = `npm start -- [--port N] [--api-port N]

Installs what is missing, builds, and runs Holdfast with the example shop until Ctrl-C.

  --port N       where the shop listens (4700); its own services take the three ports above
  --api-port N   where the service listens (4600); its probes and metrics are one above`

const { port, apiPort } = options()
const say = (text) => process.stdout.write(`${text}\n`)
const folder = join(root, '.holdfast')
const { start, stop } = programs({ say })

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop())

await setup()
await orFail(build({ say }))
await portsAreFree()
const geo = await orFail(geoData())
mkdirSync(folder, { recursive: true, mode: 0o700 })

const shopKey = newSecret()
const auditKey = newSecret()

await startService()
await startShop()

say(`
  The shop           http://localhost:${port}
  Holdfast's API     http://127.0.0.1:${apiPort}, described at /openapi.json
  Probes, metrics    http://127.0.0.1:${apiPort + 1}, /livez /readyz /metrics

  What to try first
    1. Log in to the shop as ada; the login page shows the password. Order something.
    2. Open "What Holdfast sees" in a second tab: your session, live.
    3. Open "Thief": show a copy of your own cookie from Tokyo, and watch both desks.

  IP geolocation by DB-IP (https://db-ip.com), CC BY 4.0. Logs are in .holdfast/.
  Ctrl-C stops everything.
`)

async function startService() {
  say('Starting the service ...')
  await start(
    {
      name: 'service',
      args: ['packages/service/bin/holdfast.mjs', 'serve'],
      env: {
        HOLDFAST_LISTEN: `127.0.0.1:${apiPort}`,
        HOLDFAST_MANAGEMENT_LISTEN: `127.0.0.1:${apiPort + 1}`,
        HOLDFAST_GATE_LISTEN: 'off',
        HOLDFAST_STORE: `lmdb:${join(folder, 'store')}`,
        HOLDFAST_DRAIN: '0s',
        HOLDFAST_API_KEYS: `shop:app:${shopKey},operator:admin+audit:${auditKey}`,
        HOLDFAST_GEO_CITY: geo.city.join(','),
        HOLDFAST_GEO_ASN: geo.asn.join(','),
      },
      log: join(folder, 'service.log'),
    },
    `http://127.0.0.1:${apiPort + 1}/readyz`,
  )
}

async function startShop() {
  say('Starting the shop ...')
  await start(
    {
      name: 'shop',
      args: ['examples/shop/dist/main.js'],
      env: {
        SHOP_PORT: String(port),
        SHOP_HOLDFAST_URL: `http://127.0.0.1:${apiPort}`,
        SHOP_HOLDFAST_KEY: shopKey,
        SHOP_AUDIT_KEY: auditKey,
      },
      log: join(folder, 'shop.log'),
    },
    `http://127.0.0.1:${port}/`,
  )
}

async function portsAreFree() {
  for (const wanted of [...portsFrom(port, 4), ...portsFrom(apiPort, 2)]) {
    if (await isFree(wanted)) continue
    const option = wanted < port || wanted > port + 3 ? '--api-port' : '--port'
    fail(
      `Port ${wanted} is in use. Stop what listens there, or choose another: npm start -- ${option} N`,
    )
  }
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: '4700' },
        'api-port': { type: 'string', default: '4600' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) {
      process.stdout.write(`${HELP}\n`)
      process.exit(0)
    }
    return apart({ port: portOf(values.port), apiPort: portOf(values['api-port']) })
  } catch (error) {
    return fail(`${error.message}\n\n${HELP}`)
  }
}

function portOf(text) {
  const number = Number(text)
  if (/^\d{1,5}$/.test(text) && number > 0 && number <= 65_532) return number
  throw new Error(`"${text}" is not a port from 1 to 65532.`)
}

/** Ports that both want would be found out only when the second program dies of it. */
function apart({ port, apiPort }) {
  const both = portsFrom(port, 4).find((number) => portsFrom(apiPort, 2).includes(number))
  if (both === undefined) return { port, apiPort }
  throw new Error(
    `The shop takes the ports ${port} to ${port + 3}, the service ${apiPort} and ${apiPort + 1}: both want ${both}. Choose --port or --api-port so that they are apart.`,
  )
}

function portsFrom(first, count) {
  return Array.from({ length: count }, (_, offset) => first + offset)
}

function newSecret() {
  return randomBytes(24).toString('base64url')
}
