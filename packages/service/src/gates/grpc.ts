import { createServer } from 'node:net'
import type { Server, ServerCredentials, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js'
import type { ServiceDefinition } from '@grpc/proto-loader'
import type { HeaderLookup } from 'holdfast/gateway'
import type { Listen } from '../config/values.ts'
import { bind, removeDeadSocket, restrictSocket } from '../main/listener.ts'
import type { ProxyProtocol } from '../main/proxy-protocol.ts'
import { type GateAnswer, refused } from './decide.ts'
import { type CheckRequest, type CheckResponse, ENVOY_AUTH } from './envoy-proto.ts'
import { type GateParts, stranger } from './gate.ts'
import { checkResponse, headersOf, readCheck } from './grpc-dialect.ts'

/** A gRPC server that runs. */
export interface GrpcGate {
  /** `host:port`, or `unix:/path`. */
  readonly address: string
  /** Takes nothing new and lets calls in flight finish, at most for so long. */
  close(withinMs: number): Promise<void>
}

type Call = ServerUnaryCall<CheckRequest, CheckResponse>

/** Envoy passes on headers of up to 60 KiB by default; bodies are not requested. */
const MAX_MESSAGE_BYTES = 262_144

/** `192.0.2.1:4711`, `2001:db8::1:4711`. */
function addressOf(peer: string): string {
  return peer.slice(0, Math.max(0, peer.lastIndexOf(':')))
}

/**
 * `envoy.service.auth.v3.Authorization/Check`. The operator's options are `context_extensions` of
 * the route; the key is `holdfast-key` in the call's metadata. The gRPC packages are loaded only
 * here, because they take a third of the time to start.
 */
export async function listenGrpc(
  parts: GateParts,
  where: Listen,
  proxied?: ProxyProtocol,
): Promise<GrpcGate> {
  const { Server, ServerCredentials } = await import('@grpc/grpc-js')
  const { fromJSON } = await import('@grpc/proto-loader')
  const definition = fromJSON(ENVOY_AUTH, { keepCase: true, defaults: true })
  // The only service among the names of the definition.
  const service = definition['envoy.service.auth.v3.Authorization'] as ServiceDefinition
  const server = new Server({ 'grpc.max_receive_message_length': MAX_MESSAGE_BYTES })
  server.addService(service, {
    Check(call: Call, answer: sendUnaryData<CheckResponse>) {
      void verdictOf(call).then((verdict) => answer(null, verdict))
    },
  })
  const { address, stop } =
    proxied === undefined
      ? await bound(server, where, ServerCredentials.createInsecure())
      : await behindProxies(server, { where, proxied, as: ServerCredentials.createInsecure() })
  return {
    address,
    close: (withinMs) =>
      new Promise((resolve) => {
        stop()
        const timer = setTimeout(() => {
          server.forceShutdown()
          resolve()
        }, withinMs)
        server.tryShutdown(() => {
          clearTimeout(timer)
          resolve()
        })
      }),
  }

  /**
   * Never rejects. A fault is a refusal: what Envoy makes of errors depends on its failure mode.
   */
  async function verdictOf(call: Call): Promise<CheckResponse> {
    const header = headersOf(call.request)
    try {
      return checkResponse(await judged(call, header), header, parts.cookieName)
    } catch (error) {
      parts.log.error({ err: error }, 'a gate failed')
      return checkResponse(refused('internal_error'), header, parts.cookieName)
    }
  }

  async function judged(call: Call, header: HeaderLookup): Promise<GateAnswer> {
    if (parts.sheds?.()) return refused('overloaded')
    const startedAt = performance.now()
    const address = addressOf(call.getPeer())
    const [key] = call.metadata.get('holdfast-key')
    const gateway = parts.gatewayOf({ key: typeof key === 'string' ? key : undefined, address })
    const options = new URLSearchParams(call.request.attributes?.context_extensions ?? {})
    const answer =
      gateway === undefined
        ? stranger(parts, address, 'Send holdfast-key in the metadata.')
        : await parts.decide({
            gateway,
            forwarded: readCheck(call.request, header),
            header,
            options: parts.readOptions(options.toString()),
          })
    const status = answer.ok ? 200 : answer.refusal.status
    const ms = performance.now() - startedAt
    parts.reports.answered({ dialect: 'ext-authz-grpc', status, ms, address, judged: answer })
    return answer
  }
}

/** A server that listens, and what ends its listening apart from its own shutdown. */
interface Bound {
  readonly address: string
  stop(): void
}

async function bound(server: Server, where: Listen, as: ServerCredentials): Promise<Bound> {
  if ('path' in where) await removeDeadSocket(where.path)
  const asked = addressOfListener(where, 'path' in where ? 0 : where.port)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(asked, as, (error, bound) => {
      if (error === null) resolve(bound)
      else reject(error)
    })
  })
  if ('path' in where) await restrictSocket(where.path)
  return { address: addressOfListener(where, port), stop() {} }
}

/** The connections are accepted here, and the server gets them without their PROXY headers. */
async function behindProxies(
  server: Server,
  {
    where,
    proxied,
    as,
  }: {
    readonly where: Listen
    readonly proxied: ProxyProtocol
    readonly as: ServerCredentials
  },
): Promise<Bound> {
  const injector = server.createConnectionInjector(as)
  const front = createServer({ noDelay: true }, (socket) => injector.injectConnection(socket))
  const endWaiting = proxied.guard(front)
  await bind(front, where)
  const at = front.address()
  return {
    address: addressOfListener(where, typeof at === 'object' && at !== null ? at.port : 0),
    stop() {
      endWaiting()
      front.close()
    },
  }
}

function addressOfListener(where: Listen, port: number): string {
  if ('path' in where) return `unix:${where.path}`
  return where.host.includes(':') ? `[${where.host}]:${port}` : `${where.host}:${port}`
}
