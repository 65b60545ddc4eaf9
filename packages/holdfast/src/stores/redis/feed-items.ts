import type { FeedItem, SealedEvent } from '../../core/feed.ts'
import { bufferOf, numberOf, unexpectedReply } from './replies.ts'

/** The one field of a feed entry. Its letter and the layout of items are stored format. */
export const PACKED_FIELD = 'f'

/** First byte of an item: what it is. */
const EVENT = 'e'.charCodeAt(0)
const CHANGED = 'c'.charCodeAt(0)
const REVOKED = 'r'.charCodeAt(0)
export const SUBJECT = 'g'.charCodeAt(0)

const TIME_BYTES = 6
const SESSION_BYTES = 32
const SUBJECT_BYTES = 16

type Item<Kind extends FeedItem['kind']> = Omit<Extract<FeedItem, { kind: Kind }>, 'kind'>

/** Kind, version, instant, session. Scripts that know the version write the same. */
export function packedChange({ session, version, at }: Item<'changed'>): Buffer {
  const bytes = Buffer.allocUnsafe(1 + 4 + TIME_BYTES + SESSION_BYTES)
  bytes.writeUInt8(CHANGED, 0)
  bytes.writeUInt32BE(version, 1)
  bytes.writeUIntBE(at, 5, TIME_BYTES)
  bytes.write(session, 5 + TIME_BYTES, 'base64url')
  return bytes
}

/** Kind, instant, session, reason. */
export function packedEnd({ session, reason, at }: Item<'revoked'>): Buffer {
  const bytes = Buffer.allocUnsafe(1 + TIME_BYTES + SESSION_BYTES + Buffer.byteLength(reason))
  bytes.writeUInt8(REVOKED, 0)
  bytes.writeUIntBE(at, 1, TIME_BYTES)
  bytes.write(session, 1 + TIME_BYTES, 'base64url')
  bytes.write(reason, 1 + TIME_BYTES + SESSION_BYTES)
  return bytes
}

const ID_BYTES = 16
const ID = /^[\w-]{21}[AQgw]$/

/**
 * Kind, instant, length of the id if it is text, id, sealed bytes. An id of the usual form takes
 * its 16 bytes after a length of 0.
 */
export function packedEvent({ id, at, sealed }: SealedEvent): Buffer {
  const name = ID.test(id) ? Buffer.from(id, 'base64url') : Buffer.from(id)
  const head = Buffer.allocUnsafe(2 + TIME_BYTES)
  head.writeUInt8(EVENT, 0)
  head.writeUIntBE(at, 1, TIME_BYTES)
  head.writeUInt8(ID.test(id) ? 0 : name.length, 1 + TIME_BYTES)
  return Buffer.concat([head, name, bufferOf(sealed)])
}

/** An item of an entry, as its lengths say. Throws `store_unavailable` where they do not fit. */
export function unpackedItem(bytes: Buffer): FeedItem {
  let at = 1
  const number = (size: number): number => {
    if (at + size > bytes.length) throw unexpectedReply()
    at += size
    return bytes.readUIntBE(at - size, size)
  }
  const text = (encoding: BufferEncoding, size = bytes.length - at): string => {
    if (at + size > bytes.length) throw unexpectedReply()
    at += size
    return bytes.toString(encoding, at - size, at)
  }
  switch (bytes[0]) {
    case EVENT: {
      const instant = number(TIME_BYTES)
      const length = number(1)
      const id = length === 0 ? text('base64url', ID_BYTES) : text('utf8', length)
      return { kind: 'event', id, at: instant, sealed: bytes.subarray(at) }
    }
    case CHANGED: {
      const version = number(4)
      const instant = number(TIME_BYTES)
      return { kind: 'changed', session: text('base64url', SESSION_BYTES), version, at: instant }
    }
    case REVOKED: {
      const instant = number(TIME_BYTES)
      const session = text('base64url', SESSION_BYTES)
      return { kind: 'revoked', session, reason: text('utf8'), at: instant }
    }
    case SUBJECT: {
      const generation = number(TIME_BYTES)
      const instant = number(TIME_BYTES)
      const subject = text('base64url', SUBJECT_BYTES)
      const except = number(1) === 0 ? null : text('base64url', SESSION_BYTES)
      return { kind: 'subject', subject, generation, except, reason: text('utf8'), at: instant }
    }
    default:
      throw unexpectedReply()
  }
}

/** An item of an older entry, which has a field for each of its members. */
export function itemOfFields(fields: ReadonlyMap<string, Buffer>): FeedItem {
  const bytes = (name: string): Buffer => fields.get(name) ?? Buffer.alloc(0)
  const text = (name: string): string => bytes(name).toString()
  const at = numberOf(text('t'))
  switch (text('k')) {
    case 'e':
      return { kind: 'event', id: text('i'), at, sealed: bytes('s') }
    case 'c':
      return { kind: 'changed', session: text('i'), version: numberOf(text('v')), at }
    case 'r':
      return { kind: 'revoked', session: text('i'), reason: text('w'), at }
    case 'g':
      return {
        kind: 'subject',
        subject: text('i'),
        generation: numberOf(text('g')),
        except: text('x') === '' ? null : text('x'),
        reason: text('w'),
        at,
      }
    default:
      throw unexpectedReply()
  }
}
