import { attributesPlace, sealingCodec, sessionPlace } from '../codecs/codec.ts'
import type { Keyring } from '../codecs/keyring.ts'
import { systemHost } from '../codecs/system-host.ts'
import { PARTITIONS } from '../core/ids.ts'
import type { Found, Store } from '../core/store.ts'
import { sealedEntry } from './save.ts'

const PAGE = 200

/** How far a re-sealing has come: partitions done, entries read and re-sealed so far. */
export interface ResealProgress {
  readonly partition: number
  readonly partitions: number
  readonly read: number
  readonly resealed: number
}

/**
 * Seals every live session that an older key still holds under the current one, so that the older key can
 * be retired. Records that are written meanwhile are re-sealed by that write.
 */
export async function resealAll({
  store,
  keyring,
  onProgress = () => {},
}: {
  readonly store: Pick<Store, 'entries'>
  readonly keyring: Keyring
  readonly onProgress?: (progress: ResealProgress) => void
}): Promise<{ readonly read: number; readonly resealed: number }> {
  const codec = sealingCodec(keyring, systemHost())
  let read = 0
  let resealed = 0

  async function reseal(found: Found): Promise<void> {
    read++
    let changed = false
    if (codec.isStale(found.sealed)) {
      const content = codec.open(sessionPlace(found), found.sealed)
      const entry = sealedEntry(codec, { ...found, version: found.version + 1 }, content)
      changed = (await store.entries.write(entry)) === 'written'
    }
    if (found.attributes !== undefined && codec.isStale(found.attributes.sealed)) {
      const version = found.attributes.version + 1
      const content = codec.open(
        attributesPlace(found.id, found.attributes.version),
        found.attributes.sealed,
      )
      const sealed = codec.seal(attributesPlace(found.id, version), content)
      const outcome = await store.entries.attach(found.id, { version, sealed })
      changed ||= outcome === 'written'
    }
    if (changed) resealed++
  }

  for (let partition = 0; partition < PARTITIONS; partition++) {
    let after: string | undefined
    do {
      const page = await store.entries.list({
        partition,
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      })
      for (const found of page.items) await reseal(found)
      after = page.next
    } while (after !== undefined)
    onProgress({ partition: partition + 1, partitions: PARTITIONS, read, resealed })
  }
  return { read, resealed }
}
