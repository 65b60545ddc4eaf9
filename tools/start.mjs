import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { geoData } from './geo-data.mjs'
import { fail, orFail, root } from './run.mjs'
import { isFree, startProcess, untilReady } from './service-process.mjs'
import { setup } from './setup.mjs'

const HELP = `npm start -- [--port N] [--api-port N]

Installs what is missing, builds, and runs Holdfast with the example shop until Ctrl-C.

  --port N       where the shop listens (4700); its own services take the three ports above
  --api-port N   where the service listens (4600); its probes and metrics are one above`

const { port, apiPort } = options()
const say = (text) => process.stdout.write(`${text}\n`)
const folder = join(root, '.holdfast')
const running = []
let stopping = false

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(0))

await setup()
await orFail(build({ say }))
await portsAreFree()
const geo = await orFail(geoData())
mkdirSync(folder, { recursive: true, mode: 0o700 })

const shopKey = newSecret()
const auditKey = newSecret()

try {
  await startService()
  await startShop()
} catch (error) {
  say(error.message)
  await stop(1)
}

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
  await watch(
    startProcess({
      name: 'service',
      args: ['packages/service/bin/holdfast.mjs', 'serve'],
      env: {
        HOLDFAST_LISTEN: `127.0.0.1:${apiPort}`,
        HOLDFAST_MANAGEMENT_LISTEN: `127.0.0.1:${apiPort + 1}`,
        HOLDFAST_STORE: `lmdb:${join(folder, 'store')}`,
        HOLDFAST_DRAIN: '0s',
        HOLDFAST_API_KEYS: `shop:app:${shopKey},operator:admin+audit:${auditKey}`,
        HOLDFAST_GEO_CITY: geo.city.join(','),
        HOLDFAST_GEO_ASN: geo.asn.join(','),
      },
      log: join(folder, 'service.log'),
      say,
    }),
    `http://127.0.0.1:${apiPort + 1}/readyz`,
  )
}

async function startShop() {
  say('Starting the shop ...')
  await watch(
    startProcess({
      name: 'shop',
      args: ['examples/shop/dist/main.js'],
      env: {
        SHOP_PORT: String(port),
        SHOP_HOLDFAST_URL: `http://127.0.0.1:${apiPort}`,
        SHOP_HOLDFAST_KEY: shopKey,
        SHOP_AUDIT_KEY: auditKey,
      },
      log: join(folder, 'shop.log'),
      say,
    }),
    `http://127.0.0.1:${port}/`,
  )
}

async function watch(process, readyAt) {
  running.push(process)
  process.failed.catch((error) => {
    if (stopping) return
    say(error.message)
    stop(1)
  })
  await Promise.race([untilReady(readyAt), process.failed])
}

/** What was started last stops first, so that the shop never speaks to a service that is gone. */
async function stop(code) {
  if (stopping) return
  stopping = true
  if (running.length > 0) say('Stopping ...')
  for (const process of running.reverse()) await process.stop()
  process.exit(code)
}

async function portsAreFree() {
  for (const wanted of [port, port + 1, port + 2, port + 3, apiPort, apiPort + 1]) {
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
    return { port: portOf(values.port), apiPort: portOf(values['api-port']) }
  } catch (error) {
    return fail(`${error.message}\n\n${HELP}`)
  }
}

function portOf(text) {
  const number = Number(text)
  if (/^\d{1,5}$/.test(text) && number > 0 && number <= 65_532) return number
  throw new Error(`"${text}" is not a port from 1 to 65532.`)
}

function newSecret() {
  return randomBytes(24).toString('base64url')
}
