import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sealingCodec } from '../../src/codecs/codec.ts'
import { newKeyring, rotateKeyring } from '../../src/codecs/keyring.ts'
import { systemHost } from '../../src/codecs/system-host.ts'
import type { Claims } from '../../src/codecs/token-codec.ts'
import { fromBase64url, toBase64url } from '../../src/core/base64url.ts'
import { isSessionId, partitionOf, subjectOf } from '../../src/core/ids.ts'
import { parseToken, TOKEN_LENGTH } from '../../src/core/token.ts'

const host = systemHost()
const ring = newKeyring(host)
const codec = sealingCodec(ring, host)
const subject = codec.subjectKey('default', 'ada')
const session = codec.newSessionId(subject)
const line = {
  session,
  kind: 'session',
  family: '00000000000000a3',
  generation: 7,
  mintedAt: 1_790_000_000_000,
} as const

describe('tokens', () => {
  test('what is minted reads back, and says nothing that was not put in', () => {
    const { token, digest } = codec.mint(line)
    const claims = codec.authenticate(token)

    expect(token).toHaveLength(TOKEN_LENGTH)
    const { mintedAt, ...rest } = line
    expect(claims).toMatchObject({ ...rest, keyId: ring.current, digest, descent: { mintedAt } })
    expect(JSON.stringify(claims)).not.toContain(token.slice(-40))
  })

  test('no single changed character of a token is accepted', () => {
    const { token } = codec.mint(line)

    for (let at = 0; at < token.length; at++) {
      for (const letter of ['A', 'z', '0', '_', '.', '=']) {
        if (token[at] === letter) continue
        const changed = token.slice(0, at) + letter + token.slice(at + 1)
        expect(codec.authenticate(changed), `position ${at}`).toBeTypeOf('string')
      }
    }
  })

  test('a token has one spelling', () => {
    for (let i = 0; i < 50; i++) {
      const { token } = codec.mint(line)
      for (let at = 0; at < token.length; at++) {
        const letter = token.charAt(at)
        // Of plain base64, and of which a decoder may see the low byte alone.
        const alike = [
          { '-': '+', _: '/' }[letter] ?? '',
          String.fromCharCode(256 + letter.charCodeAt(0)),
        ]
        for (const other of [...alike, '\n', ' ', `\n${letter}`, `=${letter}`, `\u0000${letter}`]) {
          const spelled = token.slice(0, at) + other + token.slice(at + 1)
          for (const text of [spelled, spelled.slice(0, TOKEN_LENGTH)]) {
            expect(codec.authenticate(text), `position ${at}`).toBe('token_malformed')
          }
        }
      }
    }
  })

  test('the proof part of one session does not work for another', () => {
    const [, , proof] = codec.mint(line).token.split('.')
    const other = codec.newSessionId(subject)

    expect(codec.authenticate(`hf1.${other}.${proof}`)).toBe('token_malformed')
  })

  test('a token of a retired key still authenticates, one of a foreign ring never does', () => {
    const { token } = codec.mint(line)

    const rotated = sealingCodec(rotateKeyring(ring, host), host)
    expect(rotated.authenticate(token)).toMatchObject({ session })
    expect(sealingCodec(newKeyring(host), host).authenticate(token)).toBe('token_key_unknown')
  })

  test('no string makes parsing throw, or authenticates', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
        expect(codec.authenticate(text)).toBe('token_malformed')
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 87, maxLength: 87 }), (bytes) => {
        const text = `hf1.${session}.${toBase64url(bytes)}`
        expect(text).toHaveLength(TOKEN_LENGTH)
        expect(codec.authenticate(text)).toBeTypeOf('string')
      }),
    )
  })

  test('a successor proves its parent and its grandparent, and gives away neither secret', () => {
    const claimsOf = (token: string): Claims => codec.authenticate(token) as Claims
    const first = claimsOf(codec.mint(line).token)
    const second = claimsOf(codec.mint({ ...line, generation: 8, parent: first.link }).token)
    const links = { parent: second.link, grandparent: second.parentLink as Uint8Array }
    const third = claimsOf(codec.mint({ ...line, generation: 9, ...links }).token)

    expect(second.descent?.parent).toBe(first.digest)
    expect(third.descent).toMatchObject({ parent: second.digest, grandparent: first.digest })
    expect(third.digest).not.toBe(second.digest)
    // What the record has is an image of the link, and the link one of the secret.
    expect(Buffer.from(first.link).toString('hex')).not.toBe(first.digest)
    const elsewhere = codec.mint({ ...line, family: '00000000000000a4' })
    expect(elsewhere.digest).not.toBe(first.digest)
  })

  test('what is remembered of a token does not hold its secret', () => {
    const { token } = codec.mint(line)
    const claims = codec.authenticate(token) as Claims
    const secret = Buffer.from(parseToken(token)?.claims.secret ?? [])
    const held = heldBy(claims)

    expect(held.length).toBeGreaterThan(1)
    for (const bytes of held) expect(bytes.includes(secret)).toBe(false)
  })

  test('a refresh token is told apart by its kind', () => {
    const { token } = codec.mint({ ...line, kind: 'refresh' })

    expect(parseToken(token)?.claims.kind).toBe('refresh')
  })
})

/** All bytes and texts that can be reached from a value without running a getter. */
function heldBy(value: unknown): readonly Buffer[] {
  if (value instanceof Uint8Array) return [Buffer.from(value.buffer)]
  if (typeof value === 'string') return [Buffer.from(value, 'latin1')]
  if (typeof value !== 'object' || value === null) return []
  return Reflect.ownKeys(value).flatMap((key) =>
    heldBy(Object.getOwnPropertyDescriptor(value, key)?.value),
  )
}

describe('session ids', () => {
  test('carry the subject tag, fall into its partition, and are never alike', () => {
    const ids = Array.from({ length: 2_000 }, () => codec.newSessionId(subject))

    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) {
      expect(isSessionId(id)).toBe(true)
      expect(subjectOf(id)).toBe(subject)
      expect(partitionOf(id)).toBe(partitionOf(subject))
    }
  })

  test('a tenant and a subject never run into one another', () => {
    expect(codec.subjectKey('a', 'bc')).not.toBe(codec.subjectKey('ab', 'c'))
  })
})

describe('base64url', () => {
  test('agrees with Node for every byte string, and has one spelling for each', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = toBase64url(bytes)
        expect(text).toBe(Buffer.from(bytes).toString('base64url'))
        expect(fromBase64url(text)).toEqual(bytes)
      }),
    )
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        const bytes = fromBase64url(text)
        if (bytes !== undefined) expect(toBase64url(bytes)).toBe(text)
      }),
    )
  })
})
