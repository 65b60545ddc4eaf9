import { attributesIdentity, type Codec } from '../../codecs/codec.ts'
import type { SessionId } from '../../core/ids.ts'
import { memo } from '../../core/memo.ts'
import type { Attributes, JsonValue } from '../../core/session.ts'
import type { Found } from '../../core/store.ts'

/** Of sealed bytes. Twice as many may be kept, and what they open to takes a few times as much. */
const REMEMBERED_BYTES = 2_000_000

/** What remembering takes for each session, whatever its attributes. */
const ENTRY_BYTES = 200

/**
 * Opens the attributes of each version once, as `sessionRecords` does with records: where the
 * store's answer is byte for byte what was opened here before, under the same identity, it would
 * give the same attributes.
 *
 * The value is frozen, because all requests of a session share it. A getter that parses for who
 * asks would cost each answer more than that: V8 makes an object with a getter of its own in over
 * a microsecond.
 */
export function attributesOpener(
  codec: Codec,
): (found: Pick<Found, 'id' | 'attributes'>) => Attributes {
  const known = memo<SessionId, Known>(
    REMEMBERED_BYTES,
    ({ sealed }) => sealed.length + ENTRY_BYTES,
  )

  return ({ id, attributes }) => {
    if (attributes === undefined) return NONE
    const { version, sealed } = attributes
    const before = known.get(id)
    if (before?.version === version && Buffer.compare(before.sealed, sealed) === 0) {
      return before.value
    }
    const value = codec.openJson(attributesIdentity(id, version), sealed) as Attributes
    freeze(value)
    // Copied: what a client of Redis hands out may be part of a much larger buffer.
    known.set(id, { version, sealed: Buffer.from(sealed), value })
    return value
  }
}

interface Known {
  readonly version: number
  readonly sealed: Uint8Array
  readonly value: Attributes
}

const NONE: Attributes = Object.freeze({})

/** With all that is in it. Its depth was bounded before it was sealed. */
function freeze(value: JsonValue): void {
  if (typeof value !== 'object' || value === null) return
  for (const one of Object.values(value)) freeze(one)
  Object.freeze(value)
}
