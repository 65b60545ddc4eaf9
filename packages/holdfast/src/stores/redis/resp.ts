/**
 * RESP3, the protocol of Redis since version 6 (github.com/redis/redis-specifications). Bulk
 * strings come as views of the bytes that were received, maps as flat lists, errors as `Error`.
 */

/** Who hears what a server sends. */
export interface RespListener {
  /** The answer to the oldest command that has none yet. */
  reply(value: unknown): void
  /** A message that no command asked for. */
  push(items: readonly unknown[]): void
}

/** No reply of a store comes near it. What is longer is no Redis. */
const MOST_BYTES = 64 * 1024 * 1024
const MOST_ITEMS = 1_000_000
const LONGEST_LINE = 64 * 1024
/** Of a number that is read digit by digit. It is below every bound. */
const MOST_DIGITS = 6
const MOST_DEPTH = 16

const CR = 13
const LF = 10

/**
 * Takes what was received, in pieces of any size. Throws for what is not RESP3; nothing that comes
 * after that means anything.
 */
export function respReader(
  { reply, push }: RespListener,
  { mostBytes = MOST_BYTES }: { readonly mostBytes?: number } = {},
): (chunk: Buffer) => void {
  let rest: Buffer[] = []
  let held = 0
  /** So many bytes are needed before the next value can be whole. */
  let needed = 0

  return (chunk) => {
    held += chunk.length
    if (rest.length > 0 || held < needed) {
      rest.push(chunk)
      if (held < needed) return
    }
    const bytes = rest.length > 1 ? Buffer.concat(rest, held) : (rest[0] ?? chunk)
    const input: Input = { bytes, at: 0, end: mostBytes, needed: 0 }
    let start = 0
    while (start < bytes.length) {
      input.end = start + mostBytes
      const isPush = bytes[start] === PUSH
      const value = readValue(input, 0)
      if (value === INCOMPLETE) break
      start = input.at
      if (isPush && Array.isArray(value)) push(value)
      else reply(value)
    }
    held = bytes.length - start
    rest = held === 0 ? [] : [bytes.subarray(start)]
    needed = held === 0 ? 0 : Math.max(input.needed - start, held + 1)
  }
}

interface Input {
  readonly bytes: Buffer
  at: number
  /** No value may reach beyond it. */
  end: number
  /** The end of what is known to belong to an incomplete value. */
  needed: number
}

const INCOMPLETE = Symbol('incomplete')

const code = (letter: string): number => letter.charCodeAt(0)
const SIMPLE = code('+')
const ERROR = code('-')
const INTEGER = code(':')
const BULK = code('$')
const BULK_ERROR = code('!')
const VERBATIM = code('=')
const LIST = code('*')
const SET = code('~')
const PUSH = code('>')
const MAP = code('%')
const ATTRIBUTE = code('|')
const NULL = code('_')
const BOOLEAN = code('#')
const DOUBLE = code(',')
const BIG = code('(')

/** A verbatim string says its format first: three letters and a colon. */
const FORMAT_BYTES = 4

function readValue(input: Input, depth: number): unknown {
  if (depth > MOST_DEPTH) throw notRedis('values within values')
  const kind = input.bytes[input.at]
  if (kind === BULK || kind === INTEGER) {
    const natural = readNatural(input)
    if (natural !== undefined) return kind === BULK ? readBulk(input, kind, natural) : natural
  }
  const line = readLine(input)
  if (line === INCOMPLETE) return INCOMPLETE
  switch (kind) {
    case SIMPLE:
    case BIG:
      return line
    case ERROR:
      return errorOf(line)
    case INTEGER:
      return numberOf(line)
    case BULK:
    case BULK_ERROR:
    case VERBATIM:
      return readBulk(input, kind, sizeOf(line, MOST_BYTES))
    case LIST:
    case SET:
    case PUSH:
      return readItems(input, sizeOf(line, MOST_ITEMS), depth)
    case MAP:
      return readItems(input, 2 * sizeOf(line, MOST_ITEMS), depth)
    case ATTRIBUTE:
      if (readItems(input, 2 * sizeOf(line, MOST_ITEMS), depth) === INCOMPLETE) return INCOMPLETE
      return readValue(input, depth + 1)
    case NULL:
      return null
    case BOOLEAN:
      return line === 't'
    case DOUBLE:
      return Number(line.replace('inf', 'Infinity'))
    default:
      throw notRedis('an unknown type')
  }
}

/** A line with a whole number of few digits, as nearly all are. Undefined: look at it as a text. */
function readNatural(input: Input): number | undefined {
  const { bytes } = input
  const first = input.at + 1
  let number = 0
  let at = first
  while (at < first + MOST_DIGITS) {
    const digit = (bytes[at] ?? 0) - ZERO
    if (digit < 0 || digit > 9) break
    number = 10 * number + digit
    at++
  }
  if (at === first || bytes[at] !== CR || bytes[at + 1] !== LF) return undefined
  input.at = at + 2
  return number
}

/** The text of a line, without its first letter and its end. */
function readLine(input: Input): string | typeof INCOMPLETE {
  const { bytes, at } = input
  const end = bytes.indexOf(LF, at)
  if (end === -1 ? bytes.length - at > LONGEST_LINE : end - at > LONGEST_LINE) {
    throw notRedis('a line without end')
  }
  if (end === -1) return INCOMPLETE
  if (end < at + 2 || bytes[end - 1] !== CR) throw notRedis('a line without its end')
  input.at = end + 1
  return bytes.toString('utf8', at + 1, end - 1)
}

function readBulk(input: Input, kind: number, size: number): unknown {
  if (size < 0) return null
  const { bytes, at } = input
  const end = at + size
  if (end > input.end) throw notRedis('more bytes than any reply has')
  if (end + 2 > bytes.length) {
    input.needed = Math.max(input.needed, end + 2)
    return INCOMPLETE
  }
  if (bytes[end] !== CR || bytes[end + 1] !== LF) throw notRedis('a string without its end')
  input.at = end + 2
  if (kind === BULK_ERROR) return errorOf(bytes.toString('utf8', at, end))
  return bytes.subarray(kind === VERBATIM ? Math.min(at + FORMAT_BYTES, end) : at, end)
}

function readItems(input: Input, count: number, depth: number): unknown {
  if (count < 0) return null
  const items: unknown[] = []
  for (let left = count; left > 0; left--) {
    if (input.at > input.end) throw notRedis('more bytes than any reply has')
    if (input.at >= input.bytes.length) return INCOMPLETE
    const item = readValue(input, depth + 1)
    if (item === INCOMPLETE) return INCOMPLETE
    items.push(item)
  }
  return items
}

function sizeOf(line: string, most: number): number {
  const size = numberOf(line)
  if (size < -1 || size > most) throw notRedis('a size out of all bounds')
  return size
}

function numberOf(line: string): number {
  if (!/^[+-]?\d{1,19}$/.test(line)) throw notRedis('a number that is none')
  return Number(line)
}

function errorOf(text: string): Error {
  const error = new Error(text)
  error.name = 'ReplyError'
  return error
}

function notRedis(what: string): Error {
  return new Error(`What answers is no Redis: it sent ${what}.`)
}

/** Commands in the bytes that Redis takes, one behind the other. */
export interface CommandBytes {
  add(args: readonly (string | Uint8Array)[]): void
  /** What was added since the last time. */
  take(): Buffer
  /** Takes back what {@link take} gave, once nobody reads it any more. */
  giveBack(bytes: Buffer): void
}

const FIRST_BYTES = 16 * 1024
const MOST_SPARE_BYTES = 1024 * 1024
/** Digits of a size and the four letters around it. */
const SIZE_BYTES = 16
const ZERO = code('0')
const LAST_ASCII = 127
const SHORT = 64

export function commandBytes(): CommandBytes {
  let spare: Buffer | undefined
  let target: Buffer = Buffer.allocUnsafe(FIRST_BYTES)
  let used = 0

  function room(size: number): void {
    if (used + size <= target.length) return
    const larger = Buffer.allocUnsafe(2 * (used + size))
    target.copy(larger, 0, 0, used)
    target = larger
  }

  function header(letter: number, size: number): void {
    target[used++] = letter
    if (size < 10) target[used++] = ZERO + size
    else if (size < 100) {
      target[used++] = ZERO + Math.floor(size / 10)
      target[used++] = ZERO + (size % 10)
    } else used += target.write(String(size), used, 'latin1')
    target[used++] = CR
    target[used++] = LF
  }

  /** Writes a short text letter by letter: a call for it would cost more. False: not ASCII. */
  function shortText(text: string): boolean {
    const before = used
    header(BULK, text.length)
    for (let at = 0; at < text.length; at++) {
      const letter = text.charCodeAt(at)
      if (letter > LAST_ASCII) {
        used = before
        return false
      }
      target[used++] = letter
    }
    return true
  }

  function argument(arg: string | Uint8Array): void {
    if (typeof arg !== 'string') {
      room(arg.length + SIZE_BYTES)
      header(BULK, arg.length)
      target.set(arg, used)
      used += arg.length
      return
    }
    if (arg.length <= SHORT) {
      room(arg.length + SIZE_BYTES)
      if (shortText(arg)) return
    }
    const size = Buffer.byteLength(arg)
    room(size + SIZE_BYTES)
    header(BULK, size)
    used += target.write(arg, used)
  }

  return {
    add(args) {
      room(SIZE_BYTES)
      header(LIST, args.length)
      for (const arg of args) {
        argument(arg)
        target[used++] = CR
        target[used++] = LF
      }
    },
    take() {
      const taken = target.subarray(0, used)
      target = spare ?? Buffer.allocUnsafe(FIRST_BYTES)
      spare = undefined
      used = 0
      return taken
    },
    giveBack(bytes) {
      const whole = Buffer.from(bytes.buffer, bytes.byteOffset)
      if (whole.length <= MOST_SPARE_BYTES) spare = whole
    },
  }
}
