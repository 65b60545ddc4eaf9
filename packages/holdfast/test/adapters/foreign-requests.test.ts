import { expect, test } from 'vitest'
import { guard } from '../../src/adapters/guard/guard.ts'
import type { HttpFacts } from '../../src/adapters/guard/http-request.ts'
import type { GuardOptions, RefusedRequest } from '../../src/adapters/guard/options.ts'
import type { Refused } from '../../src/adapters/guard/refusals.ts'
import { harness, inMemory } from '../support/harness.ts'

/** A POST with a session, and what its client and the application learn of it. */
async function posted(
  headers: Readonly<Record<string, string>>,
  options: GuardOptions = {},
): Promise<{ readonly detail: string; readonly told: readonly RefusedRequest[] }> {
  const { sessions, login } = await harness(inMemory)
  const token = await login()
  const told: RefusedRequest[] = []
  const judge = guard(sessions, {
    ...options,
    onRefusal: (refused) => {
      told.push(refused)
      return undefined
    },
  }).require()
  const all: Record<string, string> = { cookie: `__Host-session=${token}`, ...headers }
  const facts: HttpFacts = {
    method: 'POST',
    url: '/orders',
    peer: '192.0.2.10',
    encrypted: true,
    header: (name) => all[name],
  }
  const refused = (await judge(facts)) as Refused
  return { detail: JSON.parse(refused.refusal.body).detail, told }
}

test('the application learns the expected and the seen origin', async () => {
  const { told } = await posted({ host: 'app.internal:3000', origin: 'https://shop.example' })

  expect(told).toMatchObject([
    {
      code: 'cross_site_request',
      foreign: {
        cause: 'other_origin',
        seen: 'https://shop.example',
        expected: 'https://app.internal:3000',
      },
    },
  ])
})

test('the client learns no name of the inside, and reads back only what it sent', async () => {
  const { detail } = await posted({ host: 'app.internal:3000', origin: 'https://shop.example' })

  expect(detail).toContain('Origin is "https://shop.example"')
  expect(detail).not.toContain('internal')
})

test('on a loopback host it learns the expected origin, too: somebody develops there', async () => {
  const { sessions, login } = await harness(inMemory)
  const token = await login()
  const headers: Record<string, string> = {
    cookie: `__Host-session=${token}`,
    host: 'localhost:3000',
    origin: 'http://127.0.0.1:3000',
  }
  const refused = await guard(sessions).require()({
    method: 'POST',
    url: '/orders',
    peer: '127.0.0.1',
    encrypted: false,
    header: (name) => headers[name],
  })

  expect((refused as Refused).refusal.body).toContain('(http://localhost:3000)')
})

test('a quote or a script in an Origin stays text of a JSON string', async () => {
  const { detail } = await posted({ host: 'shop.example', origin: '"</script>\\' })

  expect(detail).toContain(JSON.stringify('"</script>\\'))
})

test('other refusals say nothing of origins', async () => {
  const { told } = await posted({
    host: 'shop.example',
    cookie: '__Host-session=junk',
    'sec-fetch-site': 'same-origin',
  })

  expect(told).toMatchObject([{ code: 'token_malformed' }])
  expect(told[0]?.foreign).toBeUndefined()
})
