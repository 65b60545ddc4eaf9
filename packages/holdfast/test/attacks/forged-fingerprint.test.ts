import { expect, test } from 'vitest'
import { gatewayGuard, type HttpFacts } from '../../src/adapters/gateway.ts'
import { guard } from '../../src/adapters/guard/guard.ts'
import type { Sessions } from '../../src/core/sessions.ts'
import { codeOf, type Harness, harness, inMemory } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

const OWN = 't13d1516h2_8daaf6152771_02713d6af862'
const TOOL = 't13d190900_9dc949149365_97f8aa674fd9'

/** A request of the browser at home as HTTP brings it, from a peer, with these headers besides. */
function http(token: string, peer: string, more: Readonly<Record<string, string>> = {}): HttpFacts {
  const headers: Record<string, string> = {
    host: 'shop.example',
    'user-agent': String(atHome().headers['user-agent']),
    cookie: `__Host-session=${token}`,
    ...more,
  }
  const header = (name: string): string | undefined => headers[name]
  return { method: 'GET', url: '/', peer, encrypted: true, header }
}

/** What the engine is told of the handshake. */
function overheard({ sessions }: Harness): {
  readonly sessions: Sessions
  readonly told: (string | undefined)[]
} {
  const told: (string | undefined)[] = []
  const verify: Sessions['verify'] = (presented) => {
    told.push(presented.request.tls)
    return sessions.verify(presented)
  }
  return { sessions: { ...sessions, verify }, told }
}

test('a client cannot claim a TLS handshake: not by header, proxy or facts', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  const { sessions, told } = overheard(h)
  const address = { trust: { proxies: ['10.0.0.0/8'] } } as const
  const asked = guard(sessions, { address: { ...address, tlsHeader: 'x-ja4' } }).require()
  const unasked = guard(sessions, { address }).require()

  await unasked(http(token, '10.0.0.1', { 'x-ja4': OWN }))
  await asked(http(token, '192.0.2.10', { 'x-ja4': OWN }))
  await asked(http(token, '10.0.0.1', { 'x-ja4': `${OWN}, ${OWN}` }))
  await asked(http(token, '10.0.0.1', { 'x-ja4': OWN }))

  expect(told).toEqual([undefined, undefined, undefined, OWN])
  const client = { ...atHome().client, tls: OWN } as never
  await expect(h.show(token, atHome({ client }))).rejects.toMatchObject({ code: 'invalid_input' })
})

test('a gateway’s word is read where the operator names its header', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  const { sessions, told } = overheard(h)

  await gatewayGuard(sessions).verify(http(token, '192.0.2.10', { 'x-ja4': OWN }))
  await gatewayGuard(sessions, { tlsHeader: 'x-ja4' }).verify(
    http(token, '192.0.2.10', { 'x-ja4': OWN }),
  )

  expect(told).toEqual([undefined, OWN])
})

test('a tool that copies every header is told apart by its handshake, anywhere', async () => {
  const h = await harness(inMemory)
  const token = await h.login({ request: atHome({ tls: OWN }) })

  const thief = await h.show(token, atHome({ tls: TOOL }))
  const owner = await h.show(token, atHome({ tls: OWN }))

  expect(thief.decision?.because.map(({ reason }) => reason)).toContain('tls_changed')
  expect(codeOf(owner)).toBe('ok')
})

test.each(['x', '\0', '__proto__', `${OWN}\n`, 'a'.repeat(100_000)])(
  'a handshake of %j counts as none',
  async (tls) => {
    const h = await harness(inMemory)
    const token = await h.login({ request: atHome({ tls: OWN }) })

    const { decision } = await h.show(token, atHome({ tls }))

    expect(decision).toMatchObject({ outcome: 'allow', because: [] })
  },
)
