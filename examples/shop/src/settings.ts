/** What the shop is told at start. */
export interface ShopSettings {
  /** Where the Holdfast service listens. */
  readonly holdfastUrl: string
  /** API key with the role `app`: all three services verify sessions with it. */
  readonly holdfastKey: string
  /**
   * API key with the roles `audit` and `admin`, for the page "What Holdfast sees"; only the gateway
   * has it.
   */
  readonly auditKey: string
  /**
   * Where visitors come in; the gateway, the catalogue and the orders listen on the three ports
   * after it. 0: any free ports.
   */
  readonly port: number
  /**
   * Port of a real gateway between the edge and the shop. Then services verify the access tokens
   * that it brings.
   */
  readonly gatewayAt?: number
  /**
   * Signs the alerts and notices that the service posts to `/inbox/alerts` and `/inbox/notices` of
   * the gateway. Without it the inbox stays empty.
   */
  readonly webhookSecret?: string
  /** Who issues those tokens; the service at `holdfastUrl` unless said otherwise. */
  readonly issuer?: string
}

const DEFAULT_PORT = 4700
const HIGHEST_PORT = 65_532

/**
 * `SHOP_HOLDFAST_URL`, `SHOP_HOLDFAST_KEY`, `SHOP_AUDIT_KEY`, `SHOP_PORT` (4700),
 * `SHOP_GATEWAY_PORT` and `SHOP_WEBHOOK_SECRET`. Throws, naming it, when one is missing or wrong.
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>): ShopSettings {
  const holdfastUrl = required(env, 'SHOP_HOLDFAST_URL')
  if (!URL.canParse(holdfastUrl)) throw new Error('SHOP_HOLDFAST_URL must be an http address.')
  const holdfastKey = required(env, 'SHOP_HOLDFAST_KEY')
  const gatewayAt = portOf('SHOP_GATEWAY_PORT', env.SHOP_GATEWAY_PORT)
  const webhookSecret = env.SHOP_WEBHOOK_SECRET
  return {
    holdfastUrl,
    holdfastKey,
    auditKey: required(env, 'SHOP_AUDIT_KEY'),
    port: portOf('SHOP_PORT', env.SHOP_PORT) ?? DEFAULT_PORT,
    ...(gatewayAt === undefined ? {} : { gatewayAt }),
    ...(webhookSecret ? { webhookSecret } : {}),
  }
}

function required(env: Readonly<Record<string, string | undefined>>, name: string): string {
  const value = env[name]
  if (value) return value
  throw new Error(`${name} is not set. "npm start" in the repository sets all that the shop needs.`)
}

function portOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= HIGHEST_PORT) return port
  throw new Error(`${name} must be a number from 0 to ${HIGHEST_PORT}.`)
}
