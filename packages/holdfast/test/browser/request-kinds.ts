import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { Browser, Page } from 'playwright-core'
import { listening } from '../contracts/apps/listening.ts'
import { startChromium } from '../support/chromium.ts'

/** What a browser sends with one kind of request. */
export interface MeasuredKind {
  /** Of {@link LOOKED_AT}, those that it sends with a navigation and left out here. */
  readonly omits: readonly string[]
  readonly dest: string | null
  readonly mode: string | null
  /** Whether `Sec-WebSocket-Version` came with it. */
  readonly socket: boolean
}

export interface MeasuredKinds {
  readonly browser: string
  readonly kinds: Readonly<Record<string, MeasuredKind>>
}

/** What of a request describes its client, the cookie of the client facts among it. */
const LOOKED_AT = [
  'user-agent',
  'accept-language',
  'sec-ch-ua',
  'sec-ch-ua-mobile',
  'sec-ch-ua-platform',
  'sec-fetch-site',
  'sec-fetch-mode',
  'sec-fetch-dest',
  'cookie',
] as const

/** Makes a browser send each kind of request once, and tells what it left out. */
export async function measureRequestKinds(): Promise<MeasuredKinds> {
  const seen = new Map<string, IncomingHttpHeaders>()
  let arrived = (): void => {}
  const note = (request: IncomingMessage): string => {
    const path = new URL(request.url ?? '/', 'http://x').pathname
    if (!seen.has(path)) seen.set(path, request.headers)
    arrived()
    return path
  }
  const http = createServer((request, response) => {
    const [type, body] = contentOf(note(request))
    response.setHeader('content-type', type).setHeader('service-worker-allowed', '/').end(body)
  })
  http.on('upgrade', (request, socket) => {
    note(request)
    socket.destroy()
  })
  const server = await listening(http)
  const origin = server.origin.replace('127.0.0.1', 'localhost')
  const browser = await startChromium()
  const until = async (paths: readonly string[]): Promise<void> => {
    const late = Date.now() + LONGEST_MS
    while (paths.some((path) => !seen.has(path))) {
      const missing = paths.filter((path) => !seen.has(path))
      if (Date.now() > late) throw new Error(`${missing.join(', ')} never came`)
      await Promise.race([
        new Promise<void>((resolve) => {
          arrived = resolve
        }),
        new Promise((resolve) => setTimeout(resolve, 100)),
      ])
    }
  }
  try {
    await drive(browser, origin, until)
    const whole = seen.get('/navigation') ?? {}
    const kinds: Record<string, MeasuredKind> = {}
    for (const path of KINDS) {
      kinds[path.slice(path.lastIndexOf('/') + 1)] = kindOf(whole, seen.get(path) ?? {})
    }
    return { browser: `Chromium ${browser.version()}`, kinds }
  } finally {
    await browser.close()
    await server.close()
  }
}

const LONGEST_MS = 20_000

function kindOf(whole: IncomingHttpHeaders, headers: IncomingHttpHeaders): MeasuredKind {
  return {
    omits: LOOKED_AT.filter((name) => whole[name] !== undefined && headers[name] === undefined),
    dest: textOf(headers['sec-fetch-dest']),
    mode: textOf(headers['sec-fetch-mode']),
    socket: headers['sec-websocket-version'] !== undefined,
  }
}

function textOf(value: string | readonly string[] | undefined): string | null {
  return typeof value === 'string' ? value : null
}

async function drive(
  browser: Browser,
  origin: string,
  until: (paths: readonly string[]) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(`${origin}/start`)
  await page.evaluate('document.cookie = "hf-client=z; path=/"')
  await page.goto(`${origin}/navigation`)
  for (const script of Object.values(IN_A_PAGE)) await page.evaluate(script)
  await until(Object.keys(IN_A_PAGE))
  for (const script of Object.values(WITH_WORKERS)) await page.evaluate(script)
  await until([...Object.keys(WITH_WORKERS), ...IN_WORKERS])
  await throughServiceWorker(page, origin, until)
}

async function throughServiceWorker(
  page: Page,
  origin: string,
  until: (paths: readonly string[]) => Promise<void>,
): Promise<void> {
  await page.evaluate(registration('/service-worker-script', '/sw/'))
  await page.evaluate(registration('/preloading-script', '/preload/'))
  await page.goto(`${origin}/sw/pass/navigation-passed-on`)
  await page.evaluate(`fetch('/sw/pass/fetch-passed-on')`)
  await page.evaluate(`fetch('/sw/url/fetch-by-url')`)
  await page.evaluate(`fetch('/sw/copy/fetch-as-new-request')`)
  await page.evaluate(`void (new Image().src = '/sw/url/image-by-url')`)
  await page.evaluate(`void (new Image().src = '/sw/pass/image-passed-on')`)
  await page.goto(`${origin}/sw/url/navigation-by-url`)
  await page.goto(`${origin}/sw/copy/navigation-as-new-request`)
  await page.goto(`${origin}/preload/navigation-preloaded`)
  await until(IN_SERVICE_WORKERS)
}

/** Registers a service worker and waits until it is in charge. */
function registration(script: string, scope: string): string {
  return `navigator.serviceWorker.register('${script}', { scope: '${scope}' })
    .then(({ installing }) => new Promise((resolve) => {
      installing.onstatechange = () => installing.state === 'activated' && resolve()
    }))`
}

/** Adds an element to the page. */
function added(name: string, properties: string): string {
  return `void document.body.append(
    Object.assign(document.createElement('${name}'), ${properties}))`
}

/** The script that makes a page send the request, by its path. */
const IN_A_PAGE: Readonly<Record<string, string>> = {
  '/navigation': '0',
  '/iframe': added('iframe', `{ src: '/iframe' }`),
  '/form': `void (document.body.insertAdjacentHTML('beforeend',
    '<iframe name=f></iframe><form target=f method=post action=/form></form>'),
    document.forms[0].submit())`,
  '/fetch': `fetch('/fetch')`,
  '/fetch-post': `fetch('/fetch-post', { method: 'POST', body: '{}' })`,
  '/fetch-keepalive': `fetch('/fetch-keepalive', { keepalive: true })`,
  '/xhr': `void (() => { const x = new XMLHttpRequest(); x.open('GET', '/xhr'); x.send() })()`,
  '/beacon': `void navigator.sendBeacon('/beacon', 'x')`,
  '/event-source': `void new EventSource('/event-source')`,
  '/image': `void (new Image().src = '/image')`,
  '/script': added('script', `{ src: '/script' }`),
  '/module': added('script', `{ src: '/module', type: 'module' }`),
  '/style': added('link', `{ rel: 'stylesheet', href: '/style' }`),
  '/font': `void new FontFace('x', 'url(/font)').load().catch(() => {})`,
  '/prefetch': added('link', `{ rel: 'prefetch', href: '/prefetch' }`),
  '/video': added('video', `{ src: '/video' }`),
  '/object': added('object', `{ data: '/object' }`),
  '/ping': `void Object.assign(document.createElement('a'), { href: '#', ping: '/ping' }).click()`,
  '/download': `void Object.assign(document.createElement('a'),
    { href: '/download', download: 'x' }).click()`,
  '/audio-worklet-script': `void new OfflineAudioContext(1, 1, 44100).audioWorklet
    .addModule('/audio-worklet-script').catch(() => {})`,
  '/socket': `void new WebSocket('ws://' + location.host + '/socket')`,
}

const WITH_WORKERS: Readonly<Record<string, string>> = {
  '/worker-script': `void (window.w1 = new Worker('/worker-script'))`,
  '/worker-module-script': `void (window.w2 =
    new Worker('/worker-module-script', { type: 'module' }))`,
  '/shared-worker-script': `void (window.w3 = new SharedWorker('/shared-worker-script'))`,
}

const IN_WORKERS = [
  '/worker-import',
  '/worker-fetch',
  '/worker-fetch-no-cors',
  '/worker-xhr',
  '/worker-event-source',
  '/worker-socket',
  '/worker-nested-script',
  '/worker-module-import',
  '/shared-worker-fetch',
  '/shared-worker-socket',
]

const IN_SERVICE_WORKERS = [
  '/service-worker-script',
  '/service-worker-import',
  '/service-worker-fetch',
  '/service-worker-cache-add',
  '/sw/pass/navigation-passed-on',
  '/sw/pass/fetch-passed-on',
  '/sw/pass/image-passed-on',
  '/sw/url/fetch-by-url',
  '/sw/url/image-by-url',
  '/sw/url/navigation-by-url',
  '/sw/copy/fetch-as-new-request',
  '/sw/copy/navigation-as-new-request',
  '/preloading-script',
  '/preload/navigation-preloaded',
]

const KINDS = [
  ...Object.keys(IN_A_PAGE),
  ...Object.keys(WITH_WORKERS),
  ...IN_WORKERS,
  ...IN_SERVICE_WORKERS,
]

const JAVASCRIPT = 'text/javascript'

const SCRIPTS: Readonly<Record<string, string>> = {
  '/worker-script': `importScripts('/worker-import')
    fetch('/worker-fetch')
    fetch('/worker-fetch-no-cors', { mode: 'no-cors' })
    new EventSource('/worker-event-source')
    new WebSocket('ws://' + location.host + '/worker-socket')
    new Worker('/worker-nested-script')
    const x = new XMLHttpRequest(); x.open('GET', '/worker-xhr'); x.send()`,
  '/worker-module-script': `import '/worker-module-import'`,
  '/shared-worker-script': `fetch('/shared-worker-fetch')
    new WebSocket('ws://' + location.host + '/shared-worker-socket')`,
  '/service-worker-script': `importScripts('/service-worker-import')
    addEventListener('install', (event) => event.waitUntil(Promise.all([
      skipWaiting(),
      fetch('/service-worker-fetch'),
      caches.open('x').then((cache) => cache.add('/service-worker-cache-add')),
    ])))
    addEventListener('fetch', (event) => {
      const { pathname } = new URL(event.request.url)
      if (pathname.startsWith('/sw/pass/')) event.respondWith(fetch(event.request))
      if (pathname.startsWith('/sw/url/')) event.respondWith(fetch(event.request.url))
      if (pathname.startsWith('/sw/copy/')) event.respondWith(fetch(new Request(event.request)))
    })`,
  '/preloading-script': `addEventListener('install', () => skipWaiting())
    addEventListener('activate', (event) =>
      event.waitUntil(registration.navigationPreload.enable()))
    addEventListener('fetch', (event) => event.respondWith(event.preloadResponse))`,
}

function contentOf(path: string): readonly [type: string, body: string] {
  const script = SCRIPTS[path]
  if (script !== undefined) return [JAVASCRIPT, script]
  if (/script|module|import/.test(path)) return [JAVASCRIPT, '']
  if (path.includes('event-source')) return ['text/event-stream', ': \n\n']
  if (path === '/style') return ['text/css', '']
  return ['text/html', '<!doctype html><link rel=icon href=data:,><body></body>']
}
