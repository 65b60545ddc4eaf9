import { chmod } from 'node:fs/promises'
import type { Sessions } from 'holdfast'
import { gatewayJudge } from 'holdfast/gateway'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import type { Listen } from '../config/values.ts'
import { anybody, gatewaysOf } from '../gates/callers.ts'
import { decision } from '../gates/decide.ts'
import { type GateParts, gateHandler } from '../gates/gate.ts'
import { listenGrpc } from '../gates/grpc.ts'
import { optionsReader } from '../gates/options.ts'
import { gateReports } from '../gates/reports.ts'
import { type Listener, listen, removeDeadSocket } from './listener.ts'
import type { Metrics } from './metrics.ts'

/** Gateways keep idle connections for up to a minute (nginx): ours must be the longer patience, or requests meet a closing door. */
const KEEP_ALIVE_MS = 75_000

/** More than gateways take: what a client sends too much is answered as such, and not as a broken gate. */
const MAX_HEADER_BYTES = 65_536

const SOCKET_MODE = 0o660

export interface GatesNeed {
  readonly sessions: Sessions
  readonly config: Config
  readonly metrics: Metrics
  readonly log: Logger
  readonly now: () => number
}

/** The listeners for gateways, as far as the configuration wants them. `listenAs` names the setting of one that fails. */
export async function openGates(
  need: GatesNeed,
  listenAs: (
    setting: 'gateListen' | 'grpcListen',
    open: () => Promise<Listener>,
  ) => Promise<Listener>,
): Promise<readonly Listener[]> {
  const { config } = need
  const { gateListen, grpcListen, requestTimeout: requestTimeoutMs } = config
  const partsOf = gateParts(need)
  const open: Listener[] = []
  try {
    if (gateListen !== 'off') {
      const options = {
        where: gateListen,
        requestTimeoutMs,
        keepAliveMs: KEEP_ALIVE_MS,
        maxHeaderBytes: MAX_HEADER_BYTES,
      }
      open.push(
        await listenAs('gateListen', () => listen(gateHandler(partsOf(gateListen)), options)),
      )
    }
    if (grpcListen !== 'off') {
      open.push(await listenAs('grpcListen', () => openGrpc(partsOf(grpcListen), grpcListen)))
    }
    return open
  } catch (error) {
    await Promise.all(open.map((listener) => listener.close(0)))
    throw error
  }
}

function gateParts({
  sessions,
  config,
  metrics,
  log,
  now,
}: GatesNeed): (where: Listen) => GateParts {
  const { cookieName, origins, loginUrl, stepUpUrl, trustedProxies, gateTlsHeader } = config
  const counted: Sessions = {
    ...sessions,
    async verify(presented) {
      const verification = await sessions.verify(presented)
      metrics.verified(verification)
      return verification
    },
  }
  const { judge } = gatewayJudge(counted, {
    cookieName,
    origins,
    now,
    ...(loginUrl === undefined ? {} : { loginUrl }),
    ...(stepUpUrl === undefined ? {} : { stepUpUrl }),
    ...(gateTlsHeader === undefined ? {} : { tlsHeader: gateTlsHeader }),
    ...(trustedProxies.length === 0 ? {} : { address: { trust: { proxies: trustedProxies } } }),
  })
  const byKey = gatewaysOf(config.apiKeys, config.gatePeers)
  const shared = {
    decide: decision(judge, log),
    readOptions: optionsReader(Object.keys(config.audiences)),
    reports: gateReports(metrics, log),
    cookieName,
    log,
  }
  return (where) => ({ ...shared, isGateway: 'path' in where ? anybody : byKey })
}

/** In the terms of the other listeners. Calls that come while it drains are answered; it closes with what is in flight. */
async function openGrpc(parts: GateParts, where: Listen): Promise<Listener> {
  if ('path' in where) await removeDeadSocket(where.path)
  const { address, close } = await listenGrpc(parts, where)
  if ('path' in where) await chmod(where.path, SOCKET_MODE)
  return { url: address, drain() {}, close }
}
