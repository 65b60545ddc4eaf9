import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { proxyProtocol } from '../../src/main/proxy-protocol.ts'
import { ASKS, addressesIn, ask, binary, connected, line, portOf } from '../main/raw-connection.ts'
import { running } from '../support.ts'

const GATEWAY = '192.0.2.10'
const FORGED: readonly Buffer[] = [
  line(`TCP4 ${GATEWAY} 127.0.0.1 4711 443`),
  line('UNKNOWN'),
  binary(0x21, 0x11, Buffer.from([192, 0, 2, 10, 127, 0, 0, 1, 18, 103, 1, 187])),
  binary(0x20, 0x00, Buffer.alloc(0)),
]
const AT_THE_GATE =
  'GET /v1/gate/forward-auth HTTP/1.1\r\nhost: x\r\nconnection: close\r\n' +
  'x-forwarded-method: GET\r\nx-forwarded-proto: https\r\nx-forwarded-host: shop.example\r\n' +
  'x-forwarded-uri: /\r\nx-forwarded-for: 198.51.100.1\r\n\r\n'

describe.each([
  ['nobody is configured', {}],
  ['somebody else is configured', { HOLDFAST_PROXY_PROTOCOL_PEERS: '10.0.0.0/8,unix' }],
])('where %s', (_, env: Record<string, string>) => {
  test('a header is no HTTP, and the address in it is nobody’s', async () => {
    const run = await running({
      ...env,
      HOLDFAST_GATE_PEERS: '192.0.2.0/24',
      HOLDFAST_TRUSTED_PROXIES: '192.0.2.0/24',
    })

    for (const header of FORGED) {
      expect(await ask(run, [header, ASKS])).toMatch(/^HTTP\/1\.1 400 /)
      const gate = await ask(run, [header, AT_THE_GATE], portOf(run.service.gateUrl ?? ''))
      expect(gate).toMatch(/^HTTP\/1\.1 400 /)
    }
    await ask(run, [ASKS])

    expect(addressesIn(run)).toEqual(['127.0.0.1'])
    expect(run.log()).not.toContain(GATEWAY)
  })
})

describe('behind a balancer', () => {
  const BALANCER = { HOLDFAST_PROXY_PROTOCOL_PEERS: '127.0.0.0/8' }

  test('who comes without a header is refused, and logged once', async () => {
    const run = await running(BALANCER)

    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, at) => ask(run, [at % 2 === 0 ? ASKS : '\x16\x03\x01'])),
    )

    expect(new Set(answers)).toEqual(new Set(['']))
    expect(addressesIn(run)).toEqual([])
    expect(run.log().match(/"problem":"malformed"/g)).toHaveLength(1)
  })

  test('a client cannot put a header of its own behind that of the balancer', async () => {
    const run = await running({ ...BALANCER, HOLDFAST_GATE_PEERS: '192.0.2.0/24' })
    const gate = portOf(run.service.gateUrl ?? '')
    const own = line('TCP4 203.0.113.66 127.0.0.1 4711 443')

    for (const header of FORGED) {
      expect(await ask(run, [own, header, AT_THE_GATE], gate)).toMatch(/^HTTP\/1\.1 400 /)
    }
    expect(await ask(run, [own, AT_THE_GATE], gate)).toContain('caller_unauthenticated')
    expect(await ask(run, [FORGED[0] ?? '', AT_THE_GATE], gate)).toContain('token_missing')
  })

  test('a client whom the balancer does not name is believed nothing', async () => {
    const run = await running({ ...BALANCER, HOLDFAST_GATE_PEERS: '127.0.0.0/8' })
    const gate = portOf(run.service.gateUrl ?? '')
    const nameless = [line('UNKNOWN'), binary(0x21, 0, Buffer.alloc(0))]

    for (const header of [...nameless, binary(0x21, 0x31, Buffer.alloc(216))]) {
      expect(await ask(run, [header, AT_THE_GATE], gate)).toContain('caller_unauthenticated')
    }
  })
})

test('a header that drips in ends with its time, and takes no memory', async () => {
  const problems: unknown[] = []
  const server = createServer(() => problems.push('reached the server'))
  proxyProtocol({
    peers: ['127.0.0.0/8'],
    timeoutMs: 150,
    warn: (_, { problem }) => problems.push(problem),
  })?.guard(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const at = server.address()
  const where = { host: '127.0.0.1', port: typeof at === 'object' && at !== null ? at.port : 0 }

  await Promise.all(
    Array.from({ length: 20 }, async () => {
      const socket = await connected(where)
      socket.write('PROXY ')
      const dripping = setInterval(() => socket.write('U'), 20)
      await new Promise<void>((resolve) => socket.once('close', () => resolve()))
      clearInterval(dripping)
    }),
  )

  expect(problems).toEqual(new Array(20).fill('late'))
})
