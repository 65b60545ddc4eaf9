import { decodeCursor, encodeCursor, type FeedEntry } from 'holdfast/store'
import type { RevokedSubject } from 'holdfast/wire'

/** What ends sessions: all that a verifier has to know of the feed. */
export type Revocation = Extract<FeedEntry, { readonly kind: 'revoked' | 'subject' }>

/** One server-sent event, but for its number, which each stream counts for itself. */
export interface Message {
  readonly kind: 'revoked' | 'subject' | 'heartbeat'
  readonly cursor: string
  /** JSON members after `n` and `cursor`. */
  readonly members: string
}

export interface WindowOptions {
  readonly windowMs: number
  /** At some 300 bytes each. */
  readonly most: number
}

/**
 * Every revocation that a token which is still good could be about: exact, in the order of the
 * feed.
 */
export interface RevocationWindow {
  /**
   * Begins anew from a position. What was there before stays its time. `from`: before it something
   * may be missing.
   */
  restart(cursor: string, from: number): void
  add(entry: Revocation, now: number): Message
  /** Another entry of the feed, or a heartbeat, was passed. */
  pass(one: Pick<FeedEntry, 'cursor'>): void
  cursor(): string
  size(): number
  snapshot(asOf: number, now: number): string
  /**
   * What a reader at `cursor` has not had yet; whether it has to take a snapshot, or is ahead of
   * this window. Throws `invalid_input`.
   */
  after(cursor: string): readonly Message[] | 'gap' | 'ahead'
}

interface Kept {
  readonly partition: number
  /** 0 where the numbers of the feed have begun anew since. */
  readonly sequence: number
  readonly kind: Revocation['kind']
  readonly receivedAt: number
  readonly members: string
}

/** Revocations that a resumed stream brings at most: a snapshot is cheaper than more. */
const MOST_REPLAYED = 200

export function revocationWindow({ windowMs, most }: WindowOptions): RevocationWindow {
  let kept: Kept[] = []
  /** Kept entries before this one are past their time. */
  let first = 0
  /** The newest of the feed that was passed. Its cursor is encoded only when it is asked for. */
  let last: Pick<FeedEntry, 'cursor'> = { cursor: '' }
  /** Of each partition the last number that is no longer kept. */
  let floor: number[] = []
  let since = Infinity
  let listed: string | undefined

  function drop(upTo: (entry: Kept) => boolean): void {
    for (let entry = kept[first]; entry !== undefined && upTo(entry); entry = kept[first]) {
      floor[entry.partition] = Math.max(floor[entry.partition] ?? 0, entry.sequence)
      listed = undefined
      first++
    }
    if (first < 64 || first * 2 < kept.length) return
    kept = kept.slice(first)
    first = 0
  }

  return {
    restart(cursor, from) {
      kept = kept.slice(first).map((entry) => ({ ...entry, sequence: 0 }))
      first = 0
      last = { cursor }
      floor = decodeCursor(cursor)
      since = from
    },

    add(entry, now) {
      drop(({ receivedAt }) => receivedAt + windowMs <= now)
      if (kept.length - first >= most) {
        since = Math.max(since, kept[first]?.receivedAt ?? now)
        drop(() => kept.length - first >= most)
      }
      const { partition, sequence, kind, cursor } = entry
      last = { cursor }
      const members = JSON.stringify(essence(entry)).slice(1, -1)
      // kept from when it was heard of, not from when it was made: clocks differ, and that is the
      // later one
      kept.push({ partition, sequence, kind, receivedAt: now, members })
      listed = undefined
      return { kind, cursor, members }
    },

    pass(one) {
      last = one
    },

    cursor: () => last.cursor,

    size: () => kept.length,

    snapshot(asOf, now) {
      drop(({ receivedAt }) => receivedAt + windowMs <= now)
      listed ??= kept
        .slice(first)
        .map(({ members }) => `{${members}}`)
        .join(',')
      const complete = Math.min(Math.max(since, asOf - windowMs), asOf)
      const times = `"asOf":${asOf},"windowMs":${windowMs},"since":${complete}`
      return `{"cursor":"${last.cursor}",${times},"entries":[${listed}]}`
    },

    after(cursor) {
      const had = decodeCursor(cursor)
      const reached = decodeCursor(last.cursor)
      if (had.some((sequence, partition) => sequence < (floor[partition] ?? 0))) return 'gap'
      if (had.some((sequence, partition) => sequence > (reached[partition] ?? 0))) return 'ahead'
      const missed = kept
        .slice(first)
        .filter(({ partition, sequence }) => sequence > (had[partition] ?? 0))
      if (missed.length > MOST_REPLAYED) return 'gap'
      return missed.map(({ partition, sequence, kind, members }) => {
        had[partition] = sequence
        return { kind, cursor: encodeCursor(had), members }
      })
    },
  }
}

function essence(entry: Revocation): object {
  const { kind, at } = entry
  if (kind === 'revoked') return { kind, session: entry.session, at }
  const { subject, generation, except } = entry
  const ended: RevokedSubject = { kind, subject, generation, except, at }
  return ended
}
