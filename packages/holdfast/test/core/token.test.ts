import { describe, expect, test } from 'vitest'
import { toBase64url } from '../../src/core/base64url.ts'
import {
  type Descent,
  formatToken,
  parseToken,
  signedPart,
  TOKEN_LENGTH,
} from '../../src/core/token.ts'

const bytesFrom = (first: number, length = 16): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => at + first)

const descent: Descent = {
  mintedAt: 0x010203040506,
  parent: bytesFrom(120),
  grandparent: bytesFrom(140),
}
const claims = {
  session: toBase64url(new Uint8Array(32).fill(7)),
  kind: 'refresh' as const,
  keyId: '000a0b0c',
  family: '0102030405060708',
  generation: 0xfffefdfc,
  secret: bytesFrom(100),
  descent,
}
const tag = bytesFrom(200)

const unlinked = Uint8Array.from([
  ...[1, 0x00, 0x0a, 0x0b, 0x0c, 0, 0, 0, 3, 0, 0, 0, 7],
  ...bytesFrom(100, 32),
  ...tag,
])

function proofOf(token: string): Buffer {
  return Buffer.from(token.split('.')[2] ?? '', 'base64url')
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function withProof(bytes: Uint8Array): string {
  return `hf1.${claims.session}.${toBase64url(bytes)}`
}

describe('the layout of a token', () => {
  const token = formatToken(claims.session, signedPart(claims), tag)

  test('is prefix, session id and 87 bytes, the last of which are the tag', () => {
    expect(token).toHaveLength(TOKEN_LENGTH)
    expect(token.startsWith(`hf1.${claims.session}.`)).toBe(true)
    expect(proofOf(token).toString('hex')).toBe(
      `02000a0b0c0102030405060708fffefdfc010203040506${hexOf(claims.secret)}` +
        `${hexOf(descent.parent)}${hexOf(descent.grandparent)}${hexOf(tag)}`,
    )
    expect(signedPart({ ...claims, kind: 'session' })[0]).toBe(1)
  })

  test('reads back to what it was made of', () => {
    expect(parseToken(token)).toEqual({ claims, signed: signedPart(claims), tag })
  })
})

describe('the layout of a token without links', () => {
  test('is read: 61 bytes with a numbered family and a longer secret', () => {
    const text = `hf1.${claims.session}.${toBase64url(unlinked)}`

    expect(text).toHaveLength(130)
    expect(parseToken(text)).toEqual({
      claims: {
        session: claims.session,
        kind: 'session',
        keyId: '000a0b0c',
        family: '0000000000000003',
        generation: 7,
        secret: bytesFrom(100, 32),
        descent: null,
      },
      signed: unlinked.subarray(0, 45),
      tag,
    })
  })
})

describe('text is no token', () => {
  const token = formatToken(claims.session, signedPart(claims), tag)
  const proof = proofOf(token)
  const older = `hf1.${claims.session}.${toBase64url(unlinked)}`

  test.each([
    ['with another prefix', `hf2${token.slice(3)}`],
    ['with a letter before it', `x${token.slice(0, -1)}`],
    ['with one letter more', `${token}A`],
    ['with one letter less', token.slice(0, -1)],
    ['with a dot one place too early', `hf1.${claims.session.slice(0, -1)}.${'A'.repeat(117)}`],
    ['with a dot one place too late', `hf1.${claims.session}A.${'A'.repeat(115)}`],
    ['without a second dot', `hf1.${'A'.repeat(160)}`],
    ['with a session id that is none', `hf1.${'!'.repeat(43)}.${toBase64url(proof)}`],
    ['with a letter that base64url has not', `${token.slice(0, -1)}=`],
    ['with a second spelling of its last bits', older.slice(0, -1) + nextLetter(older.at(-1))],
  ])('%s', (_, text) => {
    expect(parseToken(text)).toBeUndefined()
  })

  test.each([0, 3, 255])('with the kind %i', (kind) => {
    expect(parseToken(withProof(Uint8Array.from(proof).fill(kind, 0, 1)))).toBeUndefined()
  })

  test.each([1, 2])('but is one with the kind %i', (kind) => {
    expect(parseToken(withProof(Uint8Array.from(proof).fill(kind, 0, 1)))).toBeDefined()
  })
})

/** The last letter of 61 bytes carries four bits and two that must be zero. */
function nextLetter(letter = 'A'): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return letters[letters.indexOf(letter) + 1] ?? ''
}
