import { connect, createServer } from 'node:net'
import { type Client, credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import type { Logger } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { recording } from '../../../holdfast/test/support/telemetry.ts'
import type { CheckResponse, HeaderValueOption } from '../../src/gates/envoy-proto.ts'
import type { GateParts } from '../../src/gates/gate.ts'
import { type GrpcGate, listenGrpc } from '../../src/gates/grpc.ts'
import { NO_GUESS_LIMITS } from '../../src/main/guess-limits.ts'
import { portOf } from '../main/raw-connection.ts'
import { folder, KEYS, narrowKeys } from '../support.ts'
import { CHROME, cookieOf, type Gated, gated } from './gates.ts'

/**
 * Envoy's own definition of the service, apart from ours: names, numbers and types as its .proto
 * files have them, with what it sends beyond what is read here.
 */
const ENVOY = {
  nested: {
    google: {
      nested: {
        protobuf: { nested: { BoolValue: { fields: { value: { type: 'bool', id: 1 } } } } },
        rpc: {
          nested: {
            Status: {
              fields: { code: { type: 'int32', id: 1 }, message: { type: 'string', id: 2 } },
            },
          },
        },
      },
    },
    envoy: {
      nested: {
        type: {
          nested: {
            v3: { nested: { HttpStatus: { fields: { code: { type: 'int32', id: 1 } } } } },
          },
        },
        config: {
          nested: {
            core: {
              nested: {
                v3: {
                  nested: {
                    SocketAddress: {
                      fields: {
                        protocol: { type: 'int32', id: 1 },
                        address: { type: 'string', id: 2 },
                        port_value: { type: 'uint32', id: 3 },
                      },
                    },
                    Address: { fields: { socket_address: { type: 'SocketAddress', id: 1 } } },
                    HeaderValue: {
                      fields: { key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } },
                    },
                    HeaderValueOption: {
                      fields: {
                        header: { type: 'HeaderValue', id: 1 },
                        append: { type: 'google.protobuf.BoolValue', id: 2 },
                        append_action: { type: 'int32', id: 3 },
                      },
                    },
                  },
                },
              },
            },
          },
        },
        service: {
          nested: {
            auth: {
              nested: {
                v3: {
                  nested: {
                    Authorization: {
                      methods: {
                        Check: {
                          requestType: 'CheckRequest',
                          responseType: 'CheckResponse',
                          comment: '',
                        },
                      },
                    },
                    CheckRequest: { fields: { attributes: { type: 'AttributeContext', id: 1 } } },
                    AttributeContext: {
                      fields: {
                        source: { type: 'Peer', id: 1 },
                        destination: { type: 'Peer', id: 2 },
                        request: { type: 'Request', id: 4 },
                        context_extensions: { keyType: 'string', type: 'string', id: 10 },
                      },
                      nested: {
                        Peer: {
                          fields: {
                            address: { type: 'envoy.config.core.v3.Address', id: 1 },
                            service: { type: 'string', id: 2 },
                            principal: { type: 'string', id: 4 },
                          },
                        },
                        Request: { fields: { http: { type: 'HttpRequest', id: 2 } } },
                        HttpRequest: {
                          fields: {
                            id: { type: 'string', id: 1 },
                            method: { type: 'string', id: 2 },
                            headers: { keyType: 'string', type: 'string', id: 3 },
                            path: { type: 'string', id: 4 },
                            host: { type: 'string', id: 5 },
                            scheme: { type: 'string', id: 6 },
                            query: { type: 'string', id: 7 },
                            size: { type: 'int64', id: 9 },
                            protocol: { type: 'string', id: 10 },
                            body: { type: 'string', id: 11 },
                          },
                        },
                      },
                    },
                    DeniedHttpResponse: {
                      fields: {
                        status: { type: 'envoy.type.v3.HttpStatus', id: 1 },
                        headers: {
                          rule: 'repeated',
                          type: 'envoy.config.core.v3.HeaderValueOption',
                          id: 2,
                        },
                        body: { type: 'string', id: 3 },
                      },
                    },
                    OkHttpResponse: {
                      fields: {
                        headers: {
                          rule: 'repeated',
                          type: 'envoy.config.core.v3.HeaderValueOption',
                          id: 2,
                        },
                        headers_to_remove: { rule: 'repeated', type: 'string', id: 5 },
                        response_headers_to_add: {
                          rule: 'repeated',
                          type: 'envoy.config.core.v3.HeaderValueOption',
                          id: 6,
                        },
                      },
                    },
                    CheckResponse: {
                      fields: {
                        status: { type: 'google.rpc.Status', id: 1 },
                        denied_response: { type: 'DeniedHttpResponse', id: 2 },
                        ok_response: { type: 'OkHttpResponse', id: 3 },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
}

interface Checked {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly address?: string
  readonly extensions?: Readonly<Record<string, string>>
  readonly key?: string | null
}

type Check = (asked?: Checked) => Promise<CheckResponse>

/** Envoy, as far as an authority can tell. */
function envoy(address: string): Check {
  const definition = fromJSON(ENVOY, { keepCase: true, defaults: true, arrays: true })
  const found = loadPackageDefinition(definition) as unknown as {
    envoy: {
      service: {
        auth: { v3: { Authorization: new (to: string, by: unknown) => Client & Calls } }
      }
    }
  }
  const client = new found.envoy.service.auth.v3.Authorization(
    address,
    credentials.createInsecure(),
  )
  onTestFinished(() => client.close())
  return ({
    method = 'GET',
    path = '/orders?open=1',
    headers = {},
    address: from = '192.0.2.10',
    extensions = {},
    key = KEYS.gate,
  } = {}) => {
    const metadata = new Metadata()
    if (key !== null) metadata.set('holdfast-key', key)
    const request = {
      attributes: {
        source: { address: { socket_address: { address: from, port_value: 40_000 } } },
        destination: { address: { socket_address: { address: '10.0.0.1', port_value: 443 } } },
        request: {
          http: {
            id: '1',
            method,
            path,
            host: 'shop.example',
            scheme: 'https',
            protocol: 'HTTP/1.1',
            headers: {
              ':method': method,
              ':path': path,
              ':authority': 'shop.example',
              'user-agent': CHROME,
              'x-forwarded-proto': 'https',
              'x-forwarded-for': from,
              ...headers,
            },
          },
        },
        context_extensions: extensions,
      },
    }
    return new Promise((resolve, reject) => {
      client.Check(request, metadata, { deadline: Date.now() + 60_000 }, (error, response) => {
        if (error === null) resolve(response)
        else reject(error)
      })
    })
  }
}

interface Calls {
  Check(
    request: unknown,
    metadata: Metadata,
    options: { readonly deadline: number },
    done: (error: Error | null, response: CheckResponse) => void,
  ): void
}

async function meshed(
  env: Record<string, string> = {},
): Promise<{ readonly run: Gated; readonly check: Check }> {
  const run = await gated({ HOLDFAST_GRPC_LISTEN: '127.0.0.1:0', ...env })
  return { run, check: envoy(run.service.grpcAddress ?? '') }
}

function pairs(options: readonly HeaderValueOption[] | undefined): Record<string, string> {
  return Object.fromEntries((options ?? []).map(({ header }) => [header.key, header.value]))
}

test('an access token replaces Authorization, and the secret leaves the cookies', async () => {
  const { run, check } = await meshed({ HOLDFAST_AUDIENCES: '{ orders: {} }' })

  const answer = await check({
    headers: { cookie: `theme=dark; ${cookieOf(run.token)}`, authorization: 'Basic c3BvbnRhbmU=' },
    extensions: { audience: 'orders' },
  })

  const { ok_response: ok } = answer
  expect(answer.status.code).toBe(0)
  expect(pairs(ok?.headers)).toEqual({
    authorization: expect.stringMatching(/^Bearer ey/),
    cookie: 'theme=dark',
  })
  // Envoy overwrites for both of these, whichever of the two fields it knows.
  for (const { append, append_action } of ok?.headers ?? []) {
    expect([append?.value, append_action]).toEqual([false, 2])
  }
  expect(ok?.headers_to_remove).toEqual([])
  expect(ok?.response_headers_to_add).toEqual([])
})

test('a verification is a span of the trace that the request names', async () => {
  const told = recording()
  const { run, check } = await meshed()
  told.reset()

  await check({
    headers: {
      cookie: cookieOf(run.token),
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
  })

  expect(told.span('holdfast.verify').parentSpanContext).toMatchObject({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
  })
})

test('a key of some audiences is held to them: another one is a denial with its code', async () => {
  const { run, check } = await meshed(narrowKeys())
  const headers = { cookie: cookieOf(run.token) }

  const own = await check({ headers, extensions: { audience: 'billing' } })
  const other = await check({ headers, extensions: { audience: 'orders' } })
  const unbound = await check({ headers, extensions: { audience: 'orders' }, key: KEYS.all })

  expect([own, other, unbound].map(({ status }) => status.code)).toEqual([0, 7, 0])
  expect(other.denied_response?.status.code).toBe(403)
  const problem = JSON.parse(other.denied_response?.body ?? '')
  expect(problem).toMatchObject({ code: 'caller_forbidden' })
  expect(problem.detail).toContain('"orders"')
})

test('who passes as nobody loses Authorization and session cookie on the way', async () => {
  const { run, check } = await meshed()
  await run.call('POST', '/v1/logout', { body: { token: run.token } })

  const answer = await check({
    headers: { cookie: cookieOf(run.token), authorization: 'Bearer of-somebody-else' },
    extensions: { optional: 'yes' },
  })

  expect(answer.status.code).toBe(0)
  expect(answer.ok_response?.headers).toEqual([])
  expect(answer.ok_response?.headers_to_remove).toEqual(['authorization', 'cookie'])
})

test('a rotated secret is added to the cookies, and the page is private', async () => {
  const { run, check } = await meshed()
  run.host.advance(360_000)

  const answer = await check({
    headers: { cookie: cookieOf(run.token) },
    extensions: { rotate: 'yes' },
  })

  const added = answer.ok_response?.response_headers_to_add ?? []
  expect(pairs(added)).toEqual({
    'set-cookie': expect.stringMatching(/^__Host-session=hf1\./),
    'cache-control': 'private, no-store',
  })
  // Appended as a line of its own: not overwritten, and not joined by the older "append".
  expect(added[0]).toMatchObject({ append_action: 0, append: null })
})

test('a refusal is a whole answer: status, challenge, cookie, problem', async () => {
  const { run, check } = await meshed()
  await run.call('POST', '/v1/logout', { body: { token: run.token } })

  const answer = await check({ headers: { cookie: cookieOf(run.token) } })

  const { denied_response: denied } = answer
  expect(answer.status.code).toBe(16)
  expect(denied?.status.code).toBe(401)
  expect(pairs(denied?.headers)).toMatchObject({
    'www-authenticate': expect.stringContaining('session_unknown'),
    'set-cookie': expect.stringContaining('Max-Age=0'),
    'cache-control': 'no-store',
  })
  expect(JSON.parse(denied?.body ?? '')).toMatchObject({ code: 'session_unknown' })
})

test('another site is 403, mixed forwarding headers 400, no key 401: all denials', async () => {
  const { run, check } = await meshed()
  const cookie = cookieOf(run.token)

  const answers = [
    await check({ headers: { cookie, 'sec-fetch-site': 'cross-site' } }),
    await check({ headers: { cookie, 'x-original-url': 'https://evil.example/' } }),
    await check({ headers: { cookie, 'x-forwarded-host': 'evil.example' } }),
    await check({ headers: { cookie }, extensions: { optional: 'maybe' } }),
    await check({ headers: { cookie }, key: null }),
    await check({ headers: { cookie }, address: '' }),
  ]

  expect(answers.map((answer) => answer.denied_response?.status.code)).toEqual([
    403, 400, 400, 400, 401, 400,
  ])
  for (const answer of answers) expect(answer.status.code).not.toBe(0)
})

test('the client is who Envoy saw; before that counts a proxy that is trusted', async () => {
  const { run, check } = await meshed({ HOLDFAST_TRUSTED_PROXIES: '203.0.113.0/24' })
  const cookie = cookieOf(run.token)
  const curl = { cookie, 'user-agent': 'curl/8.5.0' }

  const through = await check({
    headers: { cookie, 'x-forwarded-for': '198.51.100.66, 192.0.2.10, 203.0.113.9' },
    address: '203.0.113.9',
  })
  const liar = await check({
    headers: { ...curl, 'x-forwarded-for': '192.0.2.10, 198.51.100.66' },
    address: '198.51.100.66',
  })

  expect(through.status.code).toBe(0)
  expect(liar.denied_response?.status.code).toBe(401)
})

/** A gate that lets every gateway ask, and decides as the test says. */
async function gateOf(
  parts: Pick<GateParts, 'decide' | 'log'> & Partial<GateParts>,
): Promise<GrpcGate> {
  const gate = await listenGrpc(
    {
      gatewayOf: () => ({}),
      readOptions: () => ({ ok: true, route: {} }),
      cookieName: '__Host-session',
      guesses: NO_GUESS_LIMITS,
      reports: { answered() {} },
      ...parts,
    },
    { host: '127.0.0.1', port: 0 },
  )
  onTestFinished(() => gate.close(0))
  return gate
}

test.each([
  ['a decision that rejects', { decide: () => Promise.reject(new Error('broken')) }],
  [
    'a decision that throws',
    {
      decide() {
        throw new Error('broken')
      },
    },
  ],
  [
    'a report that throws',
    {
      decide: () => Promise.resolve({ ok: true as const, headers: [] }),
      reports: {
        answered() {
          throw new Error('broken')
        },
      },
    },
  ],
])('%s is a refusal with 500 and a line in the log, never a pass', async (_, broken) => {
  const logged: unknown[] = []
  const log = { error: (line: unknown) => logged.push(line) } as unknown as Logger
  const gate = await gateOf({ log, ...broken })

  const answer = await envoy(gate.address)()

  expect(answer.status.code).toBe(7)
  expect(answer.denied_response?.status.code).toBe(500)
  expect(JSON.parse(answer.denied_response?.body ?? '')).toMatchObject({ code: 'internal_error' })
  expect(logged).toEqual([{ err: new Error('broken') }])
})

test('what is more than the process can do is refused over gRPC, too', async () => {
  let judged = 0
  let busy = true
  const gate = await gateOf({
    log: {} as unknown as Logger,
    async decide() {
      judged++
      return { ok: true as const, headers: [] }
    },
    sheds: () => busy,
  })
  const check = envoy(gate.address)

  const shed = await check()
  busy = false
  const passed = await check()

  expect(shed.denied_response?.status.code).toBe(503)
  expect(JSON.parse(shed.denied_response?.body ?? '')).toMatchObject({ code: 'overloaded' })
  expect([passed.status.code, judged]).toEqual([0, 1])
})

test('a socket needs no key: whoever may open it is a gateway', async () => {
  const path = `${folder()}/authz.sock`
  const { run, check } = await meshed({ HOLDFAST_GRPC_LISTEN: `unix:${path}` })

  const answer = await check({ headers: { cookie: cookieOf(run.token) }, key: null })

  expect(answer.status.code).toBe(0)
})

test('behind a balancer the gateway is the peer that the PROXY header names', async () => {
  const run = await gated({
    HOLDFAST_GRPC_LISTEN: '127.0.0.1:0',
    HOLDFAST_PROXY_PROTOCOL_PEERS: '127.0.0.2',
    HOLDFAST_GATE_PEERS: '203.0.113.0/24',
  })
  const to = portOf(`http://${run.service.grpcAddress}`)
  const through = async (header: string) => envoy(await balancer(to, header))
  const gateway = await through('PROXY TCP4 203.0.113.9 127.0.0.1 4711 4603\r\n')
  const stranger = await through('PROXY TCP4 198.51.100.66 127.0.0.1 4711 4603\r\n')
  const headers = { cookie: cookieOf(run.token) }

  const [known, unknown] = [
    await gateway({ headers, key: '' }),
    await stranger({ headers, key: '' }),
  ]

  expect(known.status.code).toBe(0)
  expect(unknown.denied_response?.status.code).toBe(401)
  await expect((await through(''))({ headers, key: '' })).rejects.toThrow()
  await run.service.close()
})

/** Passes connections on, each behind the header. */
async function balancer(to: { host: string; port: number }, header: string): Promise<string> {
  const server = createServer((client) => {
    const service = connect({ ...to, localAddress: '127.0.0.2' })
    service.write(header)
    client.pipe(service).pipe(client)
    client.on('error', () => service.destroy())
    service.on('error', () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const at = server.address()
  return `127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}`
}
