import { type FakeHost, fakeHost } from 'holdfast/contracts'
import { type RawAnswer, rawRequest } from '../../../holdfast/src/contracts/adapters/raw-http.ts'
import { type Service, startService } from '../../src/index.ts'
import { configOf, KEYS, LOGIN } from '../support.ts'
import { echoApp, type Got } from './app.ts'
import type { EDGES, Edge } from './edges.ts'
import { CHROME } from './gates.ts'
import { type StubAuthority, stubAuthority } from './stub-authority.ts'

/** A whole site: a client's view of a real gateway, the service behind it, and an application. */
export interface Site {
  readonly edge: Edge
  /** The same gateway before an authority that can be told to fail. */
  readonly failing: Edge
  /** The same gateway as `edge`, for which answers are late after 0.3 s. */
  hurried(): Promise<Edge>
  readonly stub: StubAuthority
  readonly host: FakeHost
  readonly service: Service
  readonly appSaw: readonly Got[]
  /** Lets the application answer what it holds. */
  release(): void
  /** Somebody who has just logged in. */
  login(): Promise<string>
  logout(token: string): Promise<void>
  close(): Promise<void>
}

export async function openSite(start: (typeof EDGES)[number]['start']): Promise<Site> {
  const host = fakeHost()
  const app = await echoApp()
  const stub = await stubAuthority()
  const service = await startService(
    configOf({
      HOLDFAST_AUDIENCES: '{ app: {} }',
      HOLDFAST_ORIGINS: 'http://127.0.0.1,http://shop.localhost',
      HOLDFAST_LOGIN_URL: 'https://account.example/login',
    }),
    { host, log: { write: () => {} } },
  )
  const gate = new URL(service.gateUrl ?? '').host
  const edge = await start({ gate, app: app.address })
  const failing = await start({ gate: stub.address, app: app.address })
  let hurried: Promise<Edge> | undefined

  async function call(path: string, body: unknown): Promise<Response> {
    return fetch(`${service.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEYS.app}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  }

  return {
    edge,
    failing,
    hurried() {
      hurried ??= start({ gate, app: app.address, hurried: true })
      return hurried
    },
    stub,
    host,
    service,
    appSaw: app.seen,
    release: app.release,
    async login() {
      const headers = { 'user-agent': CHROME }
      const request = { ip: '127.0.0.1', method: 'POST', url: '/login', headers }
      const created = await call('/v1/sessions', { ...LOGIN, request })
      const { token } = await created.json()
      return token
    },
    async logout(token) {
      await (await call('/v1/logout', { token })).arrayBuffer()
    },
    async close() {
      await (await hurried)?.close()
      await Promise.all([edge.close(), failing.close(), service.close(), stub.close(), app.close()])
    },
  }
}

/** One request of a browser; header values are one line, or several. */
export function visit(
  edge: Edge,
  path: string,
  {
    method = 'GET',
    headers = {},
    body = '',
  }: {
    readonly method?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string
  } = {},
): Promise<RawAnswer> {
  return rawRequest(`${edge.url}${path}`, {
    method,
    headers: Object.entries({ 'user-agent': CHROME, ...headers }),
    body,
  })
}

/** What the application says that it got. */
export function got(answer: RawAnswer): Got {
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body}`)
  return JSON.parse(answer.body)
}
