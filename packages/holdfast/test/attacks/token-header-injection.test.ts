import { createServer } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { listening } from '../contracts/apps/listening.ts'
import { ED, jwkOf, ours, pair, tokenBy } from '../support/access-tokens.ts'

const REFUSED = { ok: false, code: 'access_token_invalid' }
const { verify } = ours()
const thief = pair('EdDSA', 'thief')

test('a key that a token brings along, or tells where to find, is never looked at', async () => {
  const asked: unknown[] = []
  const { origin, close } = await listening(
    createServer((request, response) => {
      asked.push(request.url)
      response.end(JSON.stringify({ keys: [jwkOf(thief)] }))
    }),
  )
  onTestFinished(close)
  const url = `${origin}/jwks.json`
  const der = thief.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const brought = [
    { jwk: jwkOf(thief) },
    { jku: url },
    { x5u: url },
    { x5c: [der] },
    { jwk: jwkOf(thief), jku: url, x5u: url, x5c: [der] },
  ]

  for (const header of brought) {
    for (const kid of ['thief', ED.kid, undefined]) {
      expect(await verify(tokenBy(thief, { header: { ...header, kid } }))).toMatchObject(REFUSED)
    }
    // beside a right signature it is not looked at either
    expect(await verify(tokenBy(ED, { header }))).toMatchObject({ ok: true })
  }
  expect(asked).toEqual([])
})

test.each([
  '../../../../dev/null',
  '/proc/self/environ',
  "' UNION SELECT 'key' --",
  '`id`',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'EdDSA\u0000',
  ' EdDSA',
  'eddsa',
  '',
  'k'.repeat(4_000),
])('a kid is a name to look up and nothing else: %j', async (kid) => {
  expect(await verify(tokenBy(ED, { header: { kid } }))).toMatchObject(REFUSED)
})

test.each([[['EdDSA']], [{ toString: 'EdDSA' }], [1], [null], [undefined]])(
  'a kid that is no text is none: %j',
  async (kid) => {
    expect(await verify(tokenBy(ED, { header: { kid } }))).toMatchObject(REFUSED)
  },
)

test('a header cannot reach what all objects share', async () => {
  const header = '{"alg":"EdDSA","typ":"at+jwt","__proto__":{"kid":"EdDSA"}}'

  expect(await verify(tokenBy(ED, { header }))).toMatchObject(REFUSED)
  expect(Object.hasOwn(Object.prototype, 'kid')).toBe(false)
})

test.each([
  { crit: ['exp'], exp: 1 },
  { crit: ['b64'], b64: false },
  { crit: [] },
  { crit: null },
  { b64: false },
  { b64: true },
])('a token that asks for an extension is refused: %j', async (header) => {
  expect(await verify(tokenBy(ED, { header }))).toMatchObject(REFUSED)
})

test.each([
  'JWT',
  'id_token+jwt',
  'dpop+jwt',
  'at+jwt; v=1',
  'text/at+jwt',
  'application/application/at+jwt',
  ['at+jwt'],
  undefined,
])('another kind of token of the same issuer is no access token: %j', async (typ) => {
  expect(await verify(tokenBy(ED, { header: { typ } }))).toMatchObject(REFUSED)
})

test.each([
  '',
  'null',
  '[]',
  '["EdDSA"]',
  '"EdDSA"',
  '{"alg":"EdDSA","kid":"EdDSA","typ":"at+jwt"}{}',
  '{"alg":"EdDSA","kid":"EdDSA","typ":"at+jwt","alg":"none"}',
  `${'['.repeat(2_900)}${']'.repeat(2_900)}`,
  `${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`,
])('a header that is not one object is refused', async (header) => {
  expect(await verify(tokenBy(ED, { header }))).toMatchObject(REFUSED)
})
