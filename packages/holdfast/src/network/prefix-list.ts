import { SessionError } from '../core/errors.ts'
import { parseCidr } from './address-set.ts'
import { drained } from './data-file.ts'
import { type PrefixSet, prefixSetBuilder } from './prefix-set.ts'

/**
 * What bounds a list: 5 million lines need some 60 MB when they are read, and far less afterwards.
 */
const MAX_BYTES = 268_435_456
const MAX_LINES = 5_000_000
const MAX_LINE = 1_024

/** Nobody is all of this; whoever writes it has lost a digit. */
const SHORTEST = { 4: 8, 6: 12 }

const LINES_AT_ONCE = 2_000

/**
 * {@link prefixListParser} without pauses. Throws `config_invalid` with the number of the first
 * line that is no network.
 */
export function parsePrefixList(bytes: Uint8Array): PrefixSet {
  return drained(prefixListParser(bytes))
}

/**
 * Reads a list of networks: one CIDR or address a line, or CSV whose first column is one; `#`
 * starts a comment. Yields now and then, so that the caller can do other work. Throws
 * `config_invalid` with the number of the first line that is none.
 */
export function* prefixListParser(bytes: Uint8Array): Generator<void, PrefixSet> {
  if (bytes.byteLength > MAX_BYTES) throw wrong('is larger than 256 MiB')
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const set = prefixSetBuilder()
  let number = 0
  for (let start = 0; start < text.length; ) {
    number++
    if (number > MAX_LINES) throw wrong(`has more than ${MAX_LINES} lines`)
    const found = text.indexOf(NEWLINE, start)
    const end = found < 0 ? text.length : found
    if (end - start > MAX_LINE) throw wrong(`has an endless line ${number}`)
    addLine(set, text.toString('latin1', start, end), number)
    start = end + 1
    if (number % LINES_AT_ONCE === 0) yield
  }
  return yield* set.build()
}

const NEWLINE = 10

function addLine(set: ReturnType<typeof prefixSetBuilder>, line: string, number: number): void {
  const hash = line.indexOf('#')
  const content = hash < 0 ? line : line.slice(0, hash)
  const comma = content.indexOf(',')
  const column = (comma < 0 ? content : content.slice(0, comma)).trim()
  if (column === '' && comma < 0) return
  const network = parseCidr(column)
  if (network === undefined) throw wrong(`has a line ${number} that is no network`)
  if (network.bits < SHORTEST[network.address.family])
    throw wrong(`has a line ${number} that covers too much of the internet`)
  set.add(network)
}

function wrong(what: string): SessionError {
  return new SessionError('config_invalid', what)
}
