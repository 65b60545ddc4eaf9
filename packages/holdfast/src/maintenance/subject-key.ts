import { sealingCodec } from '../codecs/codec.ts'
import type { Keyring } from '../codecs/keyring.ts'
import { systemHost } from '../codecs/system-host.ts'
import type { SubjectKey } from '../core/ids.ts'
import type { SubjectRef } from '../core/sessions.ts'
import { checkSubject } from '../engine/input.ts'

/**
 * Makes the form of a subject that stores, events and logs carry. Only a holder of the key ring can
 * make it from a name.
 */
export function subjectKeys(keyring: Keyring): (ref: SubjectRef) => SubjectKey {
  const codec = sealingCodec(keyring, systemHost())
  return (ref) => checkSubject({ codec }, ref).key
}
