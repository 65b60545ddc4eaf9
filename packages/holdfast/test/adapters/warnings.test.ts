import { describe, expect, test } from 'vitest'
import { guard } from '../../src/adapters/guard/guard.ts'
import type { HttpFacts } from '../../src/adapters/guard/http-request.ts'
import type { GuardOptions } from '../../src/adapters/guard/options.ts'
import { newKeyring } from '../../src/codecs/keyring.ts'
import { harness, inMemory } from '../support/harness.ts'

interface Asked {
  readonly peer?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly token?: string | null
}

/** The warnings of a guard that is asked several times. */
async function warned(options: GuardOptions, all: readonly Asked[]): Promise<readonly string[]> {
  const { sessions, login } = await harness(inMemory)
  const own = await login()
  const messages: string[] = []
  const judge = guard(sessions, { ...options, onWarning: (text) => messages.push(text) }).optional()
  for (const { peer, headers = {}, token = own } of all) {
    const sent: Record<string, string> = {
      host: 'shop.example',
      ...(token === null ? {} : { cookie: `__Host-session=${token}` }),
      ...headers,
    }
    const facts: HttpFacts = {
      method: 'GET',
      url: '/',
      peer,
      encrypted: true,
      header: (name) => sent[name],
    }
    await judge(facts)
  }
  return messages
}

const BEHIND = { address: { trust: { proxies: ['10.0.0.0/8'] } } } as const
const REPORTED = { 'x-forwarded-for': '192.0.2.10' }

describe('an address that cannot be known is told once, with the mend', () => {
  test.each<[string, GuardOptions, Asked, RegExp]>([
    ['a runtime that names no peer', {}, { peer: undefined }, /option `peer`/],
    ['a proxy nobody trusts', {}, { peer: '10.0.0.7', headers: REPORTED }, /`address\.trust`/],
    ['one on this machine', {}, { peer: '127.0.0.1', headers: REPORTED }, /`address\.trust`/],
    ['one in IPv6', {}, { peer: '::ffff:10.0.0.7', headers: REPORTED }, /`address\.trust`/],
    [
      'one that writes another header',
      {},
      { peer: '10.0.0.7', headers: { forwarded: 'for=192.0.2.10' } },
      /`address\.trust`/,
    ],
    ['a trusted proxy that says nothing', BEHIND, { peer: '10.0.0.7' }, /X-Forwarded-For/],
    [
      'a trusted proxy that says it elsewhere',
      { address: { ...BEHIND.address, header: 'forwarded' } },
      { peer: '10.0.0.7', headers: REPORTED },
      /`address\.header`/,
    ],
    [
      'a socket without an address behind a silent proxy',
      { address: { trust: { hops: 1 } } },
      { peer: undefined },
      /X-Forwarded-For/,
    ],
  ])('%s', async (_, options, asked, mend) => {
    const messages = await warned(options, [asked, asked, asked])

    expect(messages).toEqual([expect.stringMatching(mend)])
  })

  test.each<[string, GuardOptions, Asked]>([
    ['a client of the internet', {}, { peer: '192.0.2.10' }],
    ['one that forges a report', {}, { peer: '192.0.2.10', headers: REPORTED }],
    ['a client of the own network', {}, { peer: '10.0.0.7' }],
    ['a proxy that reports', BEHIND, { peer: '10.0.0.7', headers: REPORTED }],
    [
      'a client of the own network behind it',
      BEHIND,
      { peer: '10.0.0.7', headers: { 'x-forwarded-for': '10.1.2.3' } },
    ],
    ['a check without a session', BEHIND, { peer: '10.0.0.7', token: null }],
  ])('not for %s', async (_, options, asked) => {
    expect(await warned(options, [asked])).toEqual([])
  })

  test('only the first requests are looked at: a proxy reports with every one', async () => {
    const quiet = Array.from({ length: 100 }, () => ({ peer: '10.0.0.7' }))

    const messages = await warned({}, [...quiet, { peer: '10.0.0.7', headers: REPORTED }])

    expect(messages).toEqual([])
  })
})

test('clients that have hung up are not taken for a runtime that knows no addresses', async () => {
  const gone = { peer: undefined }

  expect(await warned({}, [gone, { peer: '192.0.2.10' }, gone])).toEqual([])
})

test('a cookie of another application is told once, with the mend', async () => {
  const other = await harness(inMemory, { keyring: newKeyring() })
  const token = await other.login()

  const messages = await warned({}, [
    { peer: '192.0.2.10', token },
    { peer: '192.0.2.10', token },
  ])

  expect(messages).toEqual([expect.stringMatching(/`carriers: \[cookie\({ name/)])
})

test('without a listener the process is told', async () => {
  const { sessions, login } = await harness(inMemory)
  const token = await login()
  const heard = new Promise<Error>((resolve) => process.once('warning', resolve))

  const judge = guard(sessions).require()
  for (let i = 0; i < 3; i++) {
    await judge({
      method: 'GET',
      url: '/',
      peer: undefined,
      encrypted: true,
      header: (name) => (name === 'cookie' ? `__Host-session=${token}` : undefined),
    })
  }

  expect((await heard).message).toMatch(/^Holdfast: the address of clients is not known/)
})
