import { binaryOf } from '../../codecs/bytes.ts'
import { attributesIdentity, type Codec } from '../../codecs/codec.ts'
import { ringMemo } from '../../codecs/ring-memo.ts'
import type { Attributes, JsonValue } from '../../core/session.ts'
import type { Found } from '../../core/store.ts'
import type { SealedAttributes } from '../context.ts'

/** What remembering takes for each session, beside the sealed bytes and what they open to. */
const ENTRY_BYTES = 200

/** Of the sealed bytes: the bytes themselves and the value. */
const TIMES = 3

/**
 * Proves each version once, and opens it once where something reads it. Where the store's answer is
 * byte for byte what was proven here before, under the same identity, it would open to the same.
 * The value is frozen, because all requests of a session share it.
 */
export function sealedAttributes(codec: Codec, rememberedBytes: number): SealedAttributes {
  const known = ringMemo<Proven>(
    codec.keys,
    rememberedBytes,
    ({ sealed = '' }) => TIMES * sealed.length + ENTRY_BYTES,
  )

  function proven(found: Attributed, { version, sealed }: Versioned): Proven {
    const { id } = found
    const before = known.get(id)
    if (before?.found === found) return before
    if (before?.version === version && before.sealed === binaryOf(sealed)) return before
    codec.open(attributesIdentity(id, version), sealed)
    const made: Proven = { found, version, sealed: undefined, value: undefined }
    known.keep(id, made, () => {
      made.found = undefined
      made.sealed = binaryOf(sealed)
      return made
    })
    return made
  }

  return {
    check(found) {
      if (found.attributes !== undefined) proven(found, found.attributes)
    },

    open(found) {
      const { id, attributes } = found
      if (attributes === undefined) return NONE
      const about = proven(found, attributes)
      if (about.value === undefined) {
        const identity = attributesIdentity(id, attributes.version)
        about.value = codec.openJson(identity, attributes.sealed) as Attributes
        freeze(about.value)
      }
      return about.value
    },

    bytes: known.weight,
  }
}

type Attributed = Pick<Found, 'id' | 'attributes'>
type Versioned = NonNullable<Found['attributes']>

interface Proven {
  /** The answer of the store that it was proven in, until it is remembered for longer. */
  found: Attributed | undefined
  readonly version: number
  /** From then on. A character for each byte: a buffer takes several times as much memory. */
  sealed: string | undefined
  value: Attributes | undefined
}

const NONE: Attributes = Object.freeze({})

/** With all that is in it. Its depth was bounded before it was sealed. */
function freeze(value: JsonValue): void {
  if (typeof value !== 'object' || value === null) return
  for (const one of Object.values(value)) freeze(one)
  Object.freeze(value)
}
