import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ProxyHeader, readProxyHeader } from '../../src/main/proxy-protocol.ts'
import { folder, running } from '../support.ts'
import {
  ASKS,
  addressesIn,
  ask,
  binary,
  connected,
  line,
  portOf,
  SIGNATURE,
} from './raw-connection.ts'

function ipv4(source: string, port = 4711): Buffer {
  const bytes = [...source.split('.'), '10', '0', '0', '1'].map(Number)
  return Buffer.from([...bytes, port >> 8, port & 255, 1, 187])
}

const IPV6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000009', 'hex'),
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from([0x12, 0x67, 1, 187]),
])
/** An authority (0x02) and a checksum (0x03). */
const EXTENSIONS = Buffer.concat([
  Buffer.from([2, 0, 4]),
  Buffer.from('shop'),
  Buffer.from([3, 0, 4, 1, 2, 3, 4]),
])

const V4 = { address: '192.0.2.10', port: 4711, family: 'IPv4' } as const
const V6 = { address: '2001:db8::9', port: 4711, family: 'IPv6' } as const

describe('a header is read', () => {
  test.each<[string, Buffer, Partial<ProxyHeader>]>([
    ['version 1, IPv4', line('TCP4 192.0.2.10 10.0.0.1 4711 443'), { local: false, client: V4 }],
    ['version 1, IPv6', line('TCP6 2001:db8::9 2001:db8::1 4711 443'), { client: V6 }],
    ['version 1, IPv6 in full', line('TCP6 2001:0DB8:0:0:0:0:0:9 ::1 4711 0'), { client: V6 }],
    ['version 1, mapped', line('TCP6 ::ffff:192.0.2.10 ::1 4711 443'), { client: V4 }],
    ['version 1, unknown', line('UNKNOWN'), { local: false, client: undefined }],
    ['version 1, unknown and more', line('UNKNOWN ffff::f ::1 65535 1'), { client: undefined }],
    ['version 1, no address', line('TCP4 0.0.0.0 10.0.0.1 1 1'), { client: undefined }],
    ['version 2, IPv4', binary(0x21, 0x11, ipv4('192.0.2.10')), { local: false, client: V4 }],
    ['version 2, IPv6', binary(0x21, 0x21, IPV6), { client: V6 }],
    [
      'version 2, extensions',
      binary(0x21, 0x21, Buffer.concat([IPV6, EXTENSIONS])),
      { client: V6 },
    ],
    [
      'version 2, unix',
      binary(0x21, 0x31, Buffer.alloc(216, 'x')),
      { local: false, client: undefined },
    ],
    ['version 2, unspecified', binary(0x21, 0x00, EXTENSIONS), { local: false, client: undefined }],
    ['version 2, local', binary(0x20, 0x00, Buffer.alloc(0)), { local: true, client: undefined }],
    ['version 2, local with addresses', binary(0x20, 0x11, ipv4('192.0.2.10')), { local: true }],
    ['version 2, local of a strange family', binary(0x20, 0xff, EXTENSIONS), { local: true }],
  ])('%s', (_, bytes, header) => {
    const followed = Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\n\r\n')])

    expect(readProxyHeader(followed)).toMatchObject({ ...header, length: bytes.length })
    for (let cut = 0; cut < bytes.length; cut++) {
      expect(readProxyHeader(bytes.subarray(0, cut))).toBe('incomplete')
    }
  })
})

describe('what is no header is told at once', () => {
  test.each<[string, Buffer, string]>([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n'), 'malformed'],
    ['POST, which also begins with P', Buffer.from('PO'), 'malformed'],
    ['TLS', Buffer.from([22, 3, 1]), 'malformed'],
    ['HTTP/2', Buffer.from('PRI * HTTP/2.0'), 'malformed'],
    ['small letters', Buffer.from('proxy '), 'malformed'],
    ['a line without an end', Buffer.from(`PROXY UNKNOWN ${' '.repeat(100)}`), 'too long'],
    ['a line that ends too late', line(`UNKNOWN ${'x'.repeat(100)}`), 'too long'],
    ['unknown and glued', line('UNKNOWNX'), 'malformed'],
    ['two spaces', line('TCP4  192.0.2.10 10.0.0.1 1 1'), 'malformed'],
    ['a space at the end', line('TCP4 192.0.2.10 10.0.0.1 1 1 '), 'malformed'],
    ['an address less', line('TCP4 192.0.2.10 1 1'), 'malformed'],
    ['a leading zero', line('TCP4 192.0.02.10 10.0.0.1 1 1'), 'malformed'],
    ['a port with a leading zero', line('TCP4 192.0.2.10 10.0.0.1 01 1'), 'malformed'],
    ['a port too high', line('TCP4 192.0.2.10 10.0.0.1 65536 1'), 'malformed'],
    ['a negative port', line('TCP4 192.0.2.10 10.0.0.1 -1 1'), 'malformed'],
    ['IPv6 as IPv4', line('TCP4 2001:db8::9 2001:db8::1 1 1'), 'malformed'],
    ['IPv4 as IPv6', line('TCP6 192.0.2.10 10.0.0.1 1 1'), 'malformed'],
    ['a name', line('TCP4 localhost 10.0.0.1 1 1'), 'malformed'],
    ['a zone', line('TCP6 fe80::1%eth0 ::1 1 1'), 'malformed'],
    ['UDP', line('UDP4 192.0.2.10 10.0.0.1 1 1'), 'malformed'],
    ['version 1 in version 2', binary(0x11, 0x11, ipv4('192.0.2.10')), 'malformed'],
    ['version 3', binary(0x31, 0x11, ipv4('192.0.2.10')), 'malformed'],
    ['an unknown command', binary(0x22, 0x11, ipv4('192.0.2.10')), 'malformed'],
    ['an unknown family', binary(0x21, 0x41, ipv4('192.0.2.10')), 'malformed'],
    ['an unknown transport', binary(0x21, 0x13, ipv4('192.0.2.10')), 'malformed'],
    ['datagrams', binary(0x21, 0x12, ipv4('192.0.2.10')), 'not for TCP'],
    ['too short for IPv4', binary(0x21, 0x11, Buffer.alloc(11)), 'malformed'],
    ['too short for IPv6', binary(0x21, 0x21, Buffer.alloc(35)), 'malformed'],
    ['too short for a socket', binary(0x21, 0x31, Buffer.alloc(215)), 'malformed'],
    ['64 KB of extensions', binary(0x21, 0x11, Buffer.alloc(0), 65_535), 'too long'],
    ['64 KB for nothing', binary(0x20, 0x00, Buffer.alloc(0), 65_535), 'too long'],
  ])('%s', (_, bytes, problem) => {
    expect(readProxyHeader(bytes)).toBe(problem)
  })
})

test('any bytes are read without a throw, within bounds, and alike however they are cut', () => {
  const start = fc.constantFrom(Buffer.alloc(0), Buffer.from('PROXY TCP4 '), SIGNATURE)
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((any) => Buffer.from(any)),
    fc
      .string({ unit: fc.constantFrom(...'TCP46UNKOW 0123456789abcdef:.\r\n'), maxLength: 150 })
      .map((text) => Buffer.from(text)),
  )
  fc.assert(
    fc.property(start, bytes, (first, more) => {
      const all = Buffer.concat([first, more])
      const whole = readProxyHeader(all)
      if (typeof whole === 'object') {
        expect(whole.length).toBeLessThanOrEqual(Math.min(all.length, 16 + 4_096))
        expect(readProxyHeader(all.subarray(0, whole.length))).toEqual(whole)
        expect(readProxyHeader(all.subarray(0, whole.length - 1))).toBe('incomplete')
      } else if (whole === 'incomplete') {
        expect(all.length).toBeLessThan(16 + 4_096)
      } else {
        expect(readProxyHeader(Buffer.concat([all, Buffer.from('more')]))).toBe(whole)
      }
    }),
    { numRuns: 3_000 },
  )
})

describe('behind a balancer that sends headers', () => {
  const PROXIED = { HOLDFAST_PROXY_PROTOCOL_PEERS: '127.0.0.0/8' }

  test.each<[string, Buffer, string | null]>([
    ['version 1', line('TCP4 192.0.2.10 127.0.0.1 4711 443'), '192.0.2.10'],
    ['version 2', binary(0x21, 0x21, Buffer.concat([IPV6, EXTENSIONS])), '2001:db8::9'],
    ['a health check of its own', binary(0x20, 0, Buffer.alloc(0)), '127.0.0.1'],
    ['a client that it does not know', line('UNKNOWN'), null],
    ['a client of a unix socket', binary(0x21, 0x31, Buffer.alloc(216)), null],
  ])('the caller is whom the header names: %s', async (_, header, address) => {
    const run = await running(PROXIED)

    const answers = [
      await ask(run, [header, ASKS]),
      await ask(run, [Buffer.concat([header, Buffer.from(ASKS)])]),
      await ask(
        run,
        [...Buffer.concat([header, Buffer.from(ASKS)])].map((one) => Buffer.from([one])),
      ),
    ]

    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 401 /)
    expect(addressesIn(run)).toEqual([address, address, address])
  })

  test('requests that follow on the connection have the same peer', async () => {
    const run = await running(PROXIED)
    const header = line('TCP4 192.0.2.10 127.0.0.1 4711 443')

    const answer = await ask(run, [header, STAYS, STAYS, ASKS])

    expect(answer.match(/HTTP\/1\.1 401 /g)).toHaveLength(3)
    expect(addressesIn(run)).toEqual(['192.0.2.10', '192.0.2.10', '192.0.2.10'])
  })

  test('proxies behind it are believed as ever, by the address that the header names', async () => {
    const run = await running({ ...PROXIED, HOLDFAST_TRUSTED_PROXIES: '10.0.0.0/8' })
    const told = ASKS.replace('\r\n\r\n', '\r\nx-forwarded-for: 192.0.2.77\r\n\r\n')

    await ask(run, [line('TCP4 10.9.9.9 127.0.0.1 4711 443'), told])
    await ask(run, [line('TCP4 192.0.2.10 127.0.0.1 4711 443'), told])

    expect(addressesIn(run)).toEqual(['192.0.2.77', '192.0.2.10'])
  })

  test('every HTTP listener reads it, a unix socket too', async () => {
    const path = join(folder(), 'gate.sock')
    const run = await running({
      HOLDFAST_PROXY_PROTOCOL_PEERS: '127.0.0.1,unix',
      HOLDFAST_GATE_LISTEN: `unix:${path}`,
    })
    const header = line('TCP4 192.0.2.10 127.0.0.1 4711 443')
    const get = (where: string) => `GET ${where} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`

    expect(
      await ask(run, [header, get('/livez')], portOf(run.service.managementUrl ?? '')),
    ).toContain(' 200 ')
    expect(await ask(run, [get('/livez')], portOf(run.service.managementUrl ?? ''))).toBe('')
    expect(await ask(run, [header, get('/v1/gate/forward-auth')], { path })).toContain(' 400 ')
    expect(await ask(run, [get('/v1/gate/forward-auth')], { path })).toBe('')
  })

  test('a service that stops does not wait for headers', async () => {
    const run = await running(PROXIED)
    const socket = await connected(portOf(run.service.url))
    socket.write('PROXY TCP4 ')

    await run.service.close()

    await new Promise<void>((resolve) => {
      if (socket.destroyed) resolve()
      else socket.once('close', () => resolve())
    })
  })
})

const STAYS = 'GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n'
