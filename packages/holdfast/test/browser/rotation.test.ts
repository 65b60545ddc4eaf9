import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { holdfast } from '../../src/adapters/node.ts'
import { SESSION_COOKIE } from '../../src/carriers/names.ts'
import { settlingTime } from '../../src/core/rotation.ts'
import { listening } from '../contracts/apps/listening.ts'
import { startChromium } from '../support/chromium.ts'
import { type Harness, harness, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { atHome, onTheTrain } from '../support/people.ts'
import { until } from '../support/until.ts'
import { bundledModule } from './bundled.ts'

const ROTATE_EVERY_MS = 2 * MINUTE
const HOME = atHome().ip ?? ''
const TRAIN = onTheTrain().ip ?? ''

/** As a browser of the owner's is started; another one with it looks the same. */
const LOOKS = {
  timezoneId: 'Europe/Oslo',
  locale: 'nb-NO',
  screen: { width: 1600, height: 900 },
  viewport: { width: 1200, height: 800 },
}

let module = ''
const browsers: Browser[] = []

/** The owner's browser, and another one that shares nothing with it. */
beforeAll(async () => {
  module = await bundledModule()
  for (let count = 0; count < 2; count++) {
    browsers.push(await startChromium())
  }
}, 60_000)
afterAll(async () => {
  for (const browser of browsers) await browser.close()
})

/** What came, and how it was answered. */
interface Exchange {
  readonly path: string
  readonly status: number
  readonly cookie: boolean
  readonly hints: boolean
}

/** The way by which one browser reaches the site: a proxy that tells the client's address. */
interface Way {
  readonly origin: string
  /** Gives the browser another address; what was open breaks off. */
  moveTo(address: string): void
}

interface Site extends Harness {
  readonly exchanges: readonly Exchange[]
  way(address: string): Promise<Way>
  /** The answers of sensitive calls that wait to be released, by their path. */
  readonly held: ReadonlyMap<string, () => void>
}

/** The real engine behind the Node adapter, on a clock that the test alone moves. */
async function startSite(): Promise<Site> {
  const engine = await harness(inMemory, { rotateEvery: ROTATE_EVERY_MS })
  const { requireSession, login } = holdfast(engine.sessions, {
    now: engine.host.now,
    address: { trust: { proxies: ['127.0.0.1/32'] } },
  })
  const required = requireSession()
  const requiredSensitive = requireSession({ sensitivity: 'sensitive' })
  const exchanges: Exchange[] = []
  const held = new Map<string, () => void>()

  function note(request: IncomingMessage, status: number): void {
    const { url: path = '', headers } = request
    const cookie = headers.cookie?.includes(`${SESSION_COOKIE}=`) === true
    exchanges.push({ path, status, cookie, hints: headers['sec-ch-ua'] !== undefined })
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? ''
    if (path === '/holdfast.js') return void response.setHeader('content-type', JS).end(module)
    if (path === '/welcome') return void response.setHeader('content-type', HTML).end(WELCOME)
    if (path === '/login') {
      const amr = ['pwd', 'otp']
      const done = await login(request, response, { subject: 'ada', factors: ['otp'], amr })
      return void response.writeHead(done.ok ? 200 : 401).end()
    }
    response.once('close', () => note(request, response.statusCode))
    const guarded = path.startsWith('/sensitive/') ? requiredSensitive : required
    if ((await guarded(request, response)) === undefined) return
    if (path.startsWith('/sensitive/')) {
      await new Promise<void>((resolve) => held.set(path, resolve))
      held.delete(path)
    }
    if (path === '/stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: first\n\n')
      return
    }
    const [type, body] = CONTENT[path.split('?')[0] ?? ''] ?? ['text/plain', 'ok']
    response.setHeader('content-type', type).end(body)
  }

  async function upgrade(request: IncomingMessage, socket: Duplex): Promise<void> {
    const response = new ServerResponse(request)
    response.once('finish', () => note(request, response.statusCode))
    if ((await required(request, response)) === undefined) return void socket.destroy()
    note(request, 101)
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64')
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
  }

  async function way(start: string): Promise<Way> {
    let address = start
    const sockets = new Set<Duplex>()
    const from = (request: IncomingMessage): void => {
      request.headers['x-forwarded-for'] = address
    }
    const http = createServer((request, response) => {
      from(request)
      answer(request, response).catch((error: unknown) => response.destroy(error as Error))
    })
    http.on('upgrade', (request, socket) => {
      from(request)
      upgrade(request, socket).catch(() => socket.destroy())
    })
    http.on('connection', (socket) => {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    })
    const breakOff = (): void => {
      for (const socket of sockets) socket.destroy()
    }
    const { origin, close } = await listening(http)
    onTestFinished(async () => {
      breakOff()
      await close()
    })
    return {
      origin: origin.replace('127.0.0.1', 'localhost'),
      moveTo(next) {
        address = next
        breakOff()
      },
    }
  }

  return { ...engine, exchanges, held, way }
}

const JS = 'text/javascript'
const HTML = 'text/html'

const WELCOME = `<!doctype html><link rel=icon href=data:,><script type="module">
  import { keepFacts } from '/holdfast.js'
  keepFacts()
  document.title = 'kept'
</script>`

/**
 * `use()` sends each kind of request once and opens its socket and its stream anew. `order()` sends
 * three sensitive calls at once, whose statuses come in `ordered`.
 */
const PAGE = `<!doctype html><link rel=icon href=data:,><script type="module">
  import { keepFacts } from '/holdfast.js'
  keepFacts()
  const statusOf = async (path, init) => (await fetch(path, init)).status
  const heard = (target, send) => new Promise((resolve, reject) => {
    target.onmessage = ({ data }) => resolve(data)
    target.onerror = () => reject(new Error('no answer'))
    send()
  })
  await navigator.serviceWorker.register('/service-worker.js')
  await navigator.serviceWorker.ready
  if (navigator.serviceWorker.controller === null) {
    await new Promise((resolve) => navigator.serviceWorker.oncontrollerchange = resolve)
  }
  const shared = new SharedWorker('/shared-worker.js')
  let workers = 0
  let socket
  let stream
  const byWorker = async () => {
    const worker = new Worker('/worker.js?' + workers++)
    const status = await heard(worker, () => worker.postMessage(''))
    worker.terminate()
    return status
  }
  const bySharedWorker = () => heard(shared.port, () => shared.port.postMessage(''))
  const byServiceWorker = () => {
    const { port1, port2 } = new MessageChannel()
    return heard(port1, () => navigator.serviceWorker.controller.postMessage('', [port2]))
  }
  const bySocket = () => new Promise((resolve) => {
    socket?.close()
    socket = new WebSocket('ws://' + location.host + '/socket')
    socket.onopen = () => resolve(200)
    socket.onerror = () => resolve(0)
  })
  const byStream = () => new Promise((resolve) => {
    stream?.close()
    stream = new EventSource('/stream')
    stream.onmessage = () => resolve(200)
    stream.onerror = () => resolve(0)
  })
  window.bySocket = bySocket
  window.use = () => Promise.all([
    bySocket(), byWorker(), statusOf('/by-page'), bySharedWorker(), byServiceWorker(), byStream(),
  ])
  window.order = () => {
    const headers = { 'content-type': 'application/json' }
    window.ordered = [0, 1, 2].map((call) =>
      statusOf('/sensitive/' + call, { method: 'POST', headers, body: '{}' }))
  }
  document.title = 'ready'
</script>`

const CONTENT: Readonly<Record<string, readonly [type: string, body: string]>> = {
  '/page': [HTML, PAGE],
  '/worker.js': [JS, `onmessage = async () => postMessage((await fetch('/by-worker')).status)`],
  '/shared-worker.js': [
    JS,
    `onconnect = ({ ports: [port] }) => {
      port.onmessage = async () => port.postMessage((await fetch('/by-shared-worker')).status)
    }`,
  ],
  '/service-worker.js': [
    JS,
    `addEventListener('install', () => skipWaiting())
    addEventListener('activate', (event) => event.waitUntil(clients.claim()))
    addEventListener('fetch', (event) => event.respondWith(fetch(event.request)))
    addEventListener('message', async ({ ports: [port] }) =>
      port.postMessage((await fetch('/by-service-worker')).status))`,
  ],
}

/** Opens the page, as a person does. */
async function openPage(page: Page, { origin }: Way): Promise<void> {
  await page.goto(`${origin}/page`)
  await page.waitForFunction('document.title === "ready"')
}

/** Every kind of request that the page sends, once. */
async function use(page: Page): Promise<void> {
  expect(await page.evaluate('use()')).toEqual([200, 200, 200, 200, 200, 200])
}

/** The orders in which the answers of three calls leave. */
const ORDERS = [
  [2, 1, 0],
  [0, 2, 1],
  [1, 2, 0],
  [2, 0, 1],
] as const

/** Three sensitive calls at once; the page is used before, between and after their answers. */
async function orderThrice(site: Site, page: Page, round: number): Promise<void> {
  await page.evaluate('order()')
  await until('three calls are held', () => site.held.size === 3)
  await use(page)
  for (const call of ORDERS[round % ORDERS.length] ?? []) {
    // In every second round the last answer is too late to bring its secret.
    site.host.advance(round % 2 === 0 ? 2 * SECOND : 4 * SECOND)
    site.held.get(`/sensitive/${call}`)?.()
    expect(await page.evaluate(`ordered[${call}]`)).toBe(200)
    await use(page)
  }
}

async function secretOf(context: BrowserContext, { origin }: Way): Promise<string | undefined> {
  const cookies = await context.cookies(origin)
  return cookies.find(({ name }) => name === SESSION_COOKIE)?.value
}

const typesOf = ({ events }: Site): readonly string[] => events.map(({ type }) => type)

test('a page with workers and sockets is never asked, and a copy of its jar is found', async () => {
  const site = await startSite()
  const way = await site.way(HOME)
  const context = await (browsers[0] as Browser).newContext(LOOKS)
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const secrets = new Set<string | undefined>()
  await page.goto(`${way.origin}/welcome`)
  await page.waitForFunction('document.title === "kept"')
  await page.evaluate(`fetch('/login', { method: 'POST' })`)
  await openPage(page, way)

  async function rounds(count: number, one: (round: number) => Promise<void>): Promise<void> {
    for (let round = 0; round < count; round++) {
      site.host.advance(ROUND_MS)
      await one(round)
      secrets.add(await secretOf(context, way))
    }
  }

  await rounds(6, (round) => orderThrice(site, page, round))
  await openPage(page, way)
  way.moveTo(TRAIN)
  expect(await page.evaluate('bySocket()')).toBe(200)
  await rounds(8, () => use(page))
  await openPage(page, way)
  way.moveTo(HOME)
  await rounds(5, (round) => orderThrice(site, page, round))

  expect(site.exchanges.filter(({ status }) => status !== 200 && status !== 101)).toEqual([])
  expect(typesOf(site)).toContain('context-changed')
  expect(typesOf(site)).not.toContain('token-reused')
  expect(typesOf(site)).not.toContain('step-up-required')
  expect(countOf(site, 'secret-rotated')).toBeGreaterThanOrEqual(12)
  expect(secrets.size).toBeGreaterThanOrEqual(12)
  expect(kindsOf(site)).toEqual(KINDS)

  const copied = await (browsers[1] as Browser).newContext(LOOKS)
  onTestFinished(() => copied.close())
  const { origin } = await site.way(HOME)
  await copied.addCookies(await context.cookies(way.origin))
  const copy = await copied.newPage()
  await copy.goto(`${origin}/welcome`)
  const answers: { readonly who: Page; readonly status: number }[] = []
  const startedAt = site.host.now()
  const challenged = (who: Page): boolean =>
    answers.some((answer) => answer.who === who && answer.status === 401)

  while (!challenged(page) || !challenged(copy)) {
    for (const who of [page, copy]) {
      site.host.advance(TURN_MS)
      answers.push({ who, status: await who.evaluate(`fetch('/by-page').then((a) => a.status)`) })
    }
    const passed = site.host.now() - startedAt
    expect(passed).toBeLessThanOrEqual(
      ROTATE_EVERY_MS + settlingTime('session') + 3 * EACH_ASKS_EVERY_MS,
    )
  }
  expect(typesOf(site)).toContain('token-reused')
  expect(countOf(site, 'step-up-required')).toBeGreaterThanOrEqual(1)
  const { items } = await site.sessions.list({ subject: 'ada' })
  expect(items).toMatchObject([{ forked: true }])
}, 120_000)

/** Not sooner than a generation settles, so that each round of sensitive calls may rotate. */
const ROUND_MS = settlingTime('session') + 3 * SECOND

/** The owner and the copy ask by turns. */
const TURN_MS = 10 * SECOND
const EACH_ASKS_EVERY_MS = 2 * TURN_MS

/** What each path brought: the cookie always, client hints where a page asked. */
const KINDS: Readonly<Record<string, string>> = {
  '/page': 'cookie, hints',
  '/service-worker.js': 'cookie',
  '/shared-worker.js': 'cookie',
  '/worker.js': 'cookie',
  '/socket': 'cookie',
  '/by-worker': 'cookie',
  '/by-shared-worker': 'cookie',
  '/by-service-worker': 'cookie',
  '/by-page': 'cookie, hints',
  '/stream': 'cookie, hints',
  '/sensitive/0': 'cookie, hints',
  '/sensitive/1': 'cookie, hints',
  '/sensitive/2': 'cookie, hints',
}

/** What all requests of each path brought; every variant is told. */
function kindsOf({ exchanges }: Site): Readonly<Record<string, string>> {
  const variants = new Map<string, Set<string>>()
  for (const { path, cookie, hints } of exchanges) {
    const name = path.split('?')[0] ?? ''
    const brought = [...(cookie ? ['cookie'] : []), ...(hints ? ['hints'] : [])].join(', ')
    variants.set(name, (variants.get(name) ?? new Set()).add(brought))
  }
  return Object.fromEntries([...variants].map(([name, all]) => [name, [...all].join(' or ')]))
}

const countOf = (site: Site, type: string): number =>
  typesOf(site).filter((one) => one === type).length
