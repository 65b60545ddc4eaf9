import { toBase64url } from '../../core/base64url.ts'
import type { SealedEvent } from '../../core/feed.ts'
import { type SessionId, SUBJECT_KEY_BYTES, type SubjectKey } from '../../core/ids.ts'
import type { Entry, Found, Store } from '../../core/store.ts'
import type { FakeHost } from '../fake-host.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** Idle timeout of a sample, ms. */
export const SAMPLE_IDLE_MS = 30 * MINUTE

/** Absolute timeout of a sample, ms. */
export const SAMPLE_LIFE_MS = 8 * HOUR

/** Makes the entries that a store under test is given. Their content is arbitrary. */
export interface Samples {
  /** In a partition if one is named. */
  subject(partition?: number): SubjectKey
  /** A new entry, version 1, of a new subject unless told otherwise. */
  entry(changes?: Partial<Entry> & { readonly subject?: SubjectKey }): Entry
  event(): SealedEvent
  bytes(size?: number): Uint8Array
  idOf(subject: SubjectKey): SessionId
}

export function samples(host: FakeHost): Samples {
  function subject(partition?: number): SubjectKey {
    const tag = host.random(SUBJECT_KEY_BYTES)
    if (partition !== undefined) tag[SUBJECT_KEY_BYTES - 1] = partition
    return toBase64url(tag)
  }

  function idOf(of: SubjectKey): SessionId {
    const tag = Buffer.from(of, 'base64url')
    return Buffer.concat([tag, host.random(16)]).toString('base64url')
  }

  return {
    subject,
    idOf,
    bytes: (size = 200) => host.random(size),
    event: () => ({ id: toBase64url(host.random(16)), at: host.now(), sealed: host.random(100) }),
    entry({ subject: of = subject(), ...changes } = {}) {
      return {
        id: idOf(of),
        version: 1,
        generation: 0,
        createdAt: host.now(),
        deadline: host.now() + SAMPLE_LIFE_MS,
        idleMs: SAMPLE_IDLE_MS,
        sealed: host.random(200),
        ...changes,
      }
    },
  }
}

/** The entry that a compare-and-set writes over this one. */
export function nextOf(entry: Entry, sealed: Uint8Array): Entry {
  const { id, version, generation, createdAt, deadline, idleMs } = entry
  return { id, version: version + 1, generation, createdAt, deadline, idleMs, sealed }
}

/** Sealed bytes become lists of numbers, because stores answer with different Uint8Arrays. */
export function plain(found: Found | undefined): unknown {
  if (found === undefined) return undefined
  const { sealed, attributes, ...rest } = found
  return {
    ...rest,
    sealed: [...sealed],
    attributes: attributes && { version: attributes.version, sealed: [...attributes.sealed] },
  }
}

/** All live ids of a list, page by page. */
export async function allIds(
  store: Store,
  query: { readonly subject: SubjectKey } | { readonly partition: number },
  limit = 100,
): Promise<SessionId[]> {
  const ids: SessionId[] = []
  for (let after: string | undefined; ; ) {
    const page = await store.entries.list({
      ...query,
      limit,
      ...(after === undefined ? {} : { after }),
    })
    ids.push(...page.items.map(({ id }) => id))
    if (page.next === undefined) return ids
    after = page.next
  }
}
