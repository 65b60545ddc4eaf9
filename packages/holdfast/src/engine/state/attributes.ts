import { attributesIdentity, type Codec } from '../../codecs/codec.ts'
import type { SessionId } from '../../core/ids.ts'
import type { Attributes, JsonValue } from '../../core/session.ts'
import type { SealedAttributes } from '../context.ts'
import { openedOnce } from './opened-once.ts'

export function sealedAttributes(codec: Codec): SealedAttributes {
  return {
    check({ id, attributes }) {
      if (attributes === undefined) return
      codec.prove(attributesIdentity(id, attributes.version), attributes.sealed)
    },
    open: attributesOpener(codec),
  }
}

/**
 * Opens the attributes of each version once. The value is frozen, because all requests of a session
 * share it.
 */
export function attributesOpener(codec: Codec): SealedAttributes['open'] {
  const open = openedOnce<SessionId, Attributes>((id, { version, sealed }) => {
    const value = codec.openJson(attributesIdentity(id, version), sealed) as Attributes
    freeze(value)
    return value
  })
  return ({ id, attributes }) => (attributes === undefined ? NONE : open(id, attributes))
}

const NONE: Attributes = Object.freeze({})

/** With all that is in it. Its depth was bounded before it was sealed. */
function freeze(value: JsonValue): void {
  if (typeof value !== 'object' || value === null) return
  for (const one of Object.values(value)) freeze(one)
  Object.freeze(value)
}
