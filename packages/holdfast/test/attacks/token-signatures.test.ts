import { expect, test } from 'vitest'
import {
  CLAIMS,
  ED,
  ES,
  ours,
  type Pair,
  pair,
  part,
  RS,
  revocationsAt,
  signed,
  tokenBy,
} from '../support/access-tokens.ts'

const REFUSED = { ok: false, code: 'access_token_invalid' }
const { verify } = ours()
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** A token whose own signature was worked on. */
function reworked(by: Pair, work: (signature: Buffer) => Buffer): string {
  return tokenBy(by, { sign: (bytes) => work(signed(bytes, by)) })
}

function number(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
}

test.each([ED, ES, RS])('a signature by $alg that is not the right one is refused', async (by) => {
  const { alg } = by
  const wrong: readonly ((signature: Buffer) => Buffer)[] = [
    ({ length }) => Buffer.alloc(length),
    ({ length }) => Buffer.alloc(length, 0xff),
    () => Buffer.alloc(0),
    (bytes) => bytes.subarray(0, -1),
    (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]),
    (bytes) => Buffer.concat([Buffer.alloc(1), bytes]),
    (bytes) => Buffer.from(bytes.map((byte, at) => (at === 9 ? byte ^ 1 : byte))),
    (bytes) => Buffer.from(bytes).reverse(),
  ]

  for (const work of wrong) expect(await verify(reworked(by, work))).toMatchObject(REFUSED)
  const other = pair(alg, by.kid)
  expect(await verify(tokenBy(other))).toMatchObject(REFUSED)
})

test.each([
  [0n, 0n],
  [0n, 1n],
  [1n, 0n],
  [ORDER, ORDER],
  [ORDER, 1n],
  [1n, ORDER],
  [ORDER + 1n, ORDER + 1n],
])('numbers that no signature of ES256 has are refused: %d, %d', async (r, s) => {
  const token = reworked(ES, () => Buffer.concat([number(r), number(s)]))

  expect(await verify(token)).toMatchObject(REFUSED)
})

test('a signature of ES256 in DER is refused: the two numbers stand side by side', async () => {
  const der = (raw: Buffer): Buffer => {
    const whole = (half: Buffer): Buffer => {
      const from = half.findIndex((byte) => byte !== 0)
      const short = half.subarray(from)
      const positive = (short[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.alloc(1), short]) : short
      return Buffer.concat([Buffer.from([2, positive.length]), positive])
    }
    const both = Buffer.concat([whole(raw.subarray(0, 32)), whole(raw.subarray(32))])
    return Buffer.concat([Buffer.from([0x30, both.length]), both])
  }

  expect(await verify(reworked(ES, der))).toMatchObject(REFUSED)
})

test('the twin of a signature of ES256 says the same: revoked stays revoked', async () => {
  const at = { state: 'fresh' as const, revoked: [] as string[] }
  const { verify: judge } = ours({ revocations: revocationsAt(at) })
  const token = tokenBy(ES)
  const [head, body, tail = ''] = token.split('.')
  const raw = Buffer.from(tail, 'base64url')
  const s = ORDER - BigInt(`0x${raw.subarray(32).toString('hex')}`)
  const twin = `${head}.${body}.${part(Buffer.concat([raw.subarray(0, 32), number(s)]))}`

  // RFC 7518 asks for no low s: both are signatures by the key of the very same claims
  expect(await judge(twin)).toEqual(await judge(token))
  at.revoked.push(CLAIMS.sid)
  expect(await judge(token)).toMatchObject({ code: 'session_revoked' })
  expect(await judge(twin)).toMatchObject({ code: 'session_revoked' })
})

test('the twin of a signature of EdDSA is refused (RFC 8032, section 5.1.7)', async () => {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const twin = reworked(ED, (raw) => {
    const s = BigInt(`0x${Buffer.from(raw.subarray(32)).reverse().toString('hex')}`) + order
    return Buffer.concat([raw.subarray(0, 32), number(s).reverse()])
  })

  expect(await verify(twin)).toMatchObject(REFUSED)
})

test('a token has one spelling: no padding, blanks, foreign letters or stray bits', async () => {
  const token = tokenBy(ED)
  const [head = '', body = '', tail = ''] = token.split('.')
  const last = tail.at(-1) ?? ''
  const next = String.fromCharCode(last.charCodeAt(0) + 1)
  const spellings = [
    `${token}=`,
    `${token}==`,
    `${token} `,
    ` ${token}`,
    `${token}\n`,
    `${head}.${body}.${tail.slice(0, -1)}${next}`,
    `${head}.${body}.${tail.slice(0, 20)} ${tail.slice(20)}`,
    `${head}.${body}.+${tail.slice(1)}`,
    `${head}=.${body}.${tail}`,
    `${head}.${body}\u0100.${tail}`,
  ]

  expect(await verify(token)).toMatchObject({ ok: true })
  for (const spelling of spellings) expect(await verify(spelling)).toMatchObject(REFUSED)
})

test.each(['', '.', '..', '...', 'a.b', 'a.b.c.d', 'a.b.c.d.e', 'e30.e30.', 'token'])(
  'what has not three parts, or only empty ones, is no token: %j',
  async (token) => {
    expect(await verify(token)).toMatchObject(REFUSED)
  },
)

test('a signature of one token does not fit on another', async () => {
  const [head, , tail] = tokenBy(ED).split('.')
  const [, body] = tokenBy(ED, { claims: { sub: 'eve' } }).split('.')

  expect(await verify(`${head}.${body}.${tail}`)).toMatchObject(REFUSED)
})
