import type {
  CompletedStepUp,
  FailedStepUps,
  Secret,
  SessionFamily,
  SwitchBack,
  TokenFamily,
} from '../core/session.ts'
import { readBytes, readText, readUint } from './bytes.ts'
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

/** Keys of the record's contexts. Other context keys are rare, and long. */
interface ContextKeys {
  readonly keys: readonly string[]
}

export function writeSessionFamily(
  output: RecordWriter & ContextKeys,
  family: SessionFamily,
): void {
  writeOptional(output, family.acr, (acr) => writeWord(output, acr))
  writeList(output, family.amr, (method) => writeWord(output, method))
  writeTime(output, family.authenticatedAt)
  writeKey(output, family.provedIn)
  writeTokenFamily(output, family)
}

export function readSessionFamily(input: RecordReader & ContextKeys): SessionFamily {
  const acr = readOptional(input, () => readWord(input))
  const amr = readList(input, () => readWord(input))
  const authenticatedAt = readTime(input)
  const provedIn = readKey(input)
  return { acr, amr, authenticatedAt, provedIn, ...readTokenFamily(input) }
}

export function writeTokenFamily(output: RecordWriter & ContextKeys, family: TokenFamily): void {
  const { writer } = output
  const { issued, acked, predecessors, displaced } = family
  writer.uint(family.id)
  writeSecret(output, issued)
  const outstanding = acked.generation !== issued.generation
  writeOptional(output, outstanding ? acked : null, (secret) => writeSecret(output, secret))
  writeList(output, predecessors, ({ generation, digest, succeededAt, contexts }) => {
    writer.uint(generation)
    writeDigest(output, digest)
    writeTime(output, succeededAt)
    writeList(output, contexts, (key) => writeKey(output, key))
  })
  writeOptional(output, displaced, ({ generation, at }) => {
    writer.uint(generation)
    writeTime(output, at)
  })
  writeList(output, family.contexts, (key) => writeKey(output, key))
}

export function readTokenFamily(input: RecordReader & ContextKeys): TokenFamily {
  const { reader } = input
  const id = readUint(reader)
  const issued = readSecret(input)
  const { token: _sent, ...shown } = issued
  const acked = readOptional(input, () => readSecret(input)) ?? shown
  const predecessors = readList(input, () => ({
    generation: readUint(reader),
    digest: readDigest(input),
    succeededAt: readTime(input),
    contexts: readList(input, () => readKey(input)),
  }))
  const displaced = readOptional(input, () => ({
    generation: readUint(reader),
    at: readTime(input),
  }))
  const contexts = readList(input, () => readKey(input))
  return { id, issued, acked, predecessors, displaced, contexts }
}

export function writeStepUp(output: RecordWriter & ContextKeys, stepUp: CompletedStepUp): void {
  output.writer.text(stepUp.nonce)
  writeTime(output, stepUp.at)
  writeDigest(output, stepUp.digest)
  writeKey(output, stepUp.context)
  output.writer.text(stepUp.token)
  output.writer.text(stepUp.refreshToken ?? '')
}

export function readStepUp(input: RecordReader & ContextKeys): CompletedStepUp {
  const stepUp = {
    nonce: readText(input.reader),
    at: readTime(input),
    digest: readDigest(input),
    context: readKey(input),
    token: readText(input.reader),
  }
  const refreshToken = readText(input.reader)
  return refreshToken === '' ? stepUp : { ...stepUp, refreshToken }
}

export function writeFailed(
  output: RecordWriter & ContextKeys,
  { context, count }: FailedStepUps,
): void {
  writeKey(output, context)
  output.writer.uint(count)
}

export function readFailed(input: RecordReader & ContextKeys): FailedStepUps {
  return { context: readKey(input), count: readUint(input.reader) }
}

export function writeSwitchBack(
  output: RecordWriter & ContextKeys,
  { at, from, to }: SwitchBack,
): void {
  writeTime(output, at)
  writeKey(output, from)
  writeKey(output, to)
}

export function readSwitchBack(input: RecordReader & ContextKeys): SwitchBack {
  return { at: readTime(input), from: readKey(input), to: readKey(input) }
}

function writeSecret(output: RecordWriter, { generation, digest, mintedAt, token }: Secret): void {
  output.writer.uint(generation)
  writeDigest(output, digest)
  writeTime(output, mintedAt)
  output.writer.text(token ?? '')
}

function readSecret(input: RecordReader): Secret {
  const generation = readUint(input.reader)
  const digest = readDigest(input)
  const mintedAt = readTime(input)
  const token = readText(input.reader)
  return token === '' ? { generation, digest, mintedAt } : { generation, digest, mintedAt, token }
}

function writeDigest({ writer }: RecordWriter, digest: string): void {
  writer.bytes(Buffer.from(digest, 'hex'))
}

function readDigest({ reader }: RecordReader): string {
  return readBytes(reader, DIGEST_BYTES).toString('hex')
}

function writeKey({ writer, keys }: RecordWriter & ContextKeys, key: string): void {
  const known = keys.indexOf(key) + 1
  writer.uint(known)
  if (known === 0) writer.text(key)
}

function readKey({ reader, keys }: RecordReader & ContextKeys): string {
  const known = readUint(reader)
  return known === 0 ? readText(reader) : (keys[known - 1] ?? '')
}
