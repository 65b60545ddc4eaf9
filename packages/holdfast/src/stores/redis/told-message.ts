import { hash, timingSafeEqual } from 'node:crypto'
import type { Told } from '../feed/told.ts'
import { unpackedItem } from './feed-items.ts'

/** Most entries and bytes of items in a message. */
export const TOLD_ENTRIES = 8
export const TOLD_BYTES = 4_096

const TAG_LETTERS = 40
const LENGTH_BYTES = 2
const HEAD = /^(\d{1,2}) (\d{1,15}) /
const LONGEST_HEAD = 19

/** What a message tells: the entries at the end of a partition. */
export interface ToldMessage {
  readonly partition: number
  readonly run: readonly Told[]
}

/**
 * Reads a message that the scripts publish after an ending: partition, newest sequence number, tag
 * in hex, then each item after its length. Who may publish and nothing else does not know the
 * secret of the partition. `foreign`: the tag is not of this secret. Undefined: no such message.
 */
export function toldMessage(
  message: Buffer,
  secretOf: (partition: number) => Buffer | undefined,
): ToldMessage | 'foreign' | undefined {
  const [head = '', partition, newest] =
    HEAD.exec(message.toString('latin1', 0, LONGEST_HEAD)) ?? []
  const start = head.length + TAG_LETTERS
  const longest = start + TOLD_BYTES + TOLD_ENTRIES * LENGTH_BYTES
  if (newest === undefined || message.length <= start || message.length > longest) return undefined
  const body = message.subarray(start)
  const secret = secretOf(Number(partition))
  if (secret === undefined) return 'foreign'
  const tag = tagOf(secret, head, body)
  if (!timingSafeEqual(tag, message.subarray(head.length, start))) return 'foreign'

  const items: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    if (at + LENGTH_BYTES > body.length) return undefined
    const end = at + LENGTH_BYTES + body.readUInt16BE(at)
    if (end > body.length) return undefined
    items.push(body.subarray(at + LENGTH_BYTES, end))
    at = end
  }
  const before = Number(newest) - items.length
  try {
    const run = items.map((bytes, i) => {
      return { sequence: before + i + 1, item: unpackedItem(bytes), bytes }
    })
    return { partition: Number(partition), run }
  } catch {
    // A later version wrote it. Who reads it from the feed is told so.
    return undefined
  }
}

/** HMAC but for its pads: the inner hash goes in as hex, as Lua has it. */
function tagOf(secret: Buffer, head: string, body: Buffer): Buffer {
  const inner = hash('sha1', Buffer.concat([secret, Buffer.from(head, 'latin1'), body]), 'hex')
  return Buffer.from(hash('sha1', Buffer.concat([secret, Buffer.from(inner)]), 'hex'))
}
