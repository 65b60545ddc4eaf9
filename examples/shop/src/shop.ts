import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { connect } from 'holdfast/client'
import { catalogue } from './catalogue/catalogue.ts'
import { withClock } from './demo/clock.ts'
import { HOMES } from './demo/places.ts'
import { edge } from './edge/edge.ts'
import { gateway } from './gateway/gateway.ts'
import { type Listening, listen } from './listen.ts'
import { orders } from './orders/orders.ts'
import { operator } from './sees/operator.ts'
import { askingTheAuthority, believingTokens } from './service-guards.ts'
import type { ShopSettings } from './settings.ts'
import { DEMO_USERS, type Directory, directory } from './users/directory.ts'

export interface ShopOptions extends ShopSettings {
  /** Folder of the library's built browser module; default that of the installed library. */
  readonly browserModule?: string
  /** Default those of the demonstration, hashed at the start. */
  readonly users?: Directory
  /** UTC, ms. */
  readonly now?: () => number
}

export interface Shop {
  /** Where visitors come in: the simulated edge. */
  readonly url: string
  /** Stops all four servers. */
  close(): Promise<void>
}

/**
 * Starts the edge, the gateway, the catalogue and the orders, each an HTTP server of its own on
 * loopback.
 */
export async function startShop(options: ShopOptions): Promise<Shop> {
  const { holdfastUrl: url, holdfastKey: key, auditKey, port, gatewayAt } = options
  const { now = () => Date.now() } = options
  const [home] = HOMES
  if (home === undefined) throw new TypeError('there are no homes')
  const users = options.users ?? (await directory(DEMO_USERS))
  const stop = new AbortController()
  const running: Listening[] = []
  const portAt = (offset: number): number => (port === 0 ? 0 : port + offset)

  async function start(server: Parameters<typeof listen>[0], offset: number): Promise<number> {
    const listening = await listen(server, portAt(offset))
    running.push(listening)
    return listening.port
  }

  async function close(): Promise<void> {
    stop.abort()
    await Promise.all(running.map((listening) => listening.close()))
  }

  try {
    const guards =
      gatewayAt === undefined
        ? askingTheAuthority({ url, key })
        : believingTokens({ url, issuer: options.issuer ?? url, now })
    const goods = catalogue(guards.catalogue)
    await goods.ready()
    const ports = {
      catalogue: await start(goods.server, 2),
      orders: await start(
        createServer(
          getRequestListener(orders(guards.orders, now).fetch, {
            overrideGlobalObjects: false,
          }),
        ),
        3,
      ),
    }
    // The edge first: passkeys belong to the address that visitors come in by.
    let gatewayPort = gatewayAt ?? 0
    const edgePort = await start(
      edge({ gatewayPort: () => gatewayPort, defaultPlace: home.here, setClock: withClock }),
      0,
    )
    const shopUrl = `http://localhost:${edgePort}`
    const pages = await gateway({
      sessions: connect({ url, key }),
      operator: operator({ url, key: auditKey }),
      users,
      browserModule: options.browserModule ?? installedBrowserModule(),
      ports,
      edgePort,
      origin: shopUrl,
      webhookSecret: options.webhookSecret,
      now,
      stop: stop.signal,
    })
    const own = await start(createServer(pages), 1)
    gatewayPort = gatewayAt ?? own
    return { url: shopUrl, close }
  } catch (error) {
    await close()
    throw error
  }
}

function installedBrowserModule(): string {
  return dirname(createRequire(import.meta.url).resolve('holdfast/browser'))
}
