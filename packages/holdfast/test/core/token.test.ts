import { describe, expect, test } from 'vitest'
import { toBase64url } from '../../src/core/base64url.ts'
import {
  formatToken,
  parseToken,
  signedPart,
  TOKEN_LENGTH,
  type TokenClaims,
} from '../../src/core/token.ts'

const claims: TokenClaims = {
  session: toBase64url(new Uint8Array(32).fill(7)),
  kind: 'refresh',
  keyId: '000a0b0c',
  family: 0x01020304,
  generation: 0xfffefdfc,
  random: Uint8Array.from({ length: 32 }, (_, at) => at + 100),
}
const tag = Uint8Array.from({ length: 16 }, (_, at) => at + 200)

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

  test('is prefix, session id and 61 bytes: kind, key, family, generation, secret, tag', () => {
    expect(token).toHaveLength(TOKEN_LENGTH)
    expect(token.startsWith(`hf1.${claims.session}.`)).toBe(true)
    expect(proofOf(token).toString('hex')).toBe(
      `02000a0b0c01020304fffefdfc${hexOf(claims.random)}${hexOf(tag)}`,
    )
    expect(signedPart({ ...claims, kind: 'session' })[0]).toBe(1)
  })

  test('reads back to what it was made of', () => {
    expect(parseToken(token)).toEqual({ claims, signed: signedPart(claims), tag })
  })
})

describe('text is no token', () => {
  const token = formatToken(claims.session, signedPart(claims), tag)
  const proof = proofOf(token)

  test.each([
    ['with another prefix', `hf2${token.slice(3)}`],
    ['with a letter before it', `x${token.slice(0, -1)}`],
    ['with one letter more', `${token}A`],
    ['with one letter less', token.slice(0, -1)],
    ['with a dot one place too early', `hf1.${claims.session.slice(0, -1)}.${'A'.repeat(83)}`],
    ['with a dot one place too late', `hf1.${claims.session}A.${'A'.repeat(81)}`],
    ['without a second dot', `hf1.${'A'.repeat(126)}`],
    ['with a session id that is none', `hf1.${'!'.repeat(43)}.${toBase64url(proof)}`],
    ['with a letter that base64url has not', `${token.slice(0, -1)}=`],
    ['with a second spelling of its last bits', token.slice(0, -1) + nextLetter(token.at(-1))],
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
