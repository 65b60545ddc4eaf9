import { SessionError } from '../core/errors.ts'
import { FoundEntry } from '../core/found-entry.ts'
import type { SessionId } from '../core/ids.ts'
import { EXPIRED_READABLE_MS, type Found } from '../core/store.ts'

/** What a store keeps under a session id. */
export type StoredRecord = LiveRecord | Tombstone

/** A session without a tombstone. Its subject's generation may have ended it all the same. */
export interface LiveRecord {
  readonly kind: 'live'
  readonly version: number
  /**
   * Highest subject generation that it survived, at first the one of its login. Once the
   * subject's generation is higher, the session is dead.
   */
  readonly generation: number
  readonly createdAt: number
  readonly deadline: number
  readonly idleMs: number
  /** 0 once it was told of as expired. */
  readonly lastActivity: number
  readonly attributes: Versioned | undefined
  readonly sealed: Uint8Array
}

/** What is left of a revoked session. */
export interface Tombstone {
  readonly kind: 'dead'
  readonly until: number
}

/** Sealed bytes under a compare-and-set version. */
export interface Versioned {
  readonly version: number
  readonly sealed: Uint8Array
}

/** Sealed history of a subject, and the instant until which it is kept. */
export interface History extends Versioned {
  readonly until: number
}

const DEAD = 0
/** First byte of a live record. */
export const LIVE = 2
/** First byte of a live record of before. Its attributes lie apart from it, if there are any. */
export const LIVE_APART = 1
const VERSION_BYTES = 4
const TIME_BYTES = 6
/** Of the length of a sealed record in front of it. */
export const LENGTH_BYTES = 3
const TOMBSTONE_BYTES = 1 + TIME_BYTES

/**
 * Bytes in front of a record: 1 for the kind, 4 for the version, then five numbers of 6 bytes. All
 * are big-endian. The sealed record follows after 3 bytes for its length. What is left, if there is
 * anything, is 4 bytes for the version of the attributes, and their sealed bytes.
 */
export const RECORD_HEADER_BYTES = 1 + VERSION_BYTES + 5 * TIME_BYTES

/** Offsets of the generation and the last activity in a live record, for writers of one field. */
export const GENERATION_OFFSET = 1 + VERSION_BYTES
export const LAST_ACTIVITY_OFFSET = RECORD_HEADER_BYTES - TIME_BYTES

/** The bytes of a record, the same in every store that keeps bytes. */
export function encodeRecord(record: StoredRecord): Buffer {
  if (record.kind === 'dead') {
    const bytes = Buffer.alloc(TOMBSTONE_BYTES)
    bytes.writeUIntBE(record.until, bytes.writeUInt8(DEAD, 0), TIME_BYTES)
    return bytes
  }
  const bytes = Buffer.allocUnsafe(RECORD_HEADER_BYTES + bodyBytes(record))
  writeHeader(bytes, record, record.lastActivity)
  writeBody(bytes, record, RECORD_HEADER_BYTES)
  return bytes
}

type Header = Omit<LiveRecord, 'kind' | 'lastActivity' | 'attributes' | 'sealed'>

/** A record without its attributes, for a script that leaves those that are there. */
export function encodeUpdate(
  record: Header & Pick<LiveRecord, 'sealed'>,
  lastActivity: number,
): Buffer {
  const { sealed } = record
  const bytes = Buffer.allocUnsafe(RECORD_HEADER_BYTES + LENGTH_BYTES + sealed.length)
  writeHeader(bytes, record, lastActivity)
  writeBody(bytes, { sealed, attributes: undefined }, RECORD_HEADER_BYTES)
  return bytes
}

type Body = Pick<LiveRecord, 'attributes' | 'sealed'>

/** What follows the header, for a script that puts the header in front of it. */
export function encodeBody(body: Body): Buffer {
  const bytes = Buffer.allocUnsafe(bodyBytes(body))
  writeBody(bytes, body, 0)
  return bytes
}

function bodyBytes({ attributes, sealed }: Body): number {
  const size = attributes === undefined ? 0 : VERSION_BYTES + attributes.sealed.length
  return LENGTH_BYTES + sealed.length + size
}

function writeBody(bytes: Buffer, { attributes, sealed }: Body, start: number): void {
  const at = bytes.writeUIntBE(sealed.length, start, LENGTH_BYTES)
  bytes.set(sealed, at)
  if (attributes === undefined) return
  bytes.set(attributes.sealed, bytes.writeUInt32BE(attributes.version, at + sealed.length))
}

function writeHeader(bytes: Buffer, header: Header, lastActivity: number): void {
  let at = bytes.writeUInt8(LIVE, 0)
  at = bytes.writeUInt32BE(header.version, at)
  at = bytes.writeUIntBE(header.generation, at, TIME_BYTES)
  at = bytes.writeUIntBE(header.createdAt, at, TIME_BYTES)
  at = bytes.writeUIntBE(header.deadline, at, TIME_BYTES)
  at = bytes.writeUIntBE(header.idleMs, at, TIME_BYTES)
  bytes.writeUIntBE(lastActivity, at, TIME_BYTES)
}

/** Whether a record is one of before, whose attributes a store keeps apart. */
export function keepsApart(bytes: Uint8Array): boolean {
  return bytes[0] === LIVE_APART
}

/**
 * The sealed parts are views of `bytes`. `apart`: what the store keeps beside a record of before.
 * Throws `record_invalid` for a layout it does not know.
 */
export function decodeRecord(bytes: Buffer, apart: () => Buffer | undefined): StoredRecord {
  if (bytes[0] === DEAD && bytes.length === TOMBSTONE_BYTES) {
    return { kind: 'dead', until: bytes.readUIntBE(1, TIME_BYTES) }
  }
  if (bytes[0] === LIVE_APART && bytes.length >= RECORD_HEADER_BYTES) {
    const beside = apart()
    return new DecodedRecord(bytes, bytes.subarray(RECORD_HEADER_BYTES), beside)
  }
  const start = RECORD_HEADER_BYTES + LENGTH_BYTES
  if (bytes[0] !== LIVE || bytes.length < start) throw damaged()
  const end = start + bytes.readUIntBE(RECORD_HEADER_BYTES, LENGTH_BYTES)
  if (bytes.length < end) throw damaged()
  const rest = bytes.length === end ? undefined : bytes.subarray(end)
  return new DecodedRecord(bytes, bytes.subarray(start, end), rest)
}

class DecodedRecord implements LiveRecord {
  readonly kind = 'live'
  readonly version: number
  readonly generation: number
  readonly createdAt: number
  readonly deadline: number
  readonly idleMs: number
  readonly lastActivity: number
  readonly attributes: Versioned | undefined
  readonly sealed: Uint8Array

  constructor(bytes: Buffer, sealed: Uint8Array, attributes: Buffer | undefined) {
    this.version = bytes.readUInt32BE(1)
    this.generation = bytes.readUIntBE(GENERATION_OFFSET, TIME_BYTES)
    this.createdAt = bytes.readUIntBE(11, TIME_BYTES)
    this.deadline = bytes.readUIntBE(17, TIME_BYTES)
    this.idleMs = bytes.readUIntBE(23, TIME_BYTES)
    this.lastActivity = bytes.readUIntBE(LAST_ACTIVITY_OFFSET, TIME_BYTES)
    this.attributes = attributes && decodeVersioned(attributes)
    this.sealed = sealed
  }
}

function encodeVersioned({ version, sealed }: Versioned): Buffer {
  const bytes = Buffer.allocUnsafe(VERSION_BYTES + sealed.length)
  bytes.set(sealed, bytes.writeUInt32BE(version, 0))
  return bytes
}

function decodeVersioned(bytes: Buffer): Versioned {
  if (bytes.length < VERSION_BYTES) throw damaged()
  return { version: bytes.readUInt32BE(0), sealed: bytes.subarray(VERSION_BYTES) }
}

export function encodeHistory({ until, ...versioned }: History): Buffer {
  const bytes = Buffer.alloc(TIME_BYTES)
  bytes.writeUIntBE(until, 0, TIME_BYTES)
  return Buffer.concat([bytes, encodeVersioned(versioned)])
}

/** Undefined for bytes too short to be one: no login may fail for the loss of a history. */
export function decodeHistory(bytes: Buffer): History | undefined {
  if (bytes.length < TIME_BYTES + VERSION_BYTES) return undefined
  const until = bytes.readUIntBE(0, TIME_BYTES)
  return { until, ...decodeVersioned(bytes.subarray(TIME_BYTES)) }
}

/** The instant from which a store needs a record no more. */
export function keptUntil(record: StoredRecord): number {
  return record.kind === 'dead' ? record.until : record.deadline + EXPIRED_READABLE_MS
}

/** Whether a record is to be found, live or expired: no tombstone, and of no revoked generation. */
export function isReadable(
  record: StoredRecord | undefined,
  { generation, now }: { readonly generation: number; readonly now: number },
): record is LiveRecord {
  return record?.kind === 'live' && keptUntil(record) > now && record.generation >= generation
}

/** Whether a readable record is past its deadline, or has been silent for too long. */
export function isExpired({ deadline, idleMs, lastActivity }: LiveRecord, now: number): boolean {
  return now >= deadline || lastActivity === 0 || now - lastActivity >= idleMs
}

/** A readable record in the form that the engine gets. */
export function foundOf(id: SessionId, record: LiveRecord, now: number): Found {
  const lastActivity = isExpired(record, now) ? undefined : record.lastActivity
  return new FoundEntry(id, record, record, lastActivity)
}

function damaged(): SessionError {
  return new SessionError(
    'record_invalid',
    'The store holds a record in a form that this version does not know. It is refused.',
  )
}
