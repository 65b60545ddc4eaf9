import { expect, test } from 'vitest'
import { AUDIENCE, CLAIMS, ED, ISSUER, ours, SECONDS, tokenBy } from '../support/access-tokens.ts'

const REFUSED = { ok: false, code: 'access_token_invalid' }
const { verify } = ours()

function withClaims(claims: Readonly<Record<string, unknown>>): string {
  return tokenBy(ED, { claims })
}

/** The claims as text, with members of the attacker's own spelling at the end. */
function withText(members: string, leaveOut: string): string {
  const kept = Object.entries(CLAIMS).filter(([name]) => name !== leaveOut)
  const text = JSON.stringify(Object.fromEntries(kept))
  return tokenBy(ED, { claims: `${text.slice(0, -1)},${members}}` })
}

test.each(['iss', 'sub', 'aud', 'client_id', 'sid', 'jti', 'iat', 'exp', 'gen'])(
  'a token without %s is refused',
  async (name) => {
    expect(await verify(withClaims({ [name]: undefined }))).toMatchObject(REFUSED)
  },
)

test.each([
  `${ISSUER}/`,
  ISSUER.toUpperCase(),
  'https://evil.example',
  `${ISSUER}.evil.example`,
  [ISSUER],
  null,
  '',
])('the token of another issuer is refused: %j', async (iss) => {
  expect(await verify(withClaims({ iss }))).toMatchObject(REFUSED)
})

test.each([
  'billing',
  'Orders',
  'order',
  'orders-admin',
  'orders billing',
  '',
  [],
  ['billing'],
  [[AUDIENCE]],
  [AUDIENCE, 1],
  { orders: true },
  null,
  true,
])('a token for another service is refused: %j', async (aud) => {
  expect(await verify(withClaims({ aud }))).toMatchObject(REFUSED)
})

test.each([
  { exp: String(CLAIMS.exp) },
  { exp: CLAIMS.exp + 0.5 },
  { exp: null },
  { exp: true },
  { exp: -1 },
  { exp: [CLAIMS.exp] },
  { iat: 'now' },
  { nbf: 'now' },
  { nbf: null },
  { auth_time: '0' },
  { gen: '3' },
  { gen: -1 },
  { gen: 1.5 },
  { sub: 7 },
  { sub: '' },
  { sub: { toString: 'ada' } },
  { jti: 7 },
  { client_id: [] },
  { sid: CLAIMS.sid.slice(1) },
  { sid: `${CLAIMS.sid}A` },
  { sid: `+${CLAIMS.sid.slice(1)}` },
  { acr: 2 },
  { amr: 'pwd' },
  { amr: ['pwd', 1] },
  { tid: 7 },
])('a claim that is not of its type is refused: %j', async (claims) => {
  expect(await verify(withClaims(claims))).toMatchObject(REFUSED)
})

test.each([
  ['a number beyond all numbers', '"exp":1e400', 'exp'],
  ['a number beyond the exact ones', '"exp":9007199254740993', 'exp'],
  ['no JSON at all', '"exp":Infinity', 'exp'],
  ['a name in other letters', `"EXP":${SECONDS + 80}`, 'exp'],
  ['a member of what all objects share', `"__proto__":{"exp":${SECONDS + 80}}`, 'exp'],
  ['the last of two, which is another', `"iss":"https://evil.example"`, ''],
])('a claim cannot be smuggled in: %s', async (_, members, leaveOut) => {
  expect(await verify(withText(members, leaveOut))).toMatchObject(REFUSED)
})

test.each(['', ' ', 'null', '[]', '"ada"', '7', `${JSON.stringify(CLAIMS)}{}`, 'sub=ada'])(
  'claims that are not one object are refused: %j',
  async (claims) => {
    expect(await verify(tokenBy(ED, { claims }))).toMatchObject(REFUSED)
  },
)

test('claims that are no UTF-8 are refused', async () => {
  const text = JSON.stringify(CLAIMS)
  const broken = Buffer.from(text.replace('"ada"', '"ad\u00ff"'), 'latin1')

  expect(await verify(tokenBy(ED, { claims: broken }))).toMatchObject(REFUSED)
  expect(await verify(tokenBy(ED, { claims: Buffer.from(text, 'utf16le') }))).toMatchObject(REFUSED)
})

test('a token of more than 8192 characters is refused before it is read', async () => {
  const sized = (padding: number): string => tokenBy(ED, { claims: { pad: 'x'.repeat(padding) } })
  const most = sized(5_700)
  const more = sized(5_900)

  expect(most.length).toBeLessThanOrEqual(8_192)
  expect(more.length).toBeGreaterThan(8_192)
  expect(await verify(most)).toMatchObject({ ok: true })
  expect(await verify(more)).toMatchObject(REFUSED)
  expect(await verify('.'.repeat(10_000_000))).toMatchObject(REFUSED)
})
