import { attributesDigest } from '../../codecs/attributes-digest.ts'
import { binaryOf } from '../../codecs/bytes.ts'
import { attributesIdentity, type Codec } from '../../codecs/codec.ts'
import { ringMemo } from '../../codecs/ring-memo.ts'
import { SessionError } from '../../core/errors.ts'
import type { Attributes, JsonValue } from '../../core/session.ts'
import type { SealedAttributes } from '../context.ts'

/** What remembering takes for each session, beside the sealed bytes and what they open to. */
const ENTRY_BYTES = 200

/** Of the sealed bytes: the bytes themselves and the value. */
const TIMES = 3

/**
 * Opens each version once, where something reads it. Where the store's answer is byte for byte what
 * was opened here before, under the same identity, it would open to the same. The value is frozen,
 * because all requests of a session share it.
 */
export function sealedAttributes(codec: Codec, rememberedBytes: number): SealedAttributes {
  const known = ringMemo<Opened>(
    codec.keys,
    rememberedBytes,
    ({ sealed }) => TIMES * sealed.length + ENTRY_BYTES,
  )

  return {
    check(head, { attributes }) {
      if (attributesDigest(attributes) === head.attributesDigest) {
        if (attributes !== undefined) codec.requireKey('attributes', attributes.sealed)
        return
      }
      throw new SessionError(
        'record_invalid',
        `The attributes of session ${head.id} are not those that its record names: they were ` +
          'altered, moved or lost. It is refused.',
      )
    },

    open({ id, attributes }) {
      if (attributes === undefined) return NONE
      const { version, sealed } = attributes
      const before = known.get(id)
      const bytes = binaryOf(sealed)
      if (before?.version === version && before.sealed === bytes) return before.value
      const value = codec.openJson(attributesIdentity(id, version), sealed) as Attributes
      freeze(value)
      known.keep(id, () => ({ version, sealed: bytes, value }))
      return value
    },

    bytes: known.weight,
  }
}

interface Opened {
  readonly version: number
  /** A character for each byte: a buffer takes several times as much memory. */
  readonly sealed: string
  readonly value: Attributes
}

const NONE: Attributes = Object.freeze({})

/** With all that is in it. Its depth was bounded before it was sealed. */
function freeze(value: JsonValue): void {
  if (typeof value !== 'object' || value === null) return
  for (const one of Object.values(value)) freeze(one)
  Object.freeze(value)
}
