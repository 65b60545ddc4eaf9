import { describe, expect, test } from 'vitest'
import { attributesDigest } from '../../src/codecs/attributes-digest.ts'
import { attributesIdentity, type Codec, sealingCodec } from '../../src/codecs/codec.ts'
import { newKeyring } from '../../src/codecs/keyring.ts'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import type { SessionView } from '../../src/core/session.ts'
import type { Found } from '../../src/core/store.ts'
import { sealedAttributes } from '../../src/engine/state/attributes.ts'
import { harness, inMemory } from '../support/harness.ts'

const cart = { cart: { items: [{ id: 'tea', count: 2 }] }, theme: 'dark', seen: null }

async function sessionWith(attributes: SessionView['attributes'] | undefined): Promise<{
  session(): Promise<SessionView>
}> {
  const { login, show } = await harness(inMemory)
  const token = await login(attributes === undefined ? {} : { attributes })
  return {
    async session() {
      const answer = await show(token)
      if (!answer.ok) throw new Error(answer.code)
      return answer.session
    },
  }
}

describe('attributes of a session', () => {
  test('are a property like the others', async () => {
    const session = await (await sessionWith(cart)).session()

    expect(Object.getOwnPropertyDescriptor(session, 'attributes')).toMatchObject({
      enumerable: true,
    })
    expect(Object.keys(session)).toContain('attributes')
    expect(session.attributes).toEqual(cart)
    expect({ ...session }).toEqual(session)
    expect({ ...session }.attributes).toEqual(cart)
    expect(structuredClone(session)).toEqual(session)
    expect(JSON.parse(JSON.stringify(session))).toEqual(session)
    expect(session).toEqual({ ...session, attributes: cart })
  })

  test('cannot be changed by one request for the others', async () => {
    const { session } = await sessionWith(cart)
    const [one, other] = [await session(), await session()]

    for (const path of [['theme'], ['cart', 'items'], ['cart', 'items', '0', 'count']]) {
      const last = path.at(-1) ?? ''
      const holder = path.slice(0, -1).reduce<unknown>(inside, one.attributes)
      expect(Reflect.set(Object(holder), last, 'changed')).toBe(false)
      expect(Reflect.deleteProperty(Object(holder), last)).toBe(false)
    }
    expect(Reflect.set(Object(one.attributes), 'added', true)).toBe(false)
    expect(() => (one.attributes.cart as { items: unknown[] }).items.push('more')).toThrow(
      TypeError,
    )

    expect(other.attributes).toEqual(cart)
    expect((await session()).attributes).toEqual(cart)
  })

  test('that nobody set are an empty object, which cannot be changed either', async () => {
    const { attributes } = await (await sessionWith(undefined)).session()

    expect(attributes).toEqual({})
    expect(Reflect.set(attributes, 'added', true)).toBe(false)
  })
})

function inside(value: unknown, key: string): unknown {
  return Reflect.get(Object(value), key)
}

describe('sealed attributes', () => {
  function scene(): {
    readonly open: ReturnType<typeof sealedAttributes>['open']
    readonly check: ReturnType<typeof sealedAttributes>['check']
    readonly opened: () => number
    readonly sealed: (name: string, value: unknown) => Pick<Found, 'id' | 'attributes'>
  } {
    const host = fakeHost()
    const codec = sealingCodec(newKeyring(host), host)
    let opened = 0
    const counting: Codec = {
      ...codec,
      open(place, bytes) {
        opened++
        return codec.open(place, bytes)
      },
      openJson(place, bytes) {
        const value = codec.openJson(place, bytes)
        opened++
        return value
      },
    }
    const attributes = sealedAttributes(counting, 4_000_000)
    return {
      open: attributes.open,
      check: attributes.check,
      opened: () => opened,
      sealed: (id, value) => ({
        id,
        attributes: { version: 1, sealed: codec.sealJson(attributesIdentity(id, 1), value) },
      }),
    }
  }

  function headFor({ id, attributes }: Pick<Found, 'id' | 'attributes'>) {
    return { id, attributesDigest: attributesDigest(attributes) }
  }

  test('are known by their digest, and not opened for it', () => {
    const { check, opened, sealed } = scene()
    const found = sealed('a', cart)
    const head = headFor(found)

    for (let n = 0; n < 3; n++) check(head, found)
    check(headFor({ id: 'b', attributes: undefined }), { attributes: undefined })

    expect(opened()).toBe(0)
  })

  test('are refused where a byte or the version is another, or where they are gone', () => {
    const { check, sealed } = scene()
    const found = sealed('a', cart)
    const head = headFor(found)
    const changed = [0, 10, 30, -1].map((at) => {
      const bytes = Uint8Array.from(bytesOf(found))
      const index = at < 0 ? bytes.length + at : at
      bytes[index] = (bytes[index] ?? 0) ^ 1
      return { version: 1, sealed: bytes }
    })
    const others = [
      ...changed,
      { version: 2, sealed: bytesOf(found) },
      { version: 1, sealed: new Uint8Array(0) },
      sealed('a', cart).attributes,
      undefined,
    ]
    const refused = expect.objectContaining({ code: 'record_invalid' })

    for (const attributes of others) expect(() => check(head, { attributes })).toThrow(refused)
    expect(() => check({ id: 'a', attributesDigest: null }, found)).toThrow(refused)
  })

  test('are refused once their key has left the ring', () => {
    const host = fakeHost()
    const ring = newKeyring(host)
    let keys = ring.keys
    const changing = {
      ...ring,
      get keys() {
        return keys
      },
    }
    const codec = sealingCodec(changing, host)
    const { check } = sealedAttributes(codec, 4_000_000)
    const sealed = codec.sealJson(attributesIdentity('a', 1), cart)
    const found = { id: 'a', attributes: { version: 1, sealed } }
    check(headFor(found), found)

    keys = []
    expect(() => check(headFor(found), found)).toThrow(
      expect.objectContaining({ code: 'key_unknown' }),
    )
  })

  test('are opened once, also where the same bytes are read from the store again', () => {
    const { open, opened, sealed } = scene()
    const found = sealed('a', cart)
    const again = { ...found, attributes: { version: 1, sealed: bytesOf(found) } }

    expect(open(found)).toEqual(cart)
    expect(open(again)).toBe(open(found))
    expect(opened()).toBe(1)
  })

  test('are opened again where a byte or the version is another', () => {
    const { open, opened, sealed } = scene()
    const found = sealed('a', cart)
    open(found)

    for (const version of [0, 2]) {
      const attributes = { version, sealed: bytesOf(found) }
      expect(() => open({ id: 'a', attributes })).toThrow(
        expect.objectContaining({ code: 'record_invalid' }),
      )
    }
    const changed = bytesOf(found).map((byte, at) => (at === 30 ? byte ^ 1 : byte))
    expect(() => open({ id: 'a', attributes: { version: 1, sealed: changed } })).toThrow(
      expect.objectContaining({ code: 'record_invalid' }),
    )
    expect(opened()).toBe(1)
    expect(open(found)).toEqual(cart)
    expect(opened()).toBe(1)
  })

  test('do not change with the buffer that they were read into', () => {
    const { open, opened, sealed } = scene()
    const found = sealed('a', cart)
    const copy = { id: 'a', attributes: { version: 1, sealed: bytesOf(found) } }
    open(found)
    found.attributes?.sealed.fill(0)

    expect(open(copy)).toEqual(cart)
    expect(opened()).toBe(1)
  })

  test('of sessions that take 4 MB by now are opened again', () => {
    const { open, opened, sealed } = scene()
    const first = sealed('first', cart)
    open(first)
    for (let n = 0; n < 600; n++) open(sealed(`s${n}`, { note: 'x'.repeat(8_000) }))

    expect(opened()).toBe(601)
    open(first)
    expect(opened()).toBe(602)
  })

  function bytesOf({ attributes }: Pick<Found, 'attributes'>): Uint8Array {
    return Uint8Array.from(attributes?.sealed ?? [])
  }
})
