import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SessionError } from '../../src/core/errors.ts'
import { type ClientAddress, clientAddressResolver } from '../../src/network/client-address.ts'
import type { ClientAddressOptions } from '../../src/network/trusted-proxies.ts'

type Headers = Readonly<Record<string, string | readonly string[]>>

function resolve(
  options: ClientAddressOptions,
  peer: string | undefined,
  headers: Headers = {},
): ClientAddress {
  return clientAddressResolver(options)(peer, (name) => headers[name])
}

const PROXIES = { trust: { proxies: ['10.0.0.0/8', '2001:db8:ffff::/48'] } }
const FORWARDED = { ...PROXIES, header: 'forwarded' } as const

function viaXff(list: string | readonly string[], options: ClientAddressOptions = PROXIES) {
  return resolve(options, '10.0.0.1', { 'x-forwarded-for': list })
}

function viaForwarded(list: string | readonly string[]) {
  return resolve(FORWARDED, '10.0.0.1', { forwarded: list })
}

describe('without trusted proxies', () => {
  const headers = {
    'x-forwarded-for': '6.6.6.6',
    forwarded: 'for=6.6.6.6;proto=https',
    'x-real-ip': '6.6.6.6',
    'x-forwarded-proto': 'https',
  }

  test('the peer is the client and no header is believed', () => {
    const nothing = { https: null, suspicious: false, tls: null }
    expect(resolve({}, '192.0.2.1', headers)).toEqual({ ip: '192.0.2.1', ...nothing })
    expect(resolve({}, '::ffff:192.0.2.1', headers)).toEqual({ ip: '192.0.2.1', ...nothing })
    expect(resolve({}, 'fe80::1%eth0', headers)).toEqual({ ip: 'fe80::1', ...nothing })
    expect(resolve(PROXIES, '192.0.2.1', headers)).toEqual({ ip: '192.0.2.1', ...nothing })
    expect(resolve({ trust: { proxies: [] } }, '10.0.0.1', headers).ip).toBe('10.0.0.1')
  })

  test('a peer without an address is nobody', () => {
    for (const peer of [undefined, '', '/run/app.sock', '012.0.0.1', '0.0.0.0', '::']) {
      expect(resolve(PROXIES, peer, headers)).toEqual({
        ip: null,
        https: null,
        suspicious: false,
        tls: null,
      })
    }
  })
})

describe('the unspecified address is no client’s, and stops the walk', () => {
  test.each([
    ['0.0.0.0', '0.0.0.0'],
    ['0.0.0.0:443', '"0.0.0.0:443"'],
    ['::', '"[::]"'],
    ['::ffff:0.0.0.0', '"[::ffff:0.0.0.0]"'],
    ['[::]:443', '"[::]:443"'],
  ])('%s', (none, node) => {
    const stopped = { ip: '10.0.0.1', suspicious: true }
    expect(viaXff(`192.0.2.1, ${none}`)).toMatchObject(stopped)
    expect(viaForwarded(`for=192.0.2.1, for=${node}`)).toMatchObject(stopped)
  })
})

describe('X-Forwarded-For through trusted networks', () => {
  test.each<[string, string, string]>([
    ['one proxy', '192.0.2.1', '192.0.2.1'],
    ['a chain of ours', '192.0.2.1, 10.0.0.3,10.0.0.2', '192.0.2.1'],
    ['what the client wrote stands left', '6.6.6.6, 192.0.2.1', '192.0.2.1'],
    ['a trusted address that the client wrote', '10.9.9.9, 192.0.2.1', '192.0.2.1'],
    ['only our own', '10.0.0.9, 10.0.0.8', '10.0.0.9'],
    ['a port', '192.0.2.1:50123', '192.0.2.1'],
    ['brackets and a port', '[2001:db8::7]:443', '2001:db8::7'],
    ['bare IPv6', '2001:DB8:0::7', '2001:db8::7'],
    ['quotes', '"[2001:db8::7]:443"', '2001:db8::7'],
    ['mapped', '::ffff:192.0.2.1', '192.0.2.1'],
    ['a mapped proxy', '192.0.2.1, ::ffff:10.0.0.2', '192.0.2.1'],
    ['empty elements', ' ,192.0.2.1, ,\t', '192.0.2.1'],
    ['nothing', '', '10.0.0.1'],
  ])('%s', (_, list, ip) => {
    expect(viaXff(list)).toEqual({ ip, https: null, suspicious: false, tls: null })
  })

  test.each([
    '012.1.2.3',
    '0x7f.1',
    '1.2.3',
    '1.2.3.4 5.6.7.8',
    '1.2.3.4:99999',
    '1.2.3.4:',
    '[1.2.3.4]',
    '[::1',
    '::1]',
    '[::1]x',
    '<script>',
    '"1.2.3.4',
    '192.0.2.1\u00a0',
    '1.2.3.4;5',
  ])('%s stops the walk at the last address that was established', (element) => {
    expect(viaXff(`192.0.2.1, ${element}`)).toEqual({
      ip: '10.0.0.1',
      https: null,
      suspicious: true,
      tls: null,
    })
    expect(viaXff(`192.0.2.1, ${element}, 10.0.0.2`).ip).toBe('10.0.0.2')
    expect(viaXff(`${element}, 192.0.2.1`)).toMatchObject({ ip: '192.0.2.1', suspicious: false })
  })

  test('a hop that hides stops the walk, which is nobody’s fault', () => {
    for (const element of ['unknown', 'UNKNOWN', '_hidden', '_SEVKISEK', 'unknown:80']) {
      expect(viaXff(`6.6.6.6, ${element}, 10.0.0.2`)).toEqual({
        ip: '10.0.0.2',
        https: null,
        suspicious: false,
        tls: null,
      })
    }
  })

  test('repeated lines are one list in their order', () => {
    expect(viaXff(['6.6.6.6', '192.0.2.1', '10.0.0.2']).ip).toBe('192.0.2.1')
    expect(viaXff(['192.0.2.1', '6.6.6.6']).ip).toBe('6.6.6.6')
  })

  test('junk of a client in front of it changes nothing but the suspicion', () => {
    const junk = `${'6.6.6.6,'.repeat(10_000)} 192.0.2.1`
    expect(viaXff(junk)).toEqual({ ip: '192.0.2.1', https: null, suspicious: true, tls: null })
    expect(viaXff(`${','.repeat(5_000)}192.0.2.1`).ip).toBe('192.0.2.1')
  })

  test('no more than 32 hops and 2 KB are read', () => {
    const ours = (count: number): string => '10.0.0.2,'.repeat(count)
    expect(viaXff(`192.0.2.1,${ours(31)}10.0.0.3`).suspicious).toBe(true)
    expect(viaXff(`192.0.2.1,${ours(31)}10.0.0.3`).ip).toBe('10.0.0.2')
    expect(viaXff(`192.0.2.1,${ours(30)}10.0.0.3`).ip).toBe('192.0.2.1')
    // The cut goes through an address; its tail must not pass for one.
    for (let spaces = 2_030; spaces < 2_048; spaces++) {
      const { ip, suspicious } = viaXff(`192.0.2.1${' '.repeat(spaces)},10.0.0.2`)
      const whole = 9 + spaces + 9 <= 2_048
      expect([ip, suspicious]).toEqual(whole ? ['192.0.2.1', false] : ['10.0.0.2', true])
    }
  })
})

describe('a fixed number of hops', () => {
  const hops = (count: number): ClientAddressOptions => ({ trust: { hops: count } })

  test.each<[number, string, string]>([
    [1, '6.6.6.6, 192.0.2.1', '192.0.2.1'],
    [2, '6.6.6.6, 192.0.2.1, 198.51.100.9', '192.0.2.1'],
    [3, '192.0.2.1, 10.0.0.3, 10.0.0.2', '192.0.2.1'],
  ])('%d', (count, list, ip) => {
    expect(viaXff(list, hops(count))).toEqual({ ip, https: null, suspicious: false, tls: null })
  })

  test('a chain that is too short is suspicious and ends where it ends', () => {
    expect(viaXff('192.0.2.1', hops(2))).toMatchObject({ ip: '192.0.2.1', suspicious: true })
    expect(viaXff('', hops(1))).toMatchObject({ ip: '10.0.0.1', suspicious: true })
  })

  test('works behind a unix socket, where the peer has no address', () => {
    const headers = { 'x-forwarded-for': '6.6.6.6, 192.0.2.1' }
    expect(resolve(hops(1), undefined, headers).ip).toBe('192.0.2.1')
  })
})

describe('Forwarded, RFC 7239', () => {
  test.each<[string, string, boolean | null]>([
    ['for=192.0.2.1', '192.0.2.1', null],
    ['For="[2001:DB8::7]:4711"', '2001:db8::7', null],
    ['for=192.0.2.1;proto=https;by=203.0.113.43', '192.0.2.1', true],
    ['for="192.0.2.1:8080" ; proto=http', '192.0.2.1', false],
    ['for=192.0.2.1;;proto=https;', '192.0.2.1', true],
    ['for=192.0.2.1;proto=https, for=10.0.0.2;proto=http', '192.0.2.1', true],
    ['for=6.6.6.6;proto=https, for=192.0.2.1', '192.0.2.1', null],
    ['for=192.0.2.1;host="a,b;c=\\"d"', '192.0.2.1', null],
    ['for="192.\\0.2.1"', '192.0.2.1', null],
    ['proto=https', '10.0.0.1', true],
    ['for=unknown;proto=http', '10.0.0.1', false],
    ['for="_gazonk"', '10.0.0.1', null],
  ])('%s', (list, ip, https) => {
    expect(viaForwarded(list)).toEqual({ ip, https, suspicious: false, tls: null })
  })

  test.each([
    'for=192.0.2.1:8080',
    'for=2001:db8::7',
    'for="2001:db8::7"',
    'for=[2001:db8::7]',
    'for=192.0.2.1;for=6.6.6.6',
    'for=192.0.2.1;For=192.0.2.1',
    'for=',
    'for',
    '=1.2.3.4',
    'for = 192.0.2.1',
    'for="192.0.2.1',
    'for=192.0.2.1"',
    "for='192.0.2.1'",
    '192.0.2.1',
    'for=192.0.2.1;proto="https',
  ])('%s breaks the grammar and stops the walk', (element) => {
    expect(viaForwarded(`for=7.7.7.7, ${element}`)).toEqual({
      ip: '10.0.0.1',
      https: null,
      suspicious: true,
      tls: null,
    })
  })

  test('a quote that the client leaves open swallows nothing that a proxy appended', () => {
    for (const open of [
      'for="',
      'for=6.6.6.6;x="',
      'for=6.6.6.6;x="\\',
      '"',
      '\\"',
      'x="a,b',
      '""\\\\"',
    ]) {
      const appended = 'for=192.0.2.1;by="[2001:db8::1]";proto=http'
      expect(viaForwarded(`${open}, ${appended}`)).toMatchObject({ ip: '192.0.2.1', https: false })
      expect(viaForwarded([open, appended])).toMatchObject({ ip: '192.0.2.1', https: false })
    }
  })
})

describe('a single-value header', () => {
  const options: ClientAddressOptions = { ...PROXIES, header: { single: 'x-real-ip' } }

  test('names the client when a proxy of ours sends it', () => {
    expect(resolve(options, '10.0.0.1', { 'x-real-ip': '192.0.2.1' }).ip).toBe('192.0.2.1')
    expect(resolve(options, '192.0.2.9', { 'x-real-ip': '192.0.2.1' }).ip).toBe('192.0.2.9')
  })

  test('with two values names nobody', () => {
    for (const value of ['6.6.6.6, 192.0.2.1', ['6.6.6.6', '192.0.2.1']]) {
      expect(resolve(options, '10.0.0.1', { 'x-real-ip': value })).toEqual({
        ip: '10.0.0.1',
        https: null,
        suspicious: true,
        tls: null,
      })
    }
  })
})

describe('a header with one address and a port', () => {
  const from = (single: string, value: string, port?: boolean) =>
    resolve({ ...PROXIES, header: { single, port } }, '10.0.0.1', { [single]: value })

  test.each([
    ['192.0.2.1:443', '192.0.2.1'],
    ['2001:db8::1:443', '2001:db8::1'],
    ['2001:db8:1:2:3:4:5:6:65535', '2001:db8:1:2:3:4:5:6'],
    ['::ffff:192.0.2.1:443', '192.0.2.1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['"192.0.2.1:443"', '192.0.2.1'],
  ])('%s is %s', (value, ip) => {
    expect(from('x-client', value, true)).toMatchObject({ ip, suspicious: false })
    expect(from('cloudfront-viewer-address', value)).toMatchObject({ ip, suspicious: false })
  })

  test.each([
    ...['192.0.2.1', '[2001:db8::1]', '2001:db8::1:', '2001:db8::', '192.0.2.1:65536', ':443'],
    ...['192.0.2.1:443, 192.0.2.2:443', '192.0.2.1:443:443', '192.0.2.1:x', '::443', ''],
  ])('%j names nobody', (value) => {
    expect(from('x-client', value, true).ip).toBe('10.0.0.1')
  })

  test('without one the last group is the address’s own', () => {
    expect(from('x-client', '2001:db8::1:443').ip).toBe('2001:db8::1:443')
    expect(from('cloudfront-viewer-address', '2001:db8::1:443', false).ip).toBe('2001:db8::1:443')
  })
})

describe('one header family', () => {
  const all = {
    'x-forwarded-for': '1.1.1.1',
    forwarded: 'for=2.2.2.2;proto=http',
    'x-real-ip': '3.3.3.3',
    'x-forwarded-proto': 'https',
  }

  test.each<[ClientAddressOptions['header'], readonly string[], string, boolean]>([
    ['x-forwarded-for', ['x-forwarded-for', 'x-forwarded-proto'], '1.1.1.1', true],
    ['forwarded', ['forwarded'], '2.2.2.2', false],
    [{ single: 'x-real-ip' }, ['x-real-ip', 'x-forwarded-proto'], '3.3.3.3', true],
  ])('%s is all that is read', (header, names, ip, https) => {
    const read = new Set<string>()
    const found = clientAddressResolver({ ...PROXIES, header })('10.0.0.1', (name) => {
      read.add(name)
      return all[name as keyof typeof all]
    })
    expect([...read]).toEqual(names)
    expect(found).toEqual({ ip, https, suspicious: false, tls: null })
  })

  test('no header is read for a peer that is not trusted', () => {
    const read: string[] = []
    clientAddressResolver(PROXIES)('192.0.2.1', (name) => {
      read.push(name)
      return undefined
    })
    expect(read).toEqual([])
  })
})

describe('the scheme', () => {
  function https(proto: string | readonly string[], xff = '192.0.2.1') {
    const headers = { 'x-forwarded-for': xff, 'x-forwarded-proto': proto }
    const { https, suspicious } = resolve(PROXIES, '10.0.0.1', headers)
    return suspicious ? 'suspicious' : https
  }

  test('is what the outermost trusted proxy said', () => {
    expect(['https', 'HTTPS', 'wss', 'http', 'ws', ''].map((proto) => https(proto))).toEqual([
      true,
      true,
      true,
      false,
      false,
      null,
    ])
    expect(https('https, http', '192.0.2.1, 10.0.0.2')).toBe(true)
    expect(https('https', '192.0.2.1, 10.0.0.2')).toBe(true)
  })

  test('is not what a client put in front of it', () => {
    expect(https('https, http')).toBe(false)
    expect(https(['https', 'http'])).toBe(false)
    expect(https('https, https, http', '192.0.2.1, 10.0.0.2')).toBe(true)
    expect(https('https, http, http', '192.0.2.1, 10.0.0.2')).toBe(false)
  })

  test('is unknown when it cannot be read', () => {
    expect(https('gopher')).toBe('suspicious')
    const headers = { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'gopher' }
    expect(resolve(PROXIES, '10.0.0.1', headers)).toEqual({
      ip: '192.0.2.1',
      https: null,
      suspicious: true,
      tls: null,
    })
  })

  test('is nobody’s to say without a trusted proxy', () => {
    const headers = { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https' }
    expect(resolve(PROXIES, '192.0.2.1', headers).https).toBeNull()
    expect(resolve({}, '10.0.0.1', headers).https).toBeNull()
  })
})

describe('for any bytes in the headers', () => {
  // Made where it is used: the alphabet of all characters takes a second to build.
  function anyBytes() {
    const junk = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.string({ unit: fc.constantFrom(...'for=;,"\\[]:._ 0126aF%') }),
      fc
        .array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('unknown', '10.0.0.2', '"', '')))
        .map((parts) => parts.join(',')),
    )
    return { junk, value: fc.oneof(junk, fc.array(junk, { maxLength: 4 })) }
  }
  const header = fc.constantFrom<NonNullable<ClientAddressOptions['header']>>(
    'x-forwarded-for',
    'forwarded',
    { single: 'x-real-ip' },
    { single: 'x-client', port: true },
  )
  const proxy = '10.0.0.1'

  test('the resolver answers with a canonical address or none, and never throws', () => {
    const { junk, value } = anyBytes()

    fc.assert(
      fc.property(value, header, junk, (text, family, peer) => {
        const resolver = clientAddressResolver({ ...PROXIES, header: family })
        const found = [resolver(proxy, () => text), resolver(peer, () => text)]
        for (const { ip } of found) {
          expect(ip === null || clientAddressResolver()(ip, () => undefined).ip === ip).toBe(true)
        }
        expect(found[0]?.ip).not.toBeNull()
      }),
      { numRuns: 3_000 },
    )
  })

  test('a client cannot choose what stands left of the address that our proxy saw', () => {
    fc.assert(
      fc.property(anyBytes().value, fc.boolean(), (text, sameLine) => {
        const lines = typeof text === 'string' ? [text] : text
        const xff = sameLine ? `${lines.join(', ')}, 192.0.2.1` : [...lines, '192.0.2.1']
        expect(viaXff(xff).ip).toBe('192.0.2.1')
        const element = 'for="192.0.2.1:99";by="[2001:db8::1]";proto=http'
        const forwarded = sameLine ? `${lines.join(', ')}, ${element}` : [...lines, element]
        expect(viaForwarded(forwarded)).toMatchObject({ ip: '192.0.2.1', https: false })
      }),
      { numRuns: 3_000 },
    )
  })
})

describe('options that make no sense', () => {
  test.each<[string, unknown, string | RegExp]>([
    ['a name', { trust: { proxies: ['10.0.0.0/8', 'loopback'] } }, 'trust.proxies[1] must be'],
    ['host bits', { trust: { proxies: ['10.1.2.3/8'] } }, 'did you mean 10.0.0.0/8?'],
    ['everybody', { trust: { proxies: ['0.0.0.0/0'] } }, 'trust.proxies[0] trusts everybody'],
    ['everybody mapped', { trust: { proxies: ['::ffff:0:0/96'] } }, 'trusts everybody'],
    ['no list', { trust: { proxies: '10.0.0.0/8' } }, 'trust.proxies must be a list'],
    ['true', { trust: true }, 'trust must be'],
    ['null', { trust: null }, 'trust must be'],
    ['neither', { trust: {} }, 'trust must be'],
    ['both', { trust: { proxies: [], hops: 1 } }, 'trust names both'],
    ['no hops', { trust: { hops: 0 } }, 'trust.hops must be a whole number from 1 to 32'],
    ['half a hop', { trust: { hops: 1.5 } }, 'trust.hops must be'],
    ['too many hops', { trust: { hops: 33 } }, 'trust.hops must be'],
    ['hops as text', { trust: { hops: '1' } }, 'trust.hops must be'],
    ['hops of one value', { trust: { hops: 2 }, header: { single: 'x-real-ip' } }, 'must be 1'],
    ['a number', { trust: { proxies: [7] } }, 'must be an address or a network like 10.0.0.0/8'],
    ['a name with bits', { trust: { proxies: ['lan/8'] } }, /10\.0\.0\.0\/8$/],
    ['bits and more', { trust: { proxies: ['10.1.2.3/8x'] } }, /10\.0\.0\.0\/8$/],
    ['more and bits', { trust: { proxies: ['10.1.2.3/x8'] } }, /10\.0\.0\.0\/8$/],
    ['too many bits', { trust: { proxies: ['10.1.2.3/99'] } }, 'did you mean 10.1.2.3/32?'],
    ['of IPv6', { trust: { proxies: ['2001:db8::1/200'] } }, 'did you mean 2001:db8::1/128?'],
    ['IPv6 host bits', { trust: { proxies: ['2001:db8::1/64'] } }, 'mean 2001:db8::/64?'],
    ['no header', { header: null }, 'header must be "x-forwarded-for"'],
    ['an empty header', { header: {} }, 'header must be "x-forwarded-for"'],
    [
      'a list of hops',
      { header: { single: 'x-forwarded-for' } },
      'write header: "x-forwarded-for"',
    ],
    ['unknown header', { header: 'x-real-ip' }, 'header must be "x-forwarded-for"'],
    ['upper case', { header: { single: 'X-Real-IP' } }, 'in lower case'],
    [
      'a port as a number',
      { header: { single: 'x-client', port: 443 } },
      'header.port must be true where',
    ],
    ['a list as one value', { header: { single: 'forwarded' } }, 'header.single holds a list'],
  ])('%s is named with its fix', (_, options, message) => {
    const make = () => clientAddressResolver(options as ClientAddressOptions)
    expect(make).toThrow(SessionError)
    expect(make).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    expect(make).toThrow(message)
  })
})

test('as many as 32 hops may be trusted', () => {
  const options = { trust: { hops: 32 } }

  expect(resolve(options, '10.0.0.1', { 'x-forwarded-for': '192.0.2.1' }).suspicious).toBe(true)
})

test('a peer without an address behind so many hops is nobody, without a header', () => {
  expect(resolve({ trust: { hops: 1 } }, undefined)).toEqual({
    ip: null,
    https: null,
    suspicious: true,
    tls: null,
  })
})

describe('the fingerprint of the TLS handshake', () => {
  const JA4 = 't13d1516h2_8daaf6152771_02713d6af862'
  const trusting: ClientAddressOptions = { ...PROXIES, tlsHeader: 'x-ja4' }
  const from = (peer: string, value: string | readonly string[] | undefined) =>
    clientAddressResolver(trusting)(peer, (name) => (name === 'x-ja4' ? value : undefined)).tls

  test('is a trusted proxy’s word', () => {
    expect(from('10.0.0.1', JA4)).toBe(JA4)
    expect(from('10.0.0.1', [JA4])).toBe(JA4)
    expect(from('192.0.2.1', JA4)).toBeNull()
  })

  test.each<[string, string | readonly string[] | undefined]>([
    ['nothing', undefined],
    ['an empty value', ''],
    ['no line', []],
    ['two lines', [JA4, JA4]],
    ['a list of two', `${JA4}, ${JA4}`],
    ['a value with a space', `${JA4} `],
    ['upper case', JA4.toUpperCase()],
    ['an unknown protocol', JA4.replace('t13', 'x13')],
    ['100,000 digits too many', `${JA4}${'0'.repeat(100_000)}`],
    ['a value with a zero byte', `${JA4}\0`],
  ])('is none where it comes as %s', (_, value) => {
    expect(from('10.0.0.1', value)).toBeNull()
  })

  test('is read from no header unless the operator names one, and a proxy to believe', () => {
    expect(clientAddressResolver(PROXIES)('10.0.0.1', () => JA4).tls).toBeNull()
    const named = { ...PROXIES, tlsHeader: 7 } as unknown as ClientAddressOptions
    for (const [options, message] of [
      [{ tlsHeader: 'x-ja4' }, 'tlsHeader is the word of a proxy'],
      [{ ...PROXIES, tlsHeader: 'X-JA4' }, 'tlsHeader must be a header name in lower case'],
      [named, 'tlsHeader must be a header name in lower case'],
    ] as const) {
      expect(() => clientAddressResolver(options)).toThrow(
        expect.objectContaining({
          code: 'config_invalid',
          message: expect.stringContaining(message),
        }),
      )
    }
  })
})

test('what is remembered of other requests changes no answer', () => {
  const options = fc.constantFrom<ClientAddressOptions>(
    {},
    PROXIES,
    FORWARDED,
    { trust: { hops: 2 } },
    { ...PROXIES, header: { single: 'x-real-ip' }, tlsHeader: 'x-ja4' },
  )
  const text = fc.constantFrom(
    ...['192.0.2.1', '192.0.2.1, 10.0.0.2', '10.0.0.2', 'for=192.0.2.1;proto=https', 'unknown'],
    ...['https', 'http', 't13d1516h2_8daaf6152771_02713d6af862', `192.0.2.1, ${' '.repeat(200)}`],
  )
  const value = fc.oneof(fc.constant(undefined), text, fc.array(text, { maxLength: 2 }))
  const request = fc.record({
    peer: fc.constantFrom(undefined, '10.0.0.1', '192.0.2.1', '/run/app.sock'),
    headers: fc.record({
      'x-forwarded-for': value,
      'x-forwarded-proto': value,
      'x-real-ip': value,
      'x-ja4': value,
      forwarded: value,
    }),
  })
  fc.assert(
    fc.property(options, fc.array(request, { maxLength: 30 }), (given, requests) => {
      const remembers = clientAddressResolver(given)
      for (const { peer, headers } of requests) {
        const header = (name: string) => headers[name as keyof typeof headers]
        expect(remembers(peer, header)).toEqual(clientAddressResolver(given)(peer, header))
      }
    }),
  )
})
