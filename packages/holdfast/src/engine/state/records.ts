import { type Codec, sessionIdentity } from '../../codecs/codec.ts'
import type { FactReader } from '../../codecs/record-facts.ts'
import { encodeSession, openSession } from '../../codecs/session-record.ts'
import { SessionError } from '../../core/errors.ts'
import { selectiveMemo } from '../../core/memo.ts'
import { withoutOldStepUp } from '../../core/rotation.ts'
import { headOf, type SessionState, type TokenFamily } from '../../core/session.ts'
import type { Entry } from '../../core/store.ts'
import type { TokenKind } from '../../core/token.ts'
import type { OpenedRecord, Records, Rotated } from '../context.ts'

const REMEMBERED = 2_000
const STALE_MS = 60_000

/**
 * Opens each version of a record once. A store is read at every request. Where its answer is byte
 * for byte what was opened or sealed here before, under the same identity, opening it again would
 * give the same session. Records are forgotten after a minute, as descriptions of networks are.
 */
export function sessionRecords(codec: Codec, readFacts: FactReader, now: () => number): Records {
  const known = selectiveMemo<Known>(REMEMBERED)
  /** Who could not be answered at once is read again right after, as a promise. */
  let latest: Known | undefined
  let since = now()

  function remember(entry: Entry, record: OpenedRecord): void {
    // Copied: what a client of Redis hands out may be part of a much larger buffer.
    known.set(entry.id, { ...entry, sealed: Buffer.from(entry.sealed), record })
    if (latest?.id === entry.id) latest = undefined
  }

  function decode(entry: Entry, at: number): OpenedRecord {
    const content = codec.open(sessionIdentity(entry), entry.sealed)
    const { head, rest, refresh, withFamily } = openSession(content, entry, readFacts)
    return { head, state: once(() => withoutOldStepUp(rest(), at)), refresh, withFamily }
  }

  /** What was sealed here need not be decoded, as long as nobody asks for more of it. */
  function rotated(entry: Entry, { record, kind, family }: Rotated): OpenedRecord {
    const { head, refresh } = record
    const whole = once(() => decode(entry, now()))
    const shared = {
      state: () => whole().state(),
      withFamily: (...changed: Parameters<OpenedRecord['withFamily']>) =>
        whole().withFamily(...changed),
    }
    return kind === 'refresh'
      ? { head, refresh: () => family, ...shared }
      : { head: { ...head, family: { ...head.family, ...family } }, refresh, ...shared }
  }

  function seal(terms: Omit<Entry, 'sealed'>, state: SessionState): Entry {
    const sealed = sealedEntry(codec, terms, encodeSession(state))
    remember(sealed, {
      head: headOf(state),
      state: () => state,
      refresh: () => state.refresh,
      withFamily: () => undefined,
    })
    return sealed
  }

  return {
    open(found) {
      const at = now()
      if (Math.abs(at - since) >= STALE_MS) {
        known.clear()
        latest = undefined
        since = at
      }
      const before = latest?.id === found.id ? latest : known.get(found.id)
      if (before !== undefined && isSame(before, found)) return before.record
      const record = decode(found, at)
      if (record.head.generation <= found.generation) {
        if (known.takes(found.id)) remember(found, record)
        latest = { ...found, record }
        return record
      }
      throw new SessionError(
        'record_invalid',
        `The record of session ${found.id} disagrees with its own seal about its generation. ` +
          'It is refused.',
      )
    },

    seal,

    sealRotated(terms, change) {
      const { record, kind, family } = change
      const content = record.withFamily(kind, family)
      if (content === undefined) return seal(terms, withFamily(record.state(), kind, family))
      const sealed = sealedEntry(codec, terms, content)
      remember(sealed, rotated(sealed, change))
      return sealed
    },

    size: known.size,
  }
}

/** A session with another family of one kind. */
export function withFamily(
  state: SessionState,
  kind: TokenKind,
  family: TokenFamily,
): SessionState {
  return kind === 'refresh'
    ? { ...state, refresh: family }
    : { ...state, family: { ...state.family, ...family } }
}

/** An entry with its content sealed for just this identity. */
export function sealedEntry(
  codec: Codec,
  { id, version, generation, createdAt, deadline, idleMs }: Omit<Entry, 'sealed'>,
  content: Uint8Array,
): Entry {
  const terms = { id, version, generation, createdAt, deadline, idleMs }
  return { ...terms, sealed: codec.seal(sessionIdentity(terms), content) }
}

interface Known extends Entry {
  readonly record: OpenedRecord
}

function once<Value>(work: () => Value): () => Value {
  let done: Value | undefined
  return () => {
    done ??= work()
    return done
  }
}

function isSame(a: Entry, b: Entry): boolean {
  return (
    a.version === b.version &&
    a.generation === b.generation &&
    a.createdAt === b.createdAt &&
    a.deadline === b.deadline &&
    a.idleMs === b.idleMs &&
    Buffer.compare(a.sealed, b.sealed) === 0
  )
}
