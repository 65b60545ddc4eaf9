import type { Host } from '../../core/host.ts'
import type { SessionId, SubjectKey } from '../../core/ids.ts'
import type { Feed, FeedEntry, Heartbeat } from '../../core/store.ts'
import type { OpenedSession } from '../state/load.ts'
import { copyTable } from './copy-table.ts'
import { feedFreshness } from './feed-freshness.ts'

/** What this process remembers of what it read, for as long as the feed proves that nobody has changed it. */
export interface LocalCopies {
  /** A copy that may be settled on at this instant; undefined: read the store. */
  get(id: SessionId, at: number): OpenedSession | undefined
  /** To be said before a session is read. What comes out is kept, unless something about it happened meanwhile. */
  reading(id: SessionId): (opened: OpenedSession | undefined) => void
  /** Something of this session is being written here. */
  drop(id: SessionId): void
  /** All sessions of a subject are being ended here. */
  dropSubject(subject: SubjectKey): void
  /** Counts: a verification was answered from a copy, or had to read. */
  asked(state: 'hit' | 'miss'): void
}

export interface CopiesOptions {
  readonly feed: Feed
  readonly host: Host
  /** Most sessions to remember. */
  readonly max: number
  readonly onAsked: ((state: 'hit' | 'miss') => void) | undefined
}

/** No copy is settled on for longer after it was read, whatever the feed says. */
const LEASE_MS = 5_000

/**
 * Copies may only let pass what the store would let pass: one is served while the feed has told of everything up to less
 * than 3 s ago, without a gap, and it was read less than 5 s ago. Whatever is told about a session drops its copy, and
 * keeps a read that is under way from becoming one. When the feed fails, all of them go.
 */
export function localCopies({ feed, host, max, onAsked = () => {} }: CopiesOptions): LocalCopies {
  const table = copyTable(max)
  const proof = feedFreshness({ feed, host, hear, lost: table.clear })

  function hear(told: FeedEntry | Heartbeat): void {
    switch (told.kind) {
      case 'revoked':
      case 'changed':
        table.drop(told.session)
        break
      case 'subject':
        // The session that it spares is read again, too: that is simpler than to be right about it.
        table.dropSubject(told.subject)
        break
      case 'heartbeat':
        table.dropOlder(host.now() - LEASE_MS)
        break
      case 'event':
        break
    }
  }

  return {
    get(id, at) {
      if (!proof.holds(at)) return undefined
      const copy = table.get(id)
      if (copy === undefined) return undefined
      const age = at - copy.readAt
      return age >= 0 && age < LEASE_MS ? copy.opened : undefined
    },

    reading(id) {
      return proof.follows() ? table.reading(id, host.now()) : NOT_KEPT
    },

    drop: table.drop,
    dropSubject: table.dropSubject,
    asked: onAsked,
  }
}

/** Nobody would tell what happens to it. */
const NOT_KEPT = (): void => {}
