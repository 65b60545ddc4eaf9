export type GatewayName = 'nginx' | 'caddy' | 'haproxy'

export const GATEWAYS: readonly GatewayName[]

/** Each place but `port` is `host:port`. */
export function gatewayProgram(
  name: GatewayName,
  places: {
    readonly folder: string
    readonly port: number
    readonly app: string
    readonly catalogue: string
    readonly orders: string
    /** The service in Go. */
    readonly shipping: string
    readonly gate: string
    readonly key: string
  },
): {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}
