import { SessionError, type Store } from 'holdfast'
import type { RevocationHub } from '../api/revocation-hub.ts'
import type { Audit } from '../audit/audit.ts'
import type { Trouble } from '../audit/trouble.ts'
import { backlogOf } from '../audit/writer/backlog.ts'
import { MOST_KEY_DAYS } from './key-age.ts'
import type { Keys } from './keys.ts'

/** Looks for what is wrong with the service itself, and tells the audit log. */
export interface TroubleWatch {
  /**
   * Looks once. What is found in two looks in a row is told; it is told again only after it was
   * over. Never rejects.
   */
  look(): Promise<void>
}

/** The audit log as this watch sees it. */
export type TroubledAudit = Pick<Audit, 'isFailing' | 'tell'>

export interface TroubleOptions {
  readonly audit: TroubledAudit
  readonly store: Pick<Store, 'feed' | 'proveWritable'>
  readonly revocations: Pick<RevocationHub, 'ready'>
  readonly keys: Pick<Keys, 'keyring' | 'signingKeys'>
  readonly now: () => number
  /** How much may wait in the store for the audit log. */
  readonly backlogBytes?: number | undefined
}

const DAY_MS = 86_400_000
/** A hiccup that is over at the next look is no trouble. */
const LOOKS = 2
/** Of what may wait in the store: there is still time to do something. */
const BACKLOG = 0.5

export function troubleWatch(options: TroubleOptions): TroubleWatch {
  const { audit, store, revocations, keys, now, backlogBytes } = options
  const seen = new Map<Trouble, { looks: number; told: boolean }>()
  let looking = false

  async function note(trouble: Trouble, isThere: boolean): Promise<void> {
    if (!isThere) {
      seen.delete(trouble)
      return
    }
    const found = seen.get(trouble) ?? { looks: 0, told: false }
    seen.set(trouble, found)
    found.looks++
    if (found.told || found.looks < LOOKS) return
    // What could not be told is tried again at the next look.
    found.told = await audit.tell(trouble)
  }

  async function isUnwritten(): Promise<boolean> {
    return audit.isFailing() || (await backlogOf(store.feed, backlogBytes)) > BACKLOG
  }

  function isOverdue(): boolean {
    const { keys: sealing, current } = keys.keyring
    const isOld = (since: number, days: number): boolean => now() - since > days * DAY_MS
    return (
      sealing.some(
        ({ id, createdAt }) => id === current && isOld(createdAt, MOST_KEY_DAYS.sealing),
      ) ||
      (keys.signingKeys?.keys ?? []).some(
        ({ state, since }) => state === 'active' && isOld(since, MOST_KEY_DAYS.signing),
      )
    )
  }

  async function look(): Promise<void> {
    const isAway = await isUnreachable(store)
    await note('store_unreachable', isAway)
    await note('feed_blind', !revocations.ready())
    await note('key_overdue', isOverdue())
    // A log that waits for its store is no second trouble.
    if (!isAway) await note('audit_unwritten', await isUnwritten())
  }

  return {
    async look() {
      if (looking) return
      looking = true
      try {
        await look()
      } catch (error) {
        // The store went away between two questions: the next look tells.
        if (!(error instanceof SessionError)) throw error
      } finally {
        looking = false
      }
    },
  }
}

async function isUnreachable({ feed, proveWritable }: TroubleOptions['store']): Promise<boolean> {
  try {
    await Promise.all([proveWritable?.(), feed.head()])
    return false
  } catch (error) {
    if (error instanceof SessionError && error.code === 'store_unavailable') return true
    throw error
  }
}
