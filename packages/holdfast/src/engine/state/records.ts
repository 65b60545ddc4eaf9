import { binaryOf } from '../../codecs/bytes.ts'
import { type Codec, sessionIdentity } from '../../codecs/codec.ts'
import type { FactReader } from '../../codecs/record-facts.ts'
import { ringMemo } from '../../codecs/ring-memo.ts'
import {
  type DecodedSession,
  encodeSession,
  openSession,
  type SessionBytes,
  withFamilyIn,
} from '../../codecs/session-record.ts'
import { SessionError } from '../../core/errors.ts'
import { withoutOldStepUp } from '../../core/rotation.ts'
import { headOf, type SessionState, type TokenFamily } from '../../core/session.ts'
import type { Entry } from '../../core/store.ts'
import type { TokenKind } from '../../core/token.ts'
import type { OpenedRecord, Records, Rotated } from '../context.ts'

/** What remembering takes for each record, beside its sealed bytes. */
const ENTRY_BYTES = 2_200
const STALE_MS = 60_000

export interface RecordsOptions {
  readonly codec: Codec
  readonly readFacts: FactReader
  readonly now: () => number
  /** Most memory for records that were opened or sealed, estimated. */
  readonly rememberedBytes: number
}

/**
 * Opens each version of a record once. A store is read at every request. Where its answer is byte
 * for byte what was opened or sealed here before, under the same identity, opening it again would
 * give the same session. Networks in it are described again after a minute.
 */
export function sessionRecords({
  codec,
  readFacts,
  now,
  rememberedBytes,
}: RecordsOptions): Records {
  const known = ringMemo<Known>(
    codec.keys,
    rememberedBytes,
    ({ sealed, content }) => sealed.length + content.length + ENTRY_BYTES,
  )
  function decode(terms: Terms, sealed: Uint8Array): DecodedSession {
    return openSession(codec.open(sessionIdentity(terms), sealed), terms, readFacts)
  }

  /** What is remembered of a record that was opened here: its rest is opened where it is asked. */
  function reopened(terms: Terms, sealed: string): () => DecodedSession {
    return once(() => decode(terms, Buffer.from(sealed, 'latin1')))
  }

  function recordOf(
    head: OpenedRecord['head'],
    decoded: () => DecodedSession,
    known: Partial<Pick<OpenedRecord, 'refresh' | 'bytes'>> & {
      readonly state?: SessionState
    } = {},
  ): OpenedRecord {
    return {
      head,
      state: stateOf(() => decoded().rest(), known.state),
      refresh: known.refresh ?? (() => decoded().refresh()),
      bytes: known.bytes ?? (() => decoded().bytes()),
    }
  }

  /** The whole of a record, decoded as of a minute ago or less. */
  function stateOf(rest: () => SessionState, first?: SessionState): () => SessionState {
    let made = first
    let madeAt = now()
    return () => {
      const at = now()
      if (made === undefined || Math.abs(at - madeAt) >= STALE_MS) {
        made = rest()
        madeAt = at
      }
      return withoutOldStepUp(made, at)
    }
  }

  /** What was sealed here need not be opened: who rotates once does so again. */
  function rotated(terms: Terms, after: SessionBytes, change: Rotated): OpenedRecord {
    const { record, kind, family } = change
    const { head } = record
    const decoded = once(() => openSession(Buffer.from(after.content, 'latin1'), terms, readFacts))
    const bytes = (): SessionBytes => after
    if (kind === 'refresh') return recordOf(head, decoded, { refresh: () => family, bytes })
    // The family alone: the function would keep all of the record before.
    const other = record.refresh()
    const changed = { ...head, family: { ...head.family, ...family } }
    return recordOf(changed, decoded, { refresh: () => other, bytes })
  }

  function seal(terms: Terms, state: SessionState): Entry {
    const entry = sealedEntry(codec, terms, encodeSession(state))
    const sealed = binaryOf(entry.sealed)
    const head = headOf(state)
    const decoded = reopened(termsOf(entry), sealed)
    const refresh = (): SessionState['refresh'] => state.refresh
    const whole = knownOf(entry, sealed, recordOf(head, decoded, { state, refresh }))
    known.keep(entry.id, whole, () => knownOf(entry, sealed, recordOf(head, decoded)))
    return entry
  }

  return {
    open(found) {
      const before = known.get(found.id)
      if (before !== undefined && isSame(before, found)) return before.record
      const opened = decode(found, found.sealed)
      const { head } = opened
      if (head.generation <= found.generation) {
        const sealed = binaryOf(found.sealed)
        const record = recordOf(head, () => opened)
        known.keep(found.id, knownOf(found, sealed, record), () =>
          knownOf(found, sealed, recordOf(head, reopened(termsOf(found), sealed))),
        )
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
      const { kind, family } = change
      const before = change.record.bytes()
      if (before === undefined) return seal(terms, withFamily(change.record.state(), kind, family))
      const after = withFamilyIn(before, kind, family)
      const entry = sealedEntry(codec, terms, Buffer.from(after.content, 'latin1'))
      const record = rotated(termsOf(entry), after, change)
      known.keep(entry.id, knownOf(entry, binaryOf(entry.sealed), record, after.content))
      return entry
    },

    size: known.size,
    bytes: known.weight,
  }
}

type Terms = Omit<Entry, 'sealed'>

/** A session with one family changed: all of the one for refresh tokens, or parts of the other. */
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
export function sealedEntry(codec: Codec, entry: Terms, content: Uint8Array): Entry {
  const { id, version, generation, createdAt, deadline, idleMs } = entry
  const sealed = codec.seal(sessionIdentity(entry), content)
  return { id, version, generation, createdAt, deadline, idleMs, sealed }
}

/** Sealed bytes as text of a character for each: a buffer takes several times as much memory. */
interface Known extends Omit<Entry, 'sealed'> {
  readonly sealed: string
  readonly record: OpenedRecord
  /** What the record holds of its opened bytes. */
  readonly content: string
}

function once<Value>(work: () => Value): () => Value {
  let done: Value | undefined
  return () => {
    done ??= work()
    return done
  }
}

/** Every field is named: thousands of objects that were spread have a shape each. */
function knownOf(
  { id, version, generation, createdAt, deadline, idleMs }: Terms,
  sealed: string,
  record: OpenedRecord,
  content = '',
): Known {
  return { id, version, generation, createdAt, deadline, idleMs, sealed, record, content }
}

/** What is stored in clear beside a record. */
function termsOf({ id, version, generation, createdAt, deadline, idleMs }: Terms): Terms {
  return { id, version, generation, createdAt, deadline, idleMs }
}

function isSame(a: Known, b: Entry): boolean {
  return (
    a.version === b.version &&
    a.generation === b.generation &&
    a.createdAt === b.createdAt &&
    a.deadline === b.deadline &&
    a.idleMs === b.idleMs &&
    a.sealed.length === b.sealed.length &&
    a.sealed === binaryOf(b.sealed)
  )
}
