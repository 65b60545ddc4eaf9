import {
  attributesIdentity,
  historyIdentity,
  isUnreadable,
  sealingCodec,
  sessionIdentity,
} from '../codecs/codec.ts'
import type { Keyring } from '../codecs/keyring.ts'
import { withAttributes } from '../codecs/session-bytes.ts'
import { systemHost } from '../codecs/system-host.ts'
import { PARTITIONS } from '../core/ids.ts'
import type { Attached, Found, KeptHistory, Page, Store } from '../core/store.ts'
import { sealedEntry } from '../engine/state/records.ts'

const PAGE = 200

/**
 * What a re-sealing has done. A record is a live session, its attributes, or the history of a
 * subject.
 */
export interface Resealed {
  readonly read: number
  readonly resealed: number
  /** Records that are damaged, or under a key that the ring lacks. They stay as they are. */
  readonly unreadable: number
}

/** How far a re-sealing has come. */
export interface ResealProgress extends Resealed {
  readonly partition: number
  readonly partitions: number
}

/**
 * Seals every record under the current key that is under an older one, so that the older key can be
 * retired. Every process must seal under the current key before: a record that is written meanwhile
 * is re-sealed by that write. Events are not re-sealed; readers leave out those whose key is gone.
 */
export async function resealAll({
  store,
  keyring,
  onProgress = () => {},
}: {
  readonly store: Pick<Store, 'entries' | 'subjects'>
  readonly keyring: Keyring
  readonly onProgress?: (progress: ResealProgress) => void
}): Promise<Resealed> {
  const codec = sealingCodec(keyring, systemHost())
  const { entries, subjects } = store
  let read = 0
  let resealed = 0
  let unreadable = 0

  /** A record that does not open must not keep the others under their old key. */
  async function each(sealed: Uint8Array, write: () => Promise<string>): Promise<void> {
    read++
    if (!codec.isStale(sealed)) return
    try {
      if ((await write()) === 'written') resealed++
    } catch (error) {
      if (!isUnreadable(error)) throw error
      unreadable++
    }
  }

  /** A session and its attributes are one write, because its record names them. */
  async function session(found: Found): Promise<void> {
    const { attributes: before } = found
    const attributes = attributesAgain(found)
    const stale = codec.isStale(found.sealed)
    read++
    if (!stale && attributes === undefined) return
    try {
      const content = codec.open(sessionIdentity(found), found.sealed)
      const named =
        before === undefined || attributes === undefined
          ? content
          : withAttributes(content, { before, after: attributes })
      const next = sealedEntry(codec, { ...found, version: found.version + 1 }, named)
      const outcome = await entries.write(next, attributes === undefined ? {} : { attributes })
      if (outcome === 'written') resealed += (stale ? 1 : 0) + (attributes === undefined ? 0 : 1)
    } catch (error) {
      if (!isUnreadable(error)) throw error
      unreadable++
    }
  }

  /** The same attributes under the current key. Undefined: they stay as they are. */
  function attributesAgain({ id, attributes }: Found): Attached | undefined {
    if (attributes === undefined) return undefined
    read++
    if (!codec.isStale(attributes.sealed)) return undefined
    const identity = attributesIdentity(id, attributes.version)
    try {
      const sealed = codec.seal(identity, codec.open(identity, attributes.sealed))
      return { version: attributes.version, sealed }
    } catch (error) {
      if (!isUnreadable(error)) throw error
      unreadable++
      return undefined
    }
  }

  async function history({ subject, version, until, sealed }: KeptHistory): Promise<void> {
    await each(sealed, () => {
      const content = codec.open(historyIdentity(subject, version), sealed)
      const next = version + 1
      const again = codec.seal(historyIdentity(subject, next), content)
      return subjects.write(subject, { version: next, sealed: again, until })
    })
  }

  for (let partition = 0; partition < PARTITIONS; partition++) {
    await everyItem((part) => entries.list({ partition, ...part }), session)
    await everyItem((part) => subjects.list({ partition, ...part }), history)
    onProgress({ partition: partition + 1, partitions: PARTITIONS, read, resealed, unreadable })
  }
  return { read, resealed, unreadable }
}

async function everyItem<Item>(
  list: (part: { readonly limit: number; readonly after?: string }) => Promise<Page<Item>>,
  change: (item: Item) => Promise<void>,
): Promise<void> {
  let after: string | undefined
  do {
    const page = await list({ limit: PAGE, ...(after === undefined ? {} : { after }) })
    for (const item of page.items) await change(item)
    after = page.next
  } while (after !== undefined)
}
