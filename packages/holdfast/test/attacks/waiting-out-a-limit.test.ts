import { expect, test } from 'vitest'
import { strict } from '../../src/policies/index.ts'
import { codeOf, harness, inMemory, MINUTE } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

/** The owner's network, browser family and system, and nothing else of the owner. */
const neighbour = atHome({
  ip: '192.0.2.99',
  headers: {
    ...atHome().headers,
    'accept-language': 'ru',
    'sec-ch-ua': '"Chromium";v="100"',
    'sec-ch-ua-platform': '"Linux"',
  },
  client: { screen: '800x600x1', timezone: 'Asia/Tokyo' },
})

test('who was limited does not become the usual holder by waiting', async () => {
  const { host, login, show } = await harness(inMemory, { policy: strict() })
  const token = await login()
  const bearer = { deliverable: false }
  expect(await show(token, neighbour, bearer)).toMatchObject({
    ok: true,
    decision: { outcome: 'limit' },
  })

  host.advance(100 * MINUTE)

  const post = { ...neighbour, method: 'POST' }
  expect(codeOf(await show(token, post, bearer))).toBe('session_limited')
  expect(codeOf(await show(token, atHome(), bearer))).toBe('ok')
})
