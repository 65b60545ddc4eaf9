import type {
  CompletedStepUp,
  FailedStepUps,
  SessionFamily,
  SessionState,
  SwitchBack,
  TokenFamily,
} from '../core/session.ts'
import { readHex, readText, readUint } from './bytes.ts'
import {
  type RecordReader,
  type RecordWriter,
  readList,
  readOptional,
  readTime,
  readWord,
  writeList,
  writeOptional,
  writeTime,
  writeWord,
} from './record-fields.ts'

/** Half of SHA-256: nobody finds 32 other random bytes with the same 128 bits. */
export const DIGEST_BYTES = 16

const FAMILY_BYTES = 8

/** Keys of the record's contexts. Other context keys are rare, and long. */
export interface ContextKeys {
  readonly keys: readonly string[]
}

export interface KeyedReader extends RecordReader {
  /** The key of one of them: most are not asked for. Empty where there is none. */
  keyAt(at: number): string
}

/** What a login or step-up proved, without the secrets of the family. */
type Proof = Omit<SessionFamily, keyof TokenFamily>

export function writeProof(output: RecordWriter & ContextKeys, proof: Proof): void {
  writeOptional(output, proof.acr, (acr) => writeWord(output, acr))
  writeList(output, proof.amr, (method) => writeWord(output, method))
  writeTime(output, proof.authenticatedAt)
  writeKey(output, proof.provedIn)
}

/** What was proved, then the secrets, as `readSecrets` reads them. */
export class ReadSessionFamily<Input extends KeyedReader> implements SessionFamily {
  readonly acr: string | null
  readonly amr: readonly string[]
  readonly authenticatedAt: number
  readonly provedIn: string
  readonly id: string
  readonly current: TokenFamily['current']
  readonly beganAt: number
  readonly shownAt: number
  readonly previous: TokenFamily['previous']
  readonly outstanding: TokenFamily['outstanding']
  readonly contexts: readonly string[]

  constructor(input: Input, readSecrets: (input: Input) => TokenFamily) {
    this.acr = readOptional(input, readWord)
    this.amr = readList(input, readWord)
    this.authenticatedAt = readTime(input)
    this.provedIn = readKey(input)
    const family = readSecrets(input)
    this.id = family.id
    this.current = family.current
    this.beganAt = family.beganAt
    this.shownAt = family.shownAt
    this.previous = family.previous
    this.outstanding = family.outstanding
    this.contexts = family.contexts
  }
}

export function writeTokenFamily(output: RecordWriter & ContextKeys, family: TokenFamily): void {
  const { current, beganAt, shownAt, previous, outstanding } = family
  output.writer.hex(family.id)
  output.writer.uint(current.generation)
  writeDigest(output, current.digest)
  writeTime(output, current.mintedAt)
  writeTime(output, current.notedAt)
  writeTime(output, beganAt)
  writeTime(output, shownAt)
  writeOptional(output, previous, ({ digest, until }) => {
    writeDigest(output, digest)
    writeTime(output, until)
  })
  writeOptional(output, outstanding, ({ digest, mintedAt }) => {
    writeDigest(output, digest)
    writeTime(output, mintedAt)
  })
  writeList(output, family.contexts, (key) => writeKey(output, key))
}

export function readTokenFamily(input: KeyedReader): TokenFamily {
  return new ReadFamily(input)
}

class ReadFamily implements TokenFamily {
  readonly id: string
  readonly current: TokenFamily['current']
  readonly beganAt: number
  readonly shownAt: number
  readonly previous: TokenFamily['previous']
  readonly outstanding: TokenFamily['outstanding']
  readonly contexts: readonly string[]

  constructor(input: KeyedReader) {
    this.id = readHex(input.reader, FAMILY_BYTES)
    this.current = {
      generation: readUint(input.reader),
      digest: readDigest(input),
      mintedAt: readTime(input),
      notedAt: readTime(input),
    }
    this.beganAt = readTime(input)
    this.shownAt = readTime(input)
    this.previous = readOptional(input, readPrevious)
    this.outstanding = readOptional(input, readOutstanding)
    this.contexts = readList(input, readKey)
  }
}

function readPrevious(input: RecordReader): NonNullable<TokenFamily['previous']> {
  return { digest: readDigest(input), until: readTime(input) }
}

function readOutstanding(input: RecordReader): NonNullable<TokenFamily['outstanding']> {
  return { digest: readDigest(input), mintedAt: readTime(input) }
}

export function writeStepUp(output: RecordWriter & ContextKeys, stepUp: CompletedStepUp): void {
  output.writer.text(stepUp.nonce)
  writeTime(output, stepUp.at)
  writeDigest(output, stepUp.digest)
  writeKey(output, stepUp.context)
}

export function readStepUp(input: KeyedReader): CompletedStepUp {
  return {
    nonce: readText(input.reader),
    at: readTime(input),
    digest: readDigest(input),
    context: readKey(input),
  }
}

export function writeFailed(
  output: RecordWriter & ContextKeys,
  { context, count }: FailedStepUps,
): void {
  writeKey(output, context)
  output.writer.uint(count)
}

export function readFailed(input: KeyedReader): FailedStepUps {
  return { context: readKey(input), count: readUint(input.reader) }
}

export function readFork(input: RecordReader): NonNullable<SessionState['fork']> {
  return { at: readTime(input) }
}

export function writeSwitchBack(
  output: RecordWriter & ContextKeys,
  { at, from, to }: SwitchBack,
): void {
  writeTime(output, at)
  writeKey(output, from)
  writeKey(output, to)
}

export function readSwitchBack(input: KeyedReader): SwitchBack {
  return { at: readTime(input), from: readKey(input), to: readKey(input) }
}

function writeDigest({ writer }: RecordWriter, digest: string): void {
  writer.hex(digest)
}

export function readDigest({ reader }: RecordReader): string {
  return readHex(reader, DIGEST_BYTES)
}

function writeKey({ writer, keys }: RecordWriter & ContextKeys, key: string): void {
  const known = keys.indexOf(key) + 1
  writer.uint(known)
  if (known === 0) writer.text(key)
}

export function readKey(input: KeyedReader): string {
  const known = readUint(input.reader)
  return known === 0 ? readText(input.reader) : input.keyAt(known - 1)
}
