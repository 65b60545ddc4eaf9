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
  type Page,
  type Pen,
  readList,
  readOptional,
  readTime,
  readWord,
  writeList,
  writeOptional,
  writeTime,
  writeWord,
} from './record-fields.ts'

/** Half of SHA-256: nobody finds a second 32 random bytes with the same 128 bits. */
export const DIGEST_BYTES = 16

/** Context keys are long, and nearly all of them are those of the record's own contexts. */
interface Keys {
  readonly keys: readonly string[]
}

export function writeFamily(pen: Pen & Keys, family: SessionFamily): void {
  writeOptional(pen, family.acr, (acr) => writeWord(pen, acr))
  writeList(pen, family.amr, (method) => writeWord(pen, method))
  writeTime(pen, family.authenticatedAt)
  writeKey(pen, family.provedIn)
  writeLine(pen, family)
}

export function readFamily(page: Page & Keys): SessionFamily {
  const acr = readOptional(page, () => readWord(page))
  const amr = readList(page, () => readWord(page))
  const authenticatedAt = readTime(page)
  const provedIn = readKey(page)
  return { acr, amr, authenticatedAt, provedIn, ...readLine(page) }
}

export function writeLine(pen: Pen & Keys, line: TokenFamily): void {
  const { writer } = pen
  const { issued, acked, predecessors, displaced } = line
  writer.uint(line.id)
  writeSecret(pen, issued)
  const outstanding = acked.generation !== issued.generation
  writeOptional(pen, outstanding ? acked : null, (secret) => writeSecret(pen, secret))
  writeList(pen, predecessors, ({ generation, digest, succeededAt, contexts }) => {
    writer.uint(generation)
    writeDigest(pen, digest)
    writeTime(pen, succeededAt)
    writeList(pen, contexts, (key) => writeKey(pen, key))
  })
  writeOptional(pen, displaced, ({ generation, at }) => {
    writer.uint(generation)
    writeTime(pen, at)
  })
  writeList(pen, line.contexts, (key) => writeKey(pen, key))
}

export function readLine(page: Page & Keys): TokenFamily {
  const { cursor } = page
  const id = readUint(cursor)
  const issued = readSecret(page)
  const { token: _sent, ...shown } = issued
  const acked = readOptional(page, () => readSecret(page)) ?? shown
  const predecessors = readList(page, () => ({
    generation: readUint(cursor),
    digest: readDigest(page),
    succeededAt: readTime(page),
    contexts: readList(page, () => readKey(page)),
  }))
  const displaced = readOptional(page, () => ({
    generation: readUint(cursor),
    at: readTime(page),
  }))
  const contexts = readList(page, () => readKey(page))
  return { id, issued, acked, predecessors, displaced, contexts }
}

export function writeStepUp(pen: Pen & Keys, stepUp: CompletedStepUp): void {
  pen.writer.text(stepUp.nonce)
  writeTime(pen, stepUp.at)
  writeDigest(pen, stepUp.digest)
  writeKey(pen, stepUp.context)
  pen.writer.text(stepUp.token)
  pen.writer.text(stepUp.refreshToken ?? '')
}

export function readStepUp(page: Page & Keys): CompletedStepUp {
  const stepUp = {
    nonce: readText(page.cursor),
    at: readTime(page),
    digest: readDigest(page),
    context: readKey(page),
    token: readText(page.cursor),
  }
  const refreshToken = readText(page.cursor)
  return refreshToken === '' ? stepUp : { ...stepUp, refreshToken }
}

export function writeFailed(pen: Pen & Keys, { context, count }: FailedStepUps): void {
  writeKey(pen, context)
  pen.writer.uint(count)
}

export function readFailed(page: Page & Keys): FailedStepUps {
  return { context: readKey(page), count: readUint(page.cursor) }
}

export function writeSwitchBack(pen: Pen & Keys, { at, from, to }: SwitchBack): void {
  writeTime(pen, at)
  writeKey(pen, from)
  writeKey(pen, to)
}

export function readSwitchBack(page: Page & Keys): SwitchBack {
  return { at: readTime(page), from: readKey(page), to: readKey(page) }
}

function writeSecret(pen: Pen, { generation, digest, mintedAt, token }: Secret): void {
  pen.writer.uint(generation)
  writeDigest(pen, digest)
  writeTime(pen, mintedAt)
  pen.writer.text(token ?? '')
}

function readSecret(page: Page): Secret {
  const generation = readUint(page.cursor)
  const digest = readDigest(page)
  const mintedAt = readTime(page)
  const token = readText(page.cursor)
  return token === '' ? { generation, digest, mintedAt } : { generation, digest, mintedAt, token }
}

function writeDigest({ writer }: Pen, digest: string): void {
  writer.bytes(Buffer.from(digest, 'hex'))
}

function readDigest({ cursor }: Page): string {
  return readBytes(cursor, DIGEST_BYTES).toString('hex')
}

function writeKey({ writer, keys }: Pen & Keys, key: string): void {
  const known = keys.indexOf(key) + 1
  writer.uint(known)
  if (known === 0) writer.text(key)
}

function readKey({ cursor, keys }: Page & Keys): string {
  const known = readUint(cursor)
  return known === 0 ? readText(cursor) : (keys[known - 1] ?? '')
}
