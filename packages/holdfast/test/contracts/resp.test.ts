import fc from 'fast-check'
import { expect, test } from 'vitest'
import { commandBytes, respReader } from '../../src/stores/redis/resp.ts'

/** All that a reader hears when it gets the bytes in these pieces. */
function heard(chunks: readonly Buffer[], options = {}): unknown[] {
  const said: unknown[] = []
  const read = respReader(
    { reply: (value) => said.push(plain(value)), push: (items) => said.push(['>', plain(items)]) },
    options,
  )
  for (const chunk of chunks) read(chunk)
  return said
}

/** Bytes as text, errors as what they say. */
function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return `$${value.toString('latin1')}`
  if (value instanceof Error) return { error: value.message }
  return Array.isArray(value) ? value.map(plain) : value
}

const WIRE = Buffer.from(
  '+OK\r\n:-12\r\n$5\r\na\r\nbc\r\n$0\r\n\r\n$-1\r\n*-1\r\n_\r\n#t\r\n#f\r\n,1.5\r\n,-inf\r\n' +
    '(12345678901234567890\r\n=9\r\ntxt:hello\r\n-ERR no\r\n!6\r\nOOM no\r\n*0\r\n' +
    '*3\r\n:1\r\n*2\r\n$1\r\nx\r\n-NOPERM no\r\n_\r\n%1\r\n+k\r\n~1\r\n:2\r\n' +
    '>3\r\n+message\r\n+wake\r\n$3\r\n1 2\r\n|1\r\n+ttl\r\n:3\r\n:4\r\n',
  'latin1',
)
const SAID = [
  'OK',
  -12,
  '$a\r\nbc',
  '$',
  null,
  null,
  null,
  true,
  false,
  1.5,
  -Infinity,
  '12345678901234567890',
  '$hello',
  { error: 'ERR no' },
  { error: 'OOM no' },
  [],
  [1, ['$x', { error: 'NOPERM no' }], null],
  ['k', [2]],
  ['>', ['message', 'wake', '$1 2']],
  4,
]

test('every type of RESP3 is read', () => {
  expect(heard([WIRE])).toEqual(SAID)
})

test('it does not matter where what is received is cut', () => {
  for (let at = 0; at <= WIRE.length; at++) {
    expect(heard([WIRE.subarray(0, at), WIRE.subarray(at)])).toEqual(SAID)
  }
  expect(heard([...WIRE].map((byte) => Buffer.of(byte)))).toEqual(SAID)
  fc.assert(
    fc.property(fc.array(fc.nat({ max: WIRE.length })), (cuts) => {
      const ends = [...cuts.sort((a, b) => a - b), WIRE.length]
      const chunks = ends.map((end, i) => WIRE.subarray(ends[i - 1] ?? 0, end))
      expect(heard(chunks)).toEqual(SAID)
    }),
  )
})

test('values within values are read, whatever they are and wherever they are cut', () => {
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constant(null),
      fc.integer(),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.array(tie('value'), { maxLength: 5 }),
    ),
  }))

  fc.assert(
    fc.property(fc.array(value, { maxLength: 4 }), fc.integer({ min: 1, max: 9 }), (said, size) => {
      const wire = Buffer.concat(said.map(encoded))
      const chunks: Buffer[] = []
      for (let at = 0; at < wire.length; at += size) chunks.push(wire.subarray(at, at + size))
      expect(heard(chunks)).toEqual(said.map(plain))
    }),
  )
})

function encoded(value: unknown): Buffer {
  if (value === null) return Buffer.from('_\r\n')
  if (Buffer.isBuffer(value)) {
    return Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')])
  }
  if (!Array.isArray(value)) return Buffer.from(`:${value}\r\n`)
  return Buffer.concat([Buffer.from(`*${value.length}\r\n`), ...value.map(encoded)])
}

test.each([
  ['an unknown type', 'HTTP/1.1 400 Bad Request\r\n'],
  ['a line without end', '+'.padEnd(70_000, 'x')],
  ['a line without end behind a value', `:1\r\n+${'x'.repeat(70_000)}`],
  ['a line without its end', '+OK\n'],
  ['a string without its end', '$2\r\nabcd\r\n'],
  ['a size that is none', '$1x\r\n'],
  ['a size below zero', '*-2\r\n'],
  ['a string out of all bounds', '$99999999999\r\n'],
  ['a string longer than it may be', '$2000\r\n'],
  ['a list out of all bounds', '*1000001\r\n'],
  ['a list that is longer than it may be', `*900\r\n${'$1\r\nx\r\n'.repeat(500)}`],
  ['values within values', '*1\r\n'.repeat(40)],
  ['streams, which no command of a store has', '$?\r\n;1\r\nx\r\n'],
])('%s is refused', (_, wire) => {
  expect(() => heard([Buffer.from(wire)], { mostBytes: 1_000 })).toThrow('no Redis')
  expect(() =>
    heard(
      [...Buffer.from(wire)].map((byte) => Buffer.of(byte)),
      { mostBytes: 1_000 },
    ),
  ).toThrow('no Redis')
})

test('whatever comes is read or refused', () => {
  const byte = fc.oneof(fc.constantFrom(...Buffer.from('$*:+-_#,(=!~>%|0129\r\n')), fc.nat(255))
  fc.assert(
    fc.property(fc.array(fc.array(byte, { maxLength: 30 }), { maxLength: 8 }), (pieces) => {
      try {
        heard(pieces.map((piece) => Buffer.from(piece)))
      } catch (error) {
        expect(String(error)).toContain('no Redis')
      }
    }),
    { numRuns: 2_000 },
  )
})

test('commands are written as Redis takes them, of any size', () => {
  const bytes = commandBytes()
  const long = Buffer.alloc(50_000, 'x')
  bytes.add(['SET', 'ключ', Buffer.from([0, 13, 10])])
  bytes.add(['GET', ''])
  bytes.add(['SET', 'long', long, long.toString()])

  expect(bytes.take().toString('latin1')).toBe(
    Buffer.from(
      '*3\r\n$3\r\nSET\r\n$8\r\nключ\r\n$3\r\n\0\r\n\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\n' +
        `*4\r\n$3\r\nSET\r\n$4\r\nlong\r\n$50000\r\n${long}\r\n$50000\r\n${long}\r\n`,
    ).toString('latin1'),
  )
  expect(bytes.take()).toHaveLength(0)
})

test('bytes that were given back are written to again, once what took their place is gone', () => {
  const bytes = commandBytes()
  bytes.add(['GET', 'a'.repeat(20_000)])
  const first = bytes.take()
  bytes.giveBack(first)
  bytes.add(['GET', 'b'])

  const second = bytes.take()
  bytes.add(['GET', 'c'])

  expect(second.toString()).toBe('*2\r\n$3\r\nGET\r\n$1\r\nb\r\n')
  expect(bytes.take().buffer).toBe(first.buffer)
  expect(second.buffer).not.toBe(first.buffer)
})
