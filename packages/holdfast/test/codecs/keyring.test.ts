import { describe, expect, test } from 'vitest'
import {
  addKey,
  formatKeyring,
  type Keyring,
  keyringStatus,
  newKeyring,
  parseKeyring,
  rotateKeyring,
} from '../../src/codecs/keyring.ts'
import type { Host } from '../../src/core/host.ts'

const NOW = 1_800_000_000_000

/** Answers the given ids where four bytes are asked for, and bytes of its own count elsewhere. */
function scripted(...ids: readonly string[]): Host {
  const left = [...ids]
  let count = 0
  return {
    now: () => NOW,
    random: (size) =>
      size === 4
        ? Uint8Array.from(Buffer.from(left.shift() ?? '', 'hex'))
        : new Uint8Array(size).fill(++count),
  }
}

interface Written {
  format: unknown
  index: unknown
  current: unknown
  keys: Record<string, unknown>[]
}

function written(ring: Keyring): Written {
  return JSON.parse(formatKeyring(ring))
}

const one = newKeyring(scripted('0000000a'))
const two = rotateKeyring(one, scripted('0000000b'))

describe('a new ring', () => {
  test('has an index key and one master key, of 32 bytes each, and seals with it', () => {
    const { index, keys, current } = newKeyring(scripted('0000000a'))

    expect(current).toBe('0000000a')
    expect(keys.map(({ id, createdAt }) => [id, createdAt])).toEqual([['0000000a', NOW]])
    expect(index.symmetricKeySize).toBe(32)
    expect(keys[0]?.secret.symmetricKeySize).toBe(32)
    expect(keys[0]?.secret.equals(index)).toBe(false)
  })

  test('names no key 0, and none as another one is named', () => {
    expect(newKeyring(scripted('00000000', '00000001')).current).toBe('00000001')
    expect(rotateKeyring(two, scripted('0000000a', '0000000b', '0000000c')).current).toBe(
      '0000000c',
    )
  })
})

describe('rotation', () => {
  test('makes the newest key current, and adds one only where none waits', () => {
    expect(two.current).toBe('0000000b')
    expect(two.keys.map(({ id }) => id)).toEqual(['0000000a', '0000000b'])
    const waiting = addKey(two, scripted('0000000c'))
    expect(waiting.current).toBe('0000000b')
    expect(rotateKeyring(waiting, scripted('0000000d'))).toEqual({
      ...waiting,
      current: '0000000c',
    })
  })

  test('keeps the index key: it names the subjects', () => {
    expect(two.index).toBe(one.index)
  })

  test('says what became of each key', () => {
    const three = addKey(two, scripted('0000000c'))

    expect(keyringStatus(three)).toEqual([
      { id: '0000000a', createdAt: NOW, state: 'older' },
      { id: '0000000b', createdAt: NOW, state: 'current' },
      { id: '0000000c', createdAt: NOW, state: 'waiting' },
    ])
  })

  test('a ring of 64 keys takes no other, and says how to go on', () => {
    let full = one
    for (let id = 0x10; full.keys.length < 64; id++) {
      full = addKey(full, scripted(id.toString(16).padStart(8, '0')))
    }

    expect(() => addKey(full, scripted('00ffffff'))).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringMatching(/holds 64 keys.*holdfast reseal/),
      }),
    )
    expect(parseKeyring(formatKeyring(full)).keys).toHaveLength(64)
    const { keys, ...rest } = written(full)
    const more = { ...rest, keys: [...keys, { ...keys[0], id: '00ffffff' }] }
    expect(() => parseKeyring(JSON.stringify(more))).toThrow('has more than 64 "keys"')
  })
})

describe('the file of a ring', () => {
  test('ends with a line break and reads back to the same keys', () => {
    const text = formatKeyring(two)
    const again = parseKeyring(text)

    expect(text.endsWith('}\n')).toBe(true)
    expect(again.current).toBe(two.current)
    expect(again.index.equals(two.index)).toBe(true)
    expect(again.keys.map(({ id, createdAt }) => ({ id, createdAt }))).toEqual([
      { id: '0000000a', createdAt: NOW },
      { id: '0000000b', createdAt: NOW },
    ])
    for (const [at, { secret }] of again.keys.entries()) {
      expect(secret.equals(two.keys[at]?.secret ?? two.index)).toBe(true)
    }
  })

  const long = Buffer.alloc(33).toString('base64url')
  const short = Buffer.alloc(31).toString('base64url')

  test.each<[string, unknown, string]>([
    ['null', null, 'must have "format": 1'],
    ['a list', [], 'must have "format": 1'],
    ['a number', 1, 'must have "format": 1'],
    ['another format', { ...written(two), format: 2 }, 'must have "format": 1'],
    ['no keys', { ...written(two), keys: undefined }, 'must have "keys"'],
    ['keys that are no list', { ...written(two), keys: {} }, 'must have "keys"'],
    ['an empty list of keys', { ...written(two), keys: [] }, 'must have "keys"'],
    ['an id twice', twice(), 'has a key id twice'],
    ['no current', { ...written(two), current: undefined }, 'must name one of its keys'],
    ['a foreign current', { ...written(two), current: '0000000c' }, 'must name one of its keys'],
    ['no index', { ...written(two), index: undefined }, 'index must be 32 bytes'],
    ['a short index', { ...written(two), index: short }, 'index must be 32 bytes'],
    ['a long index', { ...written(two), index: long }, 'index must be 32 bytes'],
    ['a key of text', { ...written(two), keys: ['x'] }, 'keys[0] must be an object'],
    ['a key of null', { ...written(two), keys: [null] }, 'keys[0] must be an object'],
    ['a key of a list', { ...written(two), keys: [[]] }, 'keys[0] must be an object'],
    ['a number of 8 digits as id', withKey({ id: 12345678 }), 'keys[1].id must be 8 hex digits'],
    ['a number as id', withKey({ id: 12 }), 'keys[1].id must be 8 hex digits'],
    ['a short id', withKey({ id: '000000b' }), 'keys[1].id must be 8 hex digits'],
    ['a long id', withKey({ id: '00000000b' }), 'keys[1].id must be 8 hex digits'],
    ['an id in upper case', withKey({ id: '0000000B' }), 'keys[1].id must be 8 hex digits'],
    ['a date as text', withKey({ createdAt: '1' }), 'keys[1].createdAt must be ms'],
    ['half a millisecond', withKey({ createdAt: 0.5 }), 'keys[1].createdAt must be ms'],
    ['no secret', withKey({ secret: undefined }), 'keys[1].secret must be 32 bytes'],
    ['a short secret', withKey({ secret: short }), 'keys[1].secret must be 32 bytes'],
    ['a long secret', withKey({ secret: long }), 'keys[1].secret must be 32 bytes'],
  ])('with %s is refused by the name of the field, without its value', (_, json, problem) => {
    const read = () => parseKeyring(JSON.stringify(json))

    expect(read).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    expect(read).toThrow(`The key ring ${problem}`)
    expect(read).toThrow('Make one with "holdfast keys new".')
  })

  test('that is no JSON is refused without a word of it', () => {
    expect(() => parseKeyring('my secret')).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: 'The key ring is not JSON. Make one with "holdfast keys new".',
      }),
    )
  })
})

function twice(): unknown {
  const { keys, ...rest } = written(two)
  return { ...rest, keys: [keys[0], { ...keys[1], id: keys[0]?.id }] }
}

function withKey(changed: Record<string, unknown>): unknown {
  const { keys, ...rest } = written(two)
  return { ...rest, keys: [keys[0], { ...keys[1], ...changed }] }
}
