import { SessionError } from '../../core/errors.ts'

/** A bulk string; undefined where Redis has nothing. */
export function bytesOf(reply: unknown): Buffer | undefined {
  if (reply === null || reply === undefined) return undefined
  if (Buffer.isBuffer(reply)) return reply
  throw unexpectedReply()
}

/** A simple or a bulk string. Throws `store_unavailable` for anything else. */
export function textOf(reply: unknown): string {
  if (typeof reply === 'string') return reply
  if (Buffer.isBuffer(reply)) return reply.toString('latin1')
  throw unexpectedReply()
}

/** A number, or a bulk string that spells one; 0 where Redis has nothing. */
export function numberOf(reply: unknown): number {
  if (reply === null || reply === undefined) return 0
  const number = typeof reply === 'number' ? reply : Number(textOf(reply))
  if (!Number.isSafeInteger(number)) throw unexpectedReply()
  return number
}

/** An array. Throws `store_unavailable` for anything else. */
export function listOf(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply
  throw unexpectedReply()
}

/** The same bytes as a Buffer, which clients take; not a copy. */
export function bufferOf(bytes: Uint8Array): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Another program writes to the same keys, or something between us and Redis answers for it. */
export function unexpectedReply(): SessionError {
  return new SessionError(
    'store_unavailable',
    'Redis gave an answer that no command of this store has. ' +
      'Look for others who use the same key prefix.',
  )
}
