import { AsyncLocalStorage } from 'node:async_hooks'
import { fileURLToPath } from 'node:url'
import express, { type ErrorRequestHandler, type Express, type Request } from 'express'
import { systemHost } from 'holdfast'
import type { RemoteSessions } from 'holdfast/client'
import { holdfast } from 'holdfast/express'
import { heldForms, memoryFactors, memoryForms, stepUp } from 'holdfast/step-up'
import { phones } from '../demo/phones.ts'
import type { Operator } from '../sees/operator.ts'
import { BEHIND_OWN_HOPS } from '../trusted-hops.ts'
import { DEMO_USERS, type Directory } from '../users/directory.ts'
import { accountRoutes } from './account.ts'
import { factorRoutes } from './factors.ts'
import { securityHeaders } from './headers.ts'
import { inboxRoutes } from './inbox.ts'
import { loginRoutes } from './login.ts'
import { frameOf, type GatewayParts, TENANT } from './parts.ts'
import { messagePage, refusalPage } from './refusals.ts'
import { seesRoutes } from './sees.ts'
import { serviceRoutes } from './services.ts'
import { shopRoutes } from './shop-pages.ts'
import { stepUpRoutes } from './step-up.ts'
import { thiefRoutes } from './thief.ts'

const PUBLIC = fileURLToPath(new URL('../../public/', import.meta.url))

export interface GatewayOptions {
  readonly sessions: RemoteSessions
  readonly operator: Operator
  readonly users: Directory
  /** Folder of the library's browser module. */
  readonly browserModule: string
  readonly ports: { readonly catalogue: number; readonly orders: number }
  readonly edgePort: number
  /** Where visitors come in: the origin of their passkeys. */
  readonly origin: string
  /** Signs what Holdfast posts to the inbox; undefined where it posts nothing. */
  readonly webhookSecret: string | undefined
  readonly now: () => number
  readonly stop: AbortSignal
}

/** The gateway: pages, login, step-up, and the way to the services behind. */
export async function gateway(options: GatewayOptions): Promise<Express> {
  const { sessions, operator, users, now, stop, ports, edgePort, browserModule } = options
  const host = { ...systemHost(), now }
  const factorStore = memoryFactors()
  const factors = stepUp({
    store: factorStore,
    name: 'Kelp & Keel',
    relyingParty: { id: new URL(options.origin).hostname, origins: [options.origin] },
    host,
  })
  for (const { id, totpSecret } of DEMO_USERS) {
    await factors.importTotp({ subject: id, tenant: TENANT }, totpSecret)
  }
  const forms = heldForms({ store: memoryForms({ now }), host })
  const visits = new AsyncLocalStorage<Request>()
  const guard = holdfast(sessions, {
    ...BEHIND_OWN_HOPS,
    loginPage: '/login',
    stepUpPage: '/step-up',
    heldForms: forms,
    onRefusal: (refused) => {
      const request = visits.getStore()
      return refusalPage(refused, request ? frameOf({ guard }, request) : { place: undefined })
    },
  })
  const parts: GatewayParts = {
    guard,
    sessions,
    operator,
    users,
    phones: phones(),
    factors,
    factorStore,
    forms,
    now,
    stop,
  }

  const app = express()
  app.disable('x-powered-by')
  app.set('query parser', 'simple')
  app.use((request, _response, next) => visits.run(request, next))
  app.use(securityHeaders(options.origin))
  app.use('/static/holdfast', express.static(browserModule, { index: false }))
  app.use('/static', express.static(PUBLIC, { index: false }))
  app.use(serviceRoutes(ports))
  app.use(loginRoutes(parts))
  app.use(stepUpRoutes(parts))
  app.use(shopRoutes(parts))
  app.use(accountRoutes(parts))
  app.use(factorRoutes(parts))
  app.use(seesRoutes(parts))
  app.use(thiefRoutes({ ...parts, edgePort }))
  app.use(inboxRoutes({ ...parts, webhookSecret: options.webhookSecret }))
  app.use((request, response) => {
    const words = { title: 'Not here', text: 'There is no such page in this shop.' }
    response.status(404).send(messagePage({ ...frameOf(parts, request), ...words }))
  })
  /** Four parameters make it an error handler for Express. */
  const failed: ErrorRequestHandler = (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error)
    const status = statusOf(error)
    if (status >= 500) process.stderr.write(`gateway: ${textOf(error)}\n`)
    const words = { title: 'That did not work', text: 'Please try again in a moment.' }
    response.status(status).send(messagePage({ ...frameOf(parts, request), ...words }))
  }
  app.use(failed)
  return app
}

/** Express's own parsers name a status below 500 for what the client did wrong. */
function statusOf(error: unknown): number {
  const status = error instanceof Error && 'status' in error ? error.status : undefined
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : 'something that is no error'
}
