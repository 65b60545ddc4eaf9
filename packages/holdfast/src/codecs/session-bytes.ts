import { SessionError } from '../core/errors.ts'
import type { TokenFamily } from '../core/session.ts'
import type { Attached } from '../core/store.ts'
import type { TokenKind } from '../core/token.ts'
import { ATTRIBUTES_DIGEST_BYTES, attributesDigest } from './attributes-digest.ts'
import { binaryOf, createWriter, withoutZeros, withZeros } from './bytes.ts'
import { writeTokenFamily } from './family-record.ts'
import { LAYOUT } from './session-record.ts'

/** A session as it is sealed. */
export interface SessionBytes {
  /** A character for each byte. */
  readonly content: string
  readonly epoch: number
  readonly keys: readonly string[]
  /** From where to where its families are, and its end, before zeros are left out. */
  readonly familyAt: number
  readonly familyEnd: number
  readonly refreshAt: number
  readonly refreshEnd: number
  readonly end: number
}

/** The same session with another family of one kind: all others are copied. */
export function withFamilyIn(
  session: SessionBytes,
  kind: TokenKind,
  family: TokenFamily,
): SessionBytes {
  const { epoch, keys, familyAt, familyEnd, refreshAt, refreshEnd, end } = session
  const [from, to] = kind === 'session' ? [familyAt, familyEnd] : [refreshAt, refreshEnd]
  const bytes = withZeros(Buffer.from(session.content, 'latin1'))
  const writer = patch
  writer.clear()
  writer.bytes(bytes.subarray(0, from))
  if (kind === 'refresh') writer.uint(1)
  writeTokenFamily({ writer, epoch, keys }, family)
  const longer = writer.end().length - to
  writer.bytes(bytes.subarray(to, end))
  const before = kind === 'session' ? longer : 0
  return {
    content: binaryOf(withoutZeros(writer.end())),
    epoch,
    keys,
    familyAt,
    familyEnd: familyEnd + before,
    refreshAt: refreshAt + before,
    refreshEnd: refreshEnd + longer,
    end: end + longer,
  }
}

/** For what is packed at once: a writer for each record would cost as much as filling it. */
const patch = createWriter()

/**
 * The bytes of a session whose attributes are sealed anew. A record of an earlier layout names
 * none, and stays as it is. Throws `record_invalid` where it names others than those of before:
 * somebody put these in their place.
 */
export function withAttributes(
  content: Uint8Array,
  { before, after }: { readonly before: Attached; readonly after: Attached },
): Uint8Array {
  const bytes = withZeros(content)
  if (bytes[0] !== LAYOUT) return content
  const end = ATTRIBUTES_AT + ATTRIBUTES_DIGEST_BYTES
  const named = bytes[ATTRIBUTES_AT - 1] === 1 && bytes.toString('hex', ATTRIBUTES_AT, end)
  if (named !== attributesDigest(before)) {
    throw new SessionError('record_invalid', 'A record names other attributes than are there.')
  }
  bytes.write(attributesDigest(after) ?? '', ATTRIBUTES_AT, 'hex')
  return withoutZeros(bytes)
}

/** Behind the layout, and a byte that says that there are any. */
const ATTRIBUTES_AT = 2
