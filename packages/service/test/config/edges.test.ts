import { readFileSync } from 'node:fs'
import { clientAddressResolver } from 'holdfast/network'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { clientAddressOptions } from '../../src/config/client-address.ts'
import { schema } from '../../src/config/schema.ts'

/** Documented settings, played against the headers of each edge. None of the products runs here. */
interface Edge {
  /** Who connects. */
  readonly peer: string
  /** What comes, and whom it names. */
  readonly comes: readonly (readonly [Headers, string])[]
  /** What clients would like to be believed; the edge's own word still holds. */
  readonly pastTheEdge?: readonly (readonly [Headers, string])[]
}

type Headers = Readonly<Record<string, string | readonly string[]>>

const CLIENT = '198.51.100.7'
const CLIENT6 = '2001:db8:77::9'
const FORGED = '203.0.113.66'

const EDGES: Readonly<Record<string, Edge>> = {
  'AWS: Application Load Balancer': {
    peer: '10.0.3.7',
    comes: [
      [{ 'x-forwarded-for': CLIENT }, CLIENT],
      [{ 'x-forwarded-for': `${FORGED}, ${CLIENT}` }, CLIENT],
      [{ 'x-forwarded-for': [FORGED, CLIENT6] }, CLIENT6],
      [{ 'x-forwarded-for': `${FORGED}, ${CLIENT}:4711` }, CLIENT],
      [{ 'x-forwarded-for': `${FORGED}, [${CLIENT6}]:4711` }, CLIENT6],
      [{ 'x-forwarded-for': CLIENT, 'cf-connecting-ip': FORGED, forwarded: 'for=1.1.1.1' }, CLIENT],
    ],
  },
  'AWS: CloudFront': {
    peer: '10.0.3.7',
    comes: single('cloudfront-viewer-address', [
      [`${CLIENT}:46532`, CLIENT],
      [`${CLIENT6}:46532`, CLIENT6],
      ['2001:db8::1:443', '2001:db8::1'],
      ['2001:0db8:0:0:0:0:0:1:443', '2001:db8::1'],
      [`[${CLIENT6}]:46532`, CLIENT6],
    ]),
  },
  'Google Cloud: Application Load Balancer': {
    peer: '35.191.9.1',
    comes: [
      [{ 'x-forwarded-for': `${CLIENT},203.0.113.10` }, CLIENT],
      [{ 'x-forwarded-for': `${CLIENT6},203.0.113.10` }, CLIENT6],
      [{ 'x-forwarded-for': `${FORGED}, ${CLIENT},203.0.113.10` }, CLIENT],
      [{ 'x-forwarded-for': `${FORGED},203.0.113.10, ${CLIENT},203.0.113.10` }, CLIENT],
    ],
  },
  'Azure: Front Door': {
    peer: '147.243.1.1',
    comes: single('x-azure-socketip', [
      [CLIENT, CLIENT],
      [CLIENT6, CLIENT6],
    ]),
    pastTheEdge: [
      [
        { 'x-azure-socketip': CLIENT, 'x-azure-clientip': FORGED, 'x-forwarded-for': FORGED },
        CLIENT,
      ],
    ],
  },
  'Azure: Application Gateway': {
    peer: '10.1.0.8',
    comes: [
      [{ 'x-forwarded-for': `${CLIENT}:50112` }, CLIENT],
      [{ 'x-forwarded-for': `${FORGED}:1, ${CLIENT}:50112` }, CLIENT],
    ],
  },
  Cloudflare: {
    peer: '173.245.48.9',
    comes: single('cf-connecting-ip', [
      [CLIENT, CLIENT],
      [CLIENT6, CLIENT6],
    ]),
    pastTheEdge: [
      [{ 'cf-connecting-ip': CLIENT, 'x-forwarded-for': `${FORGED}, ${CLIENT}` }, CLIENT],
      [{ 'cf-connecting-ip': CLIENT, 'true-client-ip': FORGED }, CLIENT],
    ],
  },
  Akamai: {
    peer: '198.51.100.200',
    comes: single('true-client-ip', [
      ['192.0.2.9', '192.0.2.9'],
      [CLIENT6, CLIENT6],
    ]),
  },
  Fly: {
    peer: '172.16.4.2',
    comes: single('fly-client-ip', [
      [CLIENT, CLIENT],
      [CLIENT6, CLIENT6],
    ]),
    pastTheEdge: [
      [{ 'fly-client-ip': CLIENT, 'x-forwarded-for': `${FORGED}, ${CLIENT}, 66.241.1.1` }, CLIENT],
    ],
  },
  Fastly: {
    peer: '151.101.1.1',
    comes: single('fastly-client-ip', [
      [CLIENT, CLIENT],
      [CLIENT6, CLIENT6],
    ]),
    pastTheEdge: [
      [{ 'fastly-client-ip': CLIENT, 'x-forwarded-for': `${FORGED}, 151.101.2.2` }, CLIENT],
    ],
  },
}

const PAGE = new URL('../../../../docs/edges.md', import.meta.url)
const SETTINGS = settingsOf(readFileSync(PAGE, 'utf8'))

test('each edge of the page has its headers here', () => {
  expect(Object.keys(SETTINGS)).toEqual(Object.keys(EDGES))
})

describe.each(Object.entries(EDGES))('%s', (name, { peer, comes, pastTheEdge = [] }) => {
  const { trustedProxies, addressHeader } = schema.parse({
    apiKeys: [{ name: 'shop', roles: ['app'], digest: `sha256:${'0'.repeat(64)}` }],
    ...SETTINGS[name],
  })
  const resolve = clientAddressResolver(clientAddressOptions({ trustedProxies, addressHeader }))
  const found = (from: string, headers: Headers) => resolve(from, (header) => headers[header])
  const isList = addressHeader === 'x-forwarded-for'
  const header = addressHeader.replace(':port', '')

  test.each([...comes, ...pastTheEdge])('%j names %s', (headers, client) => {
    expect(found(peer, headers)).toMatchObject({ ip: client, suspicious: false })
  })

  test('from a peer that is not configured no header counts', () => {
    for (const [headers] of [...comes, ...pastTheEdge]) {
      for (const stranger of ['192.0.2.250', '2001:db8:dead::1', '172.31.0.9']) {
        expect(found(stranger, headers)).toMatchObject({ ip: stranger, suspicious: false })
      }
    }
  })

  test('a header that cannot be read names nobody else', () => {
    const port = addressHeader.includes('viewer') ? ':443' : ''
    const spoilt = [
      ...['', ' ', 'unknown', '_hidden', 'localhost', '127.1', '0x7f.1', '1.2.3.4.5', '::', 'x'],
      ...['0.0.0.0', '1.2.3.4/8', '[::1', '1.2.3.4\0', '<script>', ':', ':443', '[]:1', 'ﬀ::1'],
      ...(isList
        ? []
        : [`${FORGED}${port}, ${CLIENT}${port}`, `${FORGED}${port} ${CLIENT}${port}`]),
      ...(port === '' ? [] : [CLIENT, CLIENT6, `${CLIENT}:`, `${CLIENT}:65536`, `${CLIENT}:1:2`]),
    ]
    for (const value of spoilt) {
      const { ip } = found(peer, { [header]: value })
      expect([value, ip]).toEqual([value, peer])
    }
    const doubled = [FORGED, CLIENT].map((address) => `${address}${port}`)
    expect(found(peer, { [header]: doubled }).ip).toBe(isList ? CLIENT : peer)
  })

  test('a header of another edge is not read', () => {
    const others = Object.values(EDGES).flatMap(({ comes: theirs }) => theirs)
    for (const [headers] of others) {
      if (header in headers) continue
      expect(found(peer, headers).ip).toBe(peer)
    }
  })
})

function single(header: string, values: readonly (readonly [string, string])[]): Edge['comes'] {
  return values.map(([value, client]) => [{ [header]: value }, client])
}

/** The YAML of each section but the last, which is of connections instead of headers. */
function settingsOf(page: string): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  const sections = page.split(/^## /m).slice(1, -1)
  return Object.fromEntries(
    sections.map((section) => [
      section.slice(0, section.indexOf('\n')),
      parse(/```yaml\n([\s\S]*?)```/.exec(section)?.[1] ?? ''),
    ]),
  )
}
