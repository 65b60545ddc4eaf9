import type { Carrier } from '../carriers/carrier.ts'
import { cookie } from '../carriers/cookie.ts'
import { FORM_TOKEN_FIELD } from '../carriers/names.ts'
import { checked } from '../core/options.ts'
import type { SessionView } from '../core/session.ts'
import { type Application, type Transport, type TrustedProxy, transportTo } from './application.ts'
import { type BrowserContext, deviceOf, isBrowserContext } from './browser-context.ts'
import { type BrowserCookie, type CookieJar, cookieJar } from './cookie-jar.ts'
import { DEVICES } from './devices.ts'
import {
  LOGGED_IN_OPTIONS,
  type LoggedInOptions,
  type Place,
  THIEF_OPTIONS,
  VISITOR_OPTIONS,
  type VisitorOptions,
} from './options.ts'

export type { BrowserContext } from './browser-context.ts'
export type { BrowserCookie } from './cookie-jar.ts'

/** A browser as far as an application can tell: one cookie jar, one place. */
export interface Visitor {
  readonly address: string
  /** A request of a script of the application's own page. */
  get(path: string, headers?: Sent['headers']): Promise<Response>
  /** Loads a page: a navigation. */
  visit(path: string, headers?: Sent['headers']): Promise<Response>
  /**
   * Sends JSON as a script does, or `URLSearchParams` as a form of the page does. A form of
   * somebody who is logged in carries the form token, unless it has a field `_form`.
   */
  post(path: string, body?: Sent['body'], headers?: Sent['headers']): Promise<Response>
  put(path: string, body?: Sent['body'], headers?: Sent['headers']): Promise<Response>
  patch(path: string, body?: Sent['body'], headers?: Sent['headers']): Promise<Response>
  delete(path: string, headers?: Sent['headers']): Promise<Response>
  /** Any other request. Follows no redirect, and keeps the cookies of the answer. */
  send(path: string, request?: Sent): Promise<Response>
  /**
   * The headers that its browser sends, cookies included, for another client: `set()` of supertest,
   * `inject()` of Fastify, `fetch`. Default `script`. Hand the answer's cookies to {@link keep}.
   */
  headers(kind?: RequestKind): Record<string, string>
  /** Takes over the `Set-Cookie` lines of an answer that another client got. */
  keep(setCookies: string | readonly string[] | undefined): void
  /** What it holds, for `addCookies` of Playwright. `url`: the origin that the browser opens. */
  cookies(url: string): readonly BrowserCookie[]
  /**
   * Somebody elsewhere with a copy of all that this browser holds now. By default at another
   * address, with every header copied; with the `device` of {@link DEVICES} that you name, or at
   * the `address`.
   */
  thief(place?: Partial<Place>): Visitor
}

/** Somebody who is logged in. */
export interface Person extends Visitor {
  /** The session as it was at the login. */
  readonly session: SessionView
  /** What the application's own pages put into the field `_form` of their forms. */
  readonly formToken: string
  /** Only where the login asked for one, with `refresh: true`. */
  readonly refreshToken: string | undefined
}

/** What causes a request: a script of a page, a person who opens a page, a form of a page. */
export type RequestKind = 'script' | 'page' | 'form'

/** One request, as a test writes it. */
export interface Sent {
  /** Default GET. */
  readonly method?: string
  /** `URLSearchParams` are sent as a form, text as it is, everything else as JSON. */
  readonly body?: unknown
  /** Over those of the browser. An empty value leaves a header out. */
  readonly headers?: Readonly<Record<string, string>>
  /** Default `form` for `URLSearchParams`, else `script`. */
  readonly kind?: RequestKind
}

/** Addresses for examples (RFC 5737), in two networks. */
const HOME = '203.0.113.10'
const ELSEWHERE = '198.51.100.66'
const LOOPBACK = '127.0.0.1'

/**
 * Somebody without a session, for tests of the application's own login.
 *
 * @example
 * const ada = visitor(app)
 * await ada.post('/login', new URLSearchParams({ name: 'ada', password }))
 * expect((await ada.get('/account')).status).toBe(200)
 */
export function visitor(app: Application, options: VisitorOptions = {}): Visitor {
  checked(VISITOR_OPTIONS, options)
  const world = worldOf(transportTo(app), options)
  return visitorAt(world, { ...placeIn(world, options), jar: cookieJar(), held: {} })
}

/**
 * Somebody who is logged in, without the application's own login form: the session begins by
 * `sessions.create`. Throws where it does not begin.
 *
 * `app` may be a browser context of Playwright: the session begins for that browser, as it
 * describes itself, and its cookies are put there. `origin` says what the browser opens.
 *
 * @example
 * const ada = await loggedIn(app, { sessions, subject: 'ada' })
 * expect((await ada.post('/orders', { item: 7 })).status).toBe(201)
 * expect((await ada.thief().post('/orders', { item: 7 })).status).toBe(401)
 */
export async function loggedIn(
  app: Application | BrowserContext,
  given: LoggedInOptions,
): Promise<Person> {
  checked(LOGGED_IN_OPTIONS, given)
  const { sessions, carrier = cookie(), ...rest } = given
  if (!isBrowserContext(app)) return begun(transportTo(app), { sessions, carrier, ...rest })
  const { origin, device = await deviceOf(app) } = rest
  if (origin === undefined) throw new TypeError('origin: say what the browser opens.')
  const address = rest.address ?? LOOPBACK
  const options = { sessions, carrier, ...rest, device, address }
  const person = await begun(transportTo(origin), options)
  await app.addCookies(person.cookies(origin))
  return person
}

async function begun(
  transport: Transport,
  options: LoggedInOptions & { readonly carrier: Carrier },
): Promise<Person> {
  const { sessions, carrier, address, device, origin, proxy, ...login } = options
  const world = worldOf(transport, options)
  const place = placeIn(world, options)
  const request = { ip: place.address, method: 'POST', url: '/login', headers: place.device }
  const created = await sessions.create({ ...login, request })
  if (!created.ok) throw new Error(`No session began: ${created.code}.`)

  const { session, token, persistent } = created
  const jar = cookieJar()
  const { expiresAt, createdAt: now, formToken } = session
  const delivered = carrier.deliver?.(token, { persistent, expiresAt, now })
  if (delivered !== undefined) jar.keep([delivered])
  const authorization = delivered === undefined ? { authorization: `Bearer ${token}` } : {}
  const held = { ...authorization, formToken }
  return {
    ...visitorAt(world, { ...place, jar, held }),
    session,
    formToken,
    refreshToken: created.refreshToken,
  }
}

/** The application, and what stands before it. */
interface World {
  readonly transport: Transport
  readonly origin: string
  readonly proxy: TrustedProxy | undefined
  /** Whether an application sees that two visitors are at different addresses. */
  readonly tellsAddresses: boolean
}

/** What a thief copies. */
interface Held {
  readonly authorization?: string
  readonly formToken?: string
}

interface Whereabouts extends Place {
  readonly jar: CookieJar
  readonly held: Held
}

function worldOf(transport: Transport, { origin, proxy }: VisitorOptions): World {
  return {
    transport,
    origin: origin ?? transport.origin ?? 'https://localhost',
    proxy,
    tellsAddresses: transport.anyPeer || proxy !== undefined,
  }
}

function placeIn({ tellsAddresses }: World, { address, device }: Partial<Place>): Place {
  return {
    address: address ?? (tellsAddresses ? HOME : LOOPBACK),
    device: device ?? DEVICES.chrome,
  }
}

function visitorAt(world: World, { address, device, jar, held }: Whereabouts): Visitor {
  const { transport, origin, proxy } = world

  function headersOf(kind: RequestKind, path: string): Record<string, string> {
    const cookies = jar.header(path)
    return {
      ...device,
      ...(kind === 'script' ? SCRIPT : NAVIGATION),
      ...(cookies === '' ? {} : { cookie: cookies }),
      ...(held.authorization === undefined ? {} : { authorization: held.authorization }),
      ...(proxy === undefined ? {} : forwarded(proxy, address)),
    }
  }

  async function send(path: string, request: Sent = {}): Promise<Response> {
    const { method = 'GET', body, headers = {} } = request
    const { kind = body instanceof URLSearchParams ? 'form' : 'script' } = request
    const written = writtenBody(body, held.formToken)
    const whole = {
      ...headersOf(kind, path),
      ...(SAFE.has(method) ? {} : { origin }),
      ...(written === undefined ? {} : { 'content-type': written.type }),
      ...headers,
    }
    const answer = await transport.send({
      origin,
      path,
      method,
      headers: Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== '')),
      body: written?.text,
      peer: proxy === undefined ? address : (proxy.address ?? LOOPBACK),
    })
    jar.keep(answer.headers.getSetCookie())
    return answer
  }

  return {
    address,
    send,
    get: (path, headers = {}) => send(path, { headers }),
    visit: (path, headers = {}) => send(path, { headers, kind: 'page' }),
    post: (path, body, headers = {}) => send(path, { method: 'POST', body, headers }),
    put: (path, body, headers = {}) => send(path, { method: 'PUT', body, headers }),
    patch: (path, body, headers = {}) => send(path, { method: 'PATCH', body, headers }),
    delete: (path, headers = {}) => send(path, { method: 'DELETE', headers }),
    headers: (kind = 'script') => headersOf(kind, '/'),
    keep: (setCookies = []) => jar.keep(typeof setCookies === 'string' ? [setCookies] : setCookies),
    cookies: (url) => jar.cookies(url),
    thief(place = {}) {
      checked(THIEF_OPTIONS, place)
      if (!world.tellsAddresses && place.device === undefined) {
        throw new TypeError(
          'thief(): every request to an application at an origin comes from this machine, so ' +
            'nothing would tell the thief apart. Name the proxy that the application trusts ' +
            '(proxy: {}), or give the thief another device (thief({ device: DEVICES.curl })).',
        )
      }
      const elsewhere = world.tellsAddresses ? ELSEWHERE : address
      return visitorAt(world, {
        address: place.address ?? elsewhere,
        device: place.device ?? device,
        jar: jar.copy(),
        held,
      })
    },
  }
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/** What a browser adds by itself (Fetch Metadata). */
const SCRIPT = {
  accept: '*/*',
  'sec-fetch-site': 'same-origin',
  'sec-fetch-mode': 'cors',
  'sec-fetch-dest': 'empty',
}

const NAVIGATION = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'sec-fetch-site': 'same-origin',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-user': '?1',
  'upgrade-insecure-requests': '1',
}

function forwarded(proxy: TrustedProxy, address: string): Readonly<Record<string, string>> {
  return proxy.headers?.(address) ?? { 'x-forwarded-for': address, 'x-forwarded-proto': 'https' }
}

interface WrittenBody {
  readonly type: string
  readonly text: string
}

function writtenBody(body: unknown, formToken: string | undefined): WrittenBody | undefined {
  if (body === undefined) return undefined
  if (typeof body === 'string') return { type: 'text/plain', text: body }
  if (!(body instanceof URLSearchParams)) {
    return { type: 'application/json', text: JSON.stringify(body) }
  }
  const form = new URLSearchParams(body)
  if (formToken !== undefined && !form.has(FORM_TOKEN_FIELD)) form.set(FORM_TOKEN_FIELD, formToken)
  return { type: 'application/x-www-form-urlencoded', text: form.toString() }
}
