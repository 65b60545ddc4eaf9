import { createSessions, newKeyring, type Presented, type Sessions } from 'holdfast'
import { memoryStore } from 'holdfast/memory'
import { expect, test } from 'vitest'
import { guard } from '../../src/adapters/guard/guard.ts'
import type { HttpFacts } from '../../src/adapters/guard/http-request.ts'
import type { GuardOptions } from '../../src/adapters/guard/options.ts'
import { bearer } from '../../src/carriers/bearer.ts'
import { cookie } from '../../src/carriers/cookie.ts'

/** The real engine, with a note of what it was shown. */
function watched(): { readonly sessions: Sessions; readonly shown: Presented[] } {
  const engine = createSessions({ store: memoryStore(), keyring: newKeyring() })
  const shown: Presented[] = []
  const verify: Sessions['verify'] = (presented) => {
    shown.push(presented)
    return engine.verify(presented)
  }
  return { shown, sessions: { ...engine, verify } }
}

function request(headers: Readonly<Record<string, string>>): HttpFacts {
  return {
    method: 'GET',
    url: '/account',
    peer: '192.0.2.1',
    encrypted: true,
    header: (name) => headers[name],
  }
}

test.each<[string, GuardOptions, string, boolean]>([
  ['a cookie may rotate', {}, 'cookie', true],
  ['a cookie behind a gateway may not', { deliverable: false }, 'cookie', false],
  ['a bearer token may not: nothing could bring the new one', {}, 'authorization', false],
])('%s', async (_, options, by, expected) => {
  const { sessions, shown } = watched()
  const { login, require } = guard(sessions, { ...options, carriers: [cookie(), bearer()] })
  const started = await login(request({}), { subject: 'ada', amr: ['pwd'] })
  const line = started.ok
    ? started.headers().find(([name]) => name === 'set-cookie')?.[1]
    : undefined
  const pair = line?.split(';', 1)[0] ?? ''
  const token = pair.slice(pair.indexOf('=') + 1)

  const verified = await require()(request({ [by]: by === 'cookie' ? pair : `Bearer ${token}` }))

  expect(verified.ok).toBe(true)
  expect(shown.map(({ deliverable }) => deliverable)).toEqual([expected])
})

test('an adapter passes on the headers that signals read, and no other', async () => {
  const { sessions } = watched()
  const { requestFacts } = guard(sessions)

  const facts = requestFacts(
    request({ 'user-agent': 'x', authorization: 'Bearer secret', cookie: 'secret', dnt: '1' }),
  )

  expect(facts).toEqual({
    ip: '192.0.2.1',
    method: 'GET',
    url: '/account',
    headers: { 'user-agent': 'x' },
  })
})

test('a client that reads no cookies is given its token to keep', async () => {
  const { sessions } = watched()
  const { login } = guard(sessions, { carriers: [bearer()] })

  const started = await login(request({}), { subject: 'ada', amr: ['pwd'] })

  expect(started).toMatchObject({ ok: true, token: expect.stringMatching(/^hf1\./) })
  expect(started.ok && started.headers()).toEqual([['cache-control', 'no-store']])
})
