import { describe, expect, test } from 'vitest'
import { clientFactsReader } from '../../src/adapters/guard/client-facts.ts'
import { sealingCodec } from '../../src/codecs/codec.ts'
import { newKeyring } from '../../src/codecs/keyring.ts'
import { systemHost } from '../../src/codecs/system-host.ts'
import { deviceReader } from '../../src/core/device.ts'
import { clientAddressResolver } from '../../src/network/client-address.ts'

const FLOOD = 100_000

/** So many others come between two requests of a rightful client. */
const BETWEEN = 500

/**
 * A memory that gives the very same object again has not worked it out anew. `ask` says what one
 * client sends; the names of clients are numbers.
 */
function flood(ask: (client: number) => unknown): {
  readonly hot: boolean
  readonly cold: boolean
} {
  const before = [ask(0), ask(1)]
  let hot = true
  for (let client = 2; client < FLOOD; client++) {
    ask(client)
    if (client % BETWEEN === 0) hot &&= ask(0) === before[0]
  }
  return { hot, cold: ask(1) === before[1] }
}

/** Who comes again and again is remembered; who came once makes room. */
const BOUNDED = { hot: true, cold: false }

const PROXIES = { trust: { proxies: ['10.0.0.0/8'] } }

function addressOf(client: number): string {
  return `192.${(client >> 16) & 255}.${(client >> 8) & 255}.${client & 255}`
}

describe('a flood of made-up clients costs no memory, and rightful ones are still known', () => {
  test('by the addresses behind a proxy', () => {
    const resolve = clientAddressResolver(PROXIES)
    const header = (client: number) => (name: string) =>
      name === 'x-forwarded-for' ? addressOf(client) : undefined

    expect(flood((client) => resolve('10.0.0.1', header(client)))).toEqual(BOUNDED)
  })

  test('by the addresses of peers', () => {
    for (const options of [{}, PROXIES]) {
      const resolve = clientAddressResolver(options)

      expect(flood((client) => resolve(addressOf(client), () => undefined))).toEqual(BOUNDED)
    }
  })

  test('by the schemes that they name, behind one address', () => {
    const resolve = clientAddressResolver(PROXIES)
    const ask = (scheme: string): unknown =>
      resolve('10.0.0.1', (name) =>
        name === 'x-forwarded-for'
          ? '192.0.2.1'
          : name === 'x-forwarded-proto'
            ? scheme
            : undefined,
      )

    expect(ask('https')).toMatchObject({ ip: '192.0.2.1', https: true })
    expect(ask('http')).toMatchObject({ ip: '192.0.2.1', https: false })
    expect(ask('https')).toMatchObject({ ip: '192.0.2.1', https: true })
  })

  test('by the facts in their cookies', () => {
    const clientFactsOf = clientFactsReader()
    const header = (client: number) => () => `theme=dark; hf-client=s=${client + 1}x1080x1`

    expect(flood((client) => clientFactsOf({ header: header(client) }))).toEqual(BOUNDED)
  })

  test('by their browsers', () => {
    const deviceOf = deviceReader()
    const ask = (client: number): unknown =>
      deviceOf({
        ...{ ip: null, method: 'GET', url: '/' },
        headers: { 'user-agent': `Mozilla/5.0 (X11; Linux x86_64; rv:1.${client}) Firefox/150.0` },
      })

    expect(flood(ask)).toEqual(BOUNDED)
  })

  test('by tokens, forged and authentic', () => {
    const codec = sealingCodec(newKeyring(), systemHost())
    const tokenOf = (client: number): string =>
      codec.mint({
        session: codec.newSessionId(codec.subjectKey('default', String(client % 4))),
        ...{ kind: 'session', family: '00112233445566aa', generation: 1, mintedAt: client },
      }).token
    const [own, once] = [tokenOf(0), tokenOf(1)]
    const ask = (client: number): unknown => {
      if (client === 0) return codec.authenticate(own)
      if (client === 1) return codec.authenticate(once)
      if (client % 8 === 0) return codec.authenticate(tokenOf(client))
      return codec.authenticate(`${own.slice(0, -8)}${String(client).padStart(8, '0')}`)
    }

    expect(flood(ask)).toEqual(BOUNDED)
  })
})
