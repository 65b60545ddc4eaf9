import type { LookupAddress } from 'node:dns'
import { createServer } from 'node:https'
import type { AddressInfo, LookupFunction } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Reach } from '../../../src/audit/alerts/address-filter.ts'
import { jsonPost } from '../../../src/audit/alerts/http-post.ts'
import type { Delivery } from '../../../src/audit/alerts/target.ts'
import { certificateFor } from './certificate.ts'
import { receiver } from './support.ts'

function post(url: string, reach: Reach): Promise<Delivery> {
  const now = (): number => Date.now()
  return jsonPost(url, { reach, now })({ body: '{}', signal: AbortSignal.timeout(60_000) })
}

/** A name server that has these answers, one after the other, and then the last for ever. */
function names(...answers: readonly (readonly string[])[]): LookupFunction & { asked(): number } {
  let asked = 0
  const lookup: LookupFunction = (_, options, done) => {
    const all = answers[Math.min(asked++, answers.length - 1)] ?? []
    const found = all.map(
      (address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }),
    )
    if (options.all === true) done(null, found)
    else done(null, found[0]?.address ?? '', found[0]?.family ?? 4)
  }
  return Object.assign(lookup, { asked: () => asked })
}

const REFUSED = {
  problem: 'It leads to an address that is not public. Set allowPrivate.',
  mostTries: 3,
}

describe('an address inside is refused', () => {
  test.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://0.0.0.0/',
    'http://10.0.0.1/',
    'http://172.16.0.1/',
    'http://192.168.1.1/',
    'http://100.64.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://224.0.0.1/',
    'http://255.255.255.255/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::7f00:1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[64:ff9b:1::1]/',
    'http://[2002:7f00:1::]/',
    'http://[2001::1]/',
    'http://[fe80::1]/',
    'http://[fec0::1]/',
    'http://[fc00::1]/',
    'http://[fd00:ec2::254]/',
    'http://[ff02::1]/',
  ])('written as %s', async (url) => {
    expect(await post(url, { allowPrivate: false })).toEqual(REFUSED)
  })

  test('where the system resolves a name to it', async () => {
    const { port, received } = await receiver()

    const delivery = await post(`http://localhost:${port}/`, { allowPrivate: false })

    expect(delivery).toEqual(REFUSED)
    expect(received).toEqual([])
  })

  test.each([
    ['one answer', [['127.0.0.1']]],
    ['a public one beside it', [['8.8.8.8', '127.0.0.1']]],
    ['a mapped one', [['::ffff:127.0.0.1']]],
    ['a compatible one', [['::7f00:1']]],
    ['the metadata of a cloud', [['169.254.169.254']]],
    ['no answer at all', [[]]],
  ])('behind a name: %s', async (_, answers) => {
    const { port, received } = await receiver()
    const lookup = names(...answers)

    const delivery = await post(`http://hook.example:${port}/`, { allowPrivate: false, lookup })

    expect(delivery).toMatchObject({ problem: expect.any(String) })
    expect(delivery).not.toBe('delivered')
    expect(received).toEqual([])
  })

  test('behind a name that changes its answer: it is asked once a try', async () => {
    const { port, received } = await receiver()
    const lookup = names(['127.0.0.1'], ['127.0.0.2'])

    const open = await post(`http://hook.example:${port}/`, { allowPrivate: true, lookup })
    const asked = lookup.asked()
    const closed = await post(`http://hook.example:${port}/`, { allowPrivate: false, lookup })

    expect([open, asked]).toEqual(['delivered', 1])
    expect(closed).toEqual(REFUSED)
    expect(received).toHaveLength(1)
  })
})

test('over TLS the certificate is checked, for the name and not for the address', async () => {
  const { key, cert } = certificateFor('hook.example')
  let received = 0
  const server = createServer({ key, cert }, (_, response) => {
    received++
    response.writeHead(204).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const reach = { allowPrivate: true, lookup: names(['127.0.0.1']) }

  const known = await post(`https://hook.example:${port}/`, { ...reach, ca: cert })
  const unknown = await post(`https://hook.example:${port}/`, reach)
  const other = await post(`https://other.example:${port}/`, { ...reach, ca: cert })

  expect(known).toBe('delivered')
  expect(unknown).toEqual({ problem: 'It cannot be reached (DEPTH_ZERO_SELF_SIGNED_CERT).' })
  expect(other).toEqual({ problem: 'It cannot be reached (ERR_TLS_CERT_ALTNAME_INVALID).' })
  expect(received).toBe(1)
})
