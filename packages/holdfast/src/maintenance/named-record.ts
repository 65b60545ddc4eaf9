import { historyIdentity, sealingCodec } from '../codecs/codec.ts'
import type { Keyring } from '../codecs/keyring.ts'
import type { Host } from '../core/host.ts'
import type { Store } from '../core/store.ts'

/** One small value of an estate, kept in its store under a name. */
export interface NamedRecord {
  /** Version 0 where there is none. Throws `record_invalid` where it does not open. */
  read(): Promise<{ readonly version: number; readonly value: unknown }>
  /** Compare-and-set: the stored version must be `version`. The next one is 1 more. */
  write(version: number, value: unknown): Promise<'written' | 'conflict'>
}

/** Nobody's name: an application cannot have a tenant without a name. */
const TENANT = ''

/** It is written again long before. */
const KEEP_MS = 400 * 24 * 3_600_000

/**
 * Keeps a value of JSON beside the histories of subjects, sealed as these are: every store has it,
 * and it is re-sealed with them. For what the processes of an estate agree on, such as which of
 * them writes the audit log.
 */
export function namedRecord({
  store: { subjects },
  keyring,
  host,
  name,
}: {
  readonly store: Pick<Store, 'subjects'>
  readonly keyring: Keyring
  readonly host: Host
  readonly name: string
}): NamedRecord {
  const codec = sealingCodec(keyring, host)
  const key = codec.subjectKey(TENANT, name)
  return {
    async read() {
      const { version, sealed } = await subjects.read(key)
      if (sealed === undefined) return { version, value: undefined }
      return { version, value: codec.openJson(historyIdentity(key, version), sealed) }
    },
    write(version, value) {
      const next = version + 1
      return subjects.write(key, {
        version: next,
        sealed: codec.sealJson(historyIdentity(key, next), value),
        until: host.now() + KEEP_MS,
      })
    },
  }
}
