import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clientAddressResolver, type ForwardingHeader } from '../../src/network/index.ts'

const EDGES: readonly ForwardingHeader[] = [
  { single: 'cf-connecting-ip' },
  { single: 'true-client-ip' },
  { single: 'fly-client-ip' },
  { single: 'x-azure-socketip' },
  { single: 'fastly-client-ip' },
  { single: 'cloudfront-viewer-address' },
]
const EDGE = '10.0.0.1'
const VICTIM = '198.51.100.7'

/** Reads the client's address behind an edge that is believed, as an adapter does. */
function readerOf(header: ForwardingHeader) {
  const resolve = clientAddressResolver({ trust: { proxies: [EDGE] }, header })
  const name = typeof header === 'object' ? header.single : header
  return (peer: string, value: string | readonly string[]) =>
    resolve(peer, (asked) => (asked === name ? value : undefined))
}

test.each(EDGES)('past the edge, %j with the address of a victim is not believed', (header) => {
  const read = readerOf(header)
  for (const value of [VICTIM, `${VICTIM}:443`, [VICTIM, VICTIM]]) {
    expect(read('192.0.2.66', value)).toMatchObject({ ip: '192.0.2.66', https: null })
  }
})

test.each(EDGES)('%j that a client doubles names the edge, never the victim', (header) => {
  const read = readerOf(header)
  const ported = typeof header === 'object' && header.single.startsWith('cloudfront')
  const victim = ported ? `${VICTIM}:443` : VICTIM
  const own = ported ? '192.0.2.66:1024' : '192.0.2.66'
  const lines = [
    [victim, own],
    [own, victim],
    `${victim}, ${own}`,
    `${victim},`,
    `${own};${victim}`,
  ]
  for (const value of lines) {
    expect([value, read(EDGE, value)]).toEqual([value, expect.objectContaining({ ip: EDGE })])
  }
})

test('no bytes in such a header make anything but an address of it, or the edge', () => {
  const bytes = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 100 }),
    fc.string({ unit: fc.constantFrom(...'0123456789abcdef:.[],% '), maxLength: 60 }),
  )
  for (const header of EDGES) {
    const read = readerOf(header)
    fc.assert(
      fc.property(bytes, (value) => {
        const { ip } = read(EDGE, value)
        expect(ip).not.toBeNull()
        expect(clientAddressResolver()(ip ?? '', () => undefined).ip).toBe(ip)
      }),
      { numRuns: 500 },
    )
  }
})
