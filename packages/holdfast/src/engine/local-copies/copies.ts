import type { Feed, FeedEntry, Heartbeat } from '../../core/feed.ts'
import type { Host } from '../../core/host.ts'
import type { SessionId } from '../../core/ids.ts'
import type { LocalCopies } from '../context.ts'
import { copyTable } from './copy-table.ts'
import { feedFreshness } from './feed-freshness.ts'

export interface CopiesOptions {
  readonly feed: Feed
  readonly host: Host
  /** Most sessions to keep. */
  readonly max: number
  readonly onAsked: ((state: 'hit' | 'miss') => void) | undefined
  /** Reads a session afresh, so that a new copy takes the place of its old one. */
  readonly renew: (id: SessionId) => Promise<unknown>
}

/** No copy is used for longer than this after it was read, whatever the feed says. */
const LEASE_MS = 5_000

/** A session that is asked for again by then need not be opened again, if nothing has changed. */
const KEPT_MS = 60_000

/** A copy of this age that is asked for is read afresh, once. */
const RENEWED_MS = 3_000

/**
 * Copies may only let pass what the store would let pass. A copy is served while the feed is known
 * without a gap up to less than 3 s ago, and the copy was read less than 5 s ago. An entry of the
 * feed drops the copy of its session, and keeps a read that is under way from becoming one. When
 * the feed fails, all copies are dropped.
 *
 * A session in use waits for no read: its copy is renewed before its lease ends, after the answers
 * of the turn.
 */
export function localCopies({
  feed,
  host,
  max,
  onAsked = () => {},
  renew,
}: CopiesOptions): LocalCopies {
  const table = copyTable(max)
  const freshness = feedFreshness({ feed, host, apply, lost: table.clear })
  let ageing: SessionId[] = []

  function renewAll(): void {
    const ids = ageing
    ageing = []
    // Where it fails, the copy ends with its lease, and the next request reports the fault.
    for (const id of ids) renew(id).catch(() => {})
  }

  function apply(entry: FeedEntry | Heartbeat): void {
    switch (entry.kind) {
      case 'revoked':
      case 'changed':
        table.drop(entry.session)
        break
      case 'subject':
        // The session that is spared is dropped, too, and read again: that is simpler.
        table.dropSubject(entry.subject)
        break
      case 'heartbeat':
        table.dropOlder(host.now() - KEPT_MS)
        break
      case 'event':
        break
    }
  }

  return {
    get(id, at) {
      if (!freshness.holds(at)) return undefined
      const copy = table.get(id)
      if (copy === undefined) return undefined
      const age = at - copy.readAt
      if (age < 0 || age >= LEASE_MS) return undefined
      if (age >= RENEWED_MS && !copy.renewing) {
        copy.renewing = true
        if (ageing.push(id) === 1) setImmediate(renewAll)
      }
      return copy.opened
    },

    last: (id) => table.get(id)?.opened,

    reading(id) {
      return freshness.follows() ? table.reading(id, host.now()) : NOT_KEPT
    },

    drop: table.drop,
    dropSubject: table.dropSubject,
    asked: onAsked,
    size: table.size,
  }
}

/** The feed is not followed, so nothing would tell of a change. */
const NOT_KEPT = (): void => {}
