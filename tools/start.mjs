import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { geoData } from './geo-data.mjs'
import { putAside } from './put-aside.mjs'
import { fail, orFail, outputOf, root, run } from './run.mjs'
import { isFree, programs } from './service-process.mjs'
import { setup } from './setup.mjs'
import { GATEWAYS, gatewayProgram } from './shop-gateway.mjs'

const HELP = `npm start -- [--fresh] [--port N] [--api-port N] [--edge nginx|caddy|haproxy]

Installs what is missing, builds, and runs Holdfast with the example shop until Ctrl-C.

  --fresh        with an empty store; that of earlier runs is kept as .holdfast/store-before
  --port N       where the shop listens (4700); its services and a gateway take the five ports above
  --api-port N   where the service listens (4600); its probes and metrics one above, its gate two
  --edge NAME    a real gateway in front: it asks Holdfast, the services verify access tokens`

const { port, apiPort, edge, fresh } = options()
const say = (text) => process.stdout.write(`${text}\n`)
const folder = join(root, '.holdfast')
const store = join(folder, 'store')
const audit = join(folder, 'audit')
const operatorKeyFile = join(folder, 'operator.key')
const { start, stop } = programs({ say })

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop())

await setup({ debian: edge === undefined ? [] : [edge, 'golang-go'] })
await orFail(build({ say }))
await portsAreFree()
const geo = await orFail(geoData())
mkdirSync(folder, { recursive: true, mode: 0o700 })
if (fresh) beginAnew()

const shopKey = newSecret()
const operatorKey = newSecret()
const gateKey = newSecret()
const webhookSecret = `whsec_${randomBytes(32).toString('base64')}`

keepOperatorKey()
await startService()
await startShop()
if (edge !== undefined) {
  await startShipping()
  await startGateway()
}

say(`
  The shop           http://localhost:${port}
  The inbox          http://localhost:${port}/inbox, what the security team and the customer get
  Holdfast's API     http://127.0.0.1:${apiPort}, described at /openapi.json
  Probes, metrics    http://127.0.0.1:${apiPort + 1}, /livez /readyz /metrics

  The command line, from this folder (the key is of this run alone, and only its file has it)
    export HOLDFAST_URL=http://127.0.0.1:${apiPort} HOLDFAST_KEY_FILE=${shown(operatorKeyFile)}
    npx holdfast sessions list ada
    npx holdfast incidents list

  What to try first
    1. Log in to the shop as ada; the login page shows the password. Order something.
    2. Open "What Holdfast sees" in a second tab: your session, live.
    3. Open "Thief": show a copy of your own cookie from Tokyo, and watch both desks. The inbox has
       an alert and a mail within a second; "not me" in the mail ends the session.
    4. Travel. Without your clock the shop asks for a code in every run; with it, a place where
       you have proven yourself before, also in an earlier run, may ask nothing. "Begin again"
       under What Holdfast sees ends your sessions and brings you home;
       npm start -- --fresh begins without a past.

  IP geolocation by DB-IP (https://db-ip.com), CC BY 4.0. Logs are in .holdfast/.
  Ctrl-C stops everything.
`)

/** What earlier runs learnt of ada's places would answer for her in this one. */
function beginAnew() {
  const aside = putAside(store)
  // It goes on where its store is.
  putAside(audit)
  say(
    aside === undefined
      ? 'There was no store of an earlier run.'
      : `The store of earlier runs is put aside as ${shown(aside)}; an older one there is gone.`,
  )
}

/** The terminal's history and its screen are no place for a key that ends sessions. */
function keepOperatorKey() {
  rmSync(operatorKeyFile, { force: true })
  writeFileSync(operatorKeyFile, `${operatorKey}\n`, { mode: 0o600 })
}

function shown(path) {
  return relative(root, path)
}

async function startService() {
  say('Starting the service ...')
  await start(
    {
      name: 'service',
      args: ['packages/service/bin/holdfast.mjs', 'serve'],
      env: {
        HOLDFAST_LISTEN: `127.0.0.1:${apiPort}`,
        HOLDFAST_MANAGEMENT_LISTEN: `127.0.0.1:${apiPort + 1}`,
        HOLDFAST_STORE: `lmdb:${store}`,
        HOLDFAST_DRAIN: '0s',
        HOLDFAST_AUDIT_DIRECTORY: audit,
        HOLDFAST_ALERTS: JSON.stringify({
          targets: { team: { type: 'webhook', ...inboxAt('/inbox/alerts') } },
        }),
        HOLDFAST_NOTICES: JSON.stringify({
          url: `http://127.0.0.1:${apiPort}/session-notice`,
          product: 'Kelp & Keel',
          webhook: inboxAt('/inbox/notices'),
        }),
        HOLDFAST_API_KEYS: [
          `shop:app:${shopKey}`,
          `operator:admin+audit:${operatorKey}`,
          `edge:gate:${gateKey}`,
        ].join(),
        HOLDFAST_GATE_LISTEN: edge === undefined ? 'off' : `127.0.0.1:${apiPort + 2}`,
        ...(edge === undefined
          ? {}
          : {
              HOLDFAST_ISSUER: `http://127.0.0.1:${apiPort}`,
              HOLDFAST_AUDIENCES: '{ shop: {}, shipping: {} }',
              HOLDFAST_TRUSTED_PROXIES: '127.0.0.1/32',
            }),
        HOLDFAST_GEO_CITY: geo.city.join(','),
        HOLDFAST_GEO_ASN: geo.asn.join(','),
      },
      log: join(folder, 'service.log'),
    },
    `http://127.0.0.1:${apiPort + 1}/readyz`,
  )
}

/** The shop's gateway is on this machine, where nothing goes unless it is allowed. */
function inboxAt(path) {
  const url = `http://127.0.0.1:${port + 1}${path}`
  return { url, secrets: [webhookSecret], allowPrivate: true }
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
        SHOP_AUDIT_KEY: operatorKey,
        SHOP_WEBHOOK_SECRET: webhookSecret,
        ...(edge === undefined ? {} : { SHOP_GATEWAY_PORT: String(port + 4) }),
      },
      log: join(folder, 'shop.log'),
    },
    edge === undefined ? `http://127.0.0.1:${port}/` : `http://127.0.0.1:${port + 1}/login`,
  )
}

/** One service is written in Go: behind the gateway that makes no difference to anybody. */
async function startShipping() {
  say('Building and starting the service in Go ...')
  const program = join(folder, 'shipping')
  const cwd = join(root, 'examples', 'go-service')
  const built = await run('go', ['build', '-o', program, '.'], { cwd, env: goEnvironment() })
  if (built.code !== 0) fail(`The service in Go could not be built:\n\n${outputOf(built)}`)
  await start(
    {
      name: 'shipping',
      command: program,
      args: [],
      env: {
        PORT: String(port + 5),
        HOLDFAST_URL: `http://127.0.0.1:${apiPort}`,
        HOLDFAST_KEY: gateKey,
        HOLDFAST_AUDIENCE: 'shipping',
      },
      log: join(folder, 'shipping.log'),
    },
    `http://127.0.0.1:${port + 5}/livez`,
  )
}

/** Without the network: it needs the standard library alone. */
function goEnvironment() {
  return {
    ...process.env,
    GOFLAGS: '-mod=mod',
    GOPROXY: 'off',
    GOCACHE: join(root, '.cache', 'go'),
  }
}

async function startGateway() {
  say(`Starting ${edge} ...`)
  const { command, args, env } = gatewayProgram(edge, {
    folder: join(folder, edge),
    port: port + 4,
    app: `127.0.0.1:${port + 1}`,
    catalogue: `127.0.0.1:${port + 2}`,
    orders: `127.0.0.1:${port + 3}`,
    shipping: `127.0.0.1:${port + 5}`,
    gate: `127.0.0.1:${apiPort + 2}`,
    key: gateKey,
  })
  const PATH = `${process.env.PATH ?? ''}:/usr/sbin`
  const log = join(folder, `${edge}.log`)
  await start(
    { name: edge, command, args, env: { ...env, PATH }, log },
    `http://127.0.0.1:${port}/`,
  )
}

async function portsAreFree() {
  for (const wanted of [...portsFrom(port, 6), ...portsFrom(apiPort, 3)]) {
    if (await isFree(wanted)) continue
    const option = wanted < port || wanted > port + 5 ? '--api-port' : '--port'
    fail(
      `Port ${wanted} is in use. Stop what listens there, or choose another: npm start -- ` +
        `${option} N`,
    )
  }
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: '4700' },
        fresh: { type: 'boolean', default: false },
        'api-port': { type: 'string', default: '4600' },
        edge: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) {
      process.stdout.write(`${HELP}\n`)
      process.exit(0)
    }
    const { edge, fresh } = values
    if (edge !== undefined && !GATEWAYS.includes(edge)) {
      throw new Error(`"${edge}" is none of ${GATEWAYS.join(', ')}.`)
    }
    const ports = apart({ port: portOf(values.port), apiPort: portOf(values['api-port']) })
    return { ...ports, edge, fresh }
  } catch (error) {
    return fail(`${error.message}\n\n${HELP}`)
  }
}

function portOf(text) {
  const number = Number(text)
  if (/^\d{1,5}$/.test(text) && number > 0 && number <= 65_530) return number
  throw new Error(`"${text}" is not a port from 1 to 65530.`)
}

/** Ports that both want would be found out only when the second program dies of it. */
function apart({ port, apiPort }) {
  const both = portsFrom(port, 6).find((number) => portsFrom(apiPort, 3).includes(number))
  if (both === undefined) return { port, apiPort }
  throw new Error(
    `The shop takes the ports ${port} to ${port + 5}, the service ${apiPort} to ${apiPort + 2}: ` +
      `both want ${both}. Choose --port or --api-port so that they are apart.`,
  )
}

function portsFrom(first, count) {
  return Array.from({ length: count }, (_, offset) => first + offset)
}

function newSecret() {
  return randomBytes(24).toString('base64url')
}
