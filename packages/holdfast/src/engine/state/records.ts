import { attributesDigest } from '../../codecs/attributes-digest.ts'
import { binaryOf } from '../../codecs/bytes.ts'
import { attributesIdentity, type Codec, sessionIdentity } from '../../codecs/codec.ts'
import type { FactReader } from '../../codecs/record-facts.ts'
import { ringMemo } from '../../codecs/ring-memo.ts'
import { type SessionBytes, withFamilyIn } from '../../codecs/session-bytes.ts'
import { type DecodedSession, encodeSession, openSession } from '../../codecs/session-record.ts'
import { SessionError } from '../../core/errors.ts'
import { withoutOldStepUp } from '../../core/rotation.ts'
import {
  headOf,
  type SessionHead,
  type SessionState,
  type TokenFamily,
} from '../../core/session.ts'
import type { Entry, Found } from '../../core/store.ts'
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
    ({ sealed }) => sealed.length + ENTRY_BYTES,
  )
  function decode(
    terms: Terms,
    sealed: Uint8Array,
    nameAttributes: () => string | null,
  ): DecodedSession {
    return openSession(codec.open(sessionIdentity(terms), sealed), terms, readFacts, nameAttributes)
  }

  /** They are proven by opening them. */
  function provenAttributes({ id, attributes }: Found): string | null {
    if (attributes === undefined) return null
    codec.open(attributesIdentity(id, attributes.version), attributes.sealed)
    return attributesDigest(attributes)
  }

  /** What is remembered of a record that was opened here: its rest is opened where it is asked. */
  function reopened(
    terms: Terms,
    sealed: string,
    { attributesDigest }: SessionHead,
  ): () => DecodedSession {
    return once(() => decode(terms, Buffer.from(sealed, 'latin1'), () => attributesDigest))
  }

  function recordOf(
    head: SessionHead,
    decoded: Decoded,
    known: PartsKnown = NOTHING_KNOWN,
  ): RecordInParts {
    return new RecordInParts(head, decoded, known, now)
  }

  function lastingOf(found: Found, head: SessionHead): Known {
    const sealed = binaryOf(found.sealed)
    return knownOf(found, sealed, recordOf(head, reopened(termsOf(found), sealed, head)))
  }

  /** What was sealed here need not be opened: who rotates once does so again. */
  function rotated(terms: Terms, { head, refresh, bytes }: Left): RecordInParts {
    const decoded = once(() => openSession(Buffer.from(bytes.content, 'latin1'), terms, readFacts))
    return recordOf(head, decoded, { refresh, bytes })
  }

  function seal(terms: Terms, state: SessionState): Entry {
    const entry = sealedEntry(codec, terms, encodeSession(state))
    const sealed = binaryOf(entry.sealed)
    const head = headOf(state)
    const decoded = reopened(termsOf(entry), sealed, head)
    const { refresh } = state
    const whole = recordOf(head, decoded, { state, refresh })
    known.keep(
      entry.id,
      () => knownOf(entry, sealed, whole),
      () => knownOf(entry, sealed, recordOf(head, decoded)),
    )
    return entry
  }

  return {
    open(found) {
      const before = known.get(found.id)
      if (before !== undefined && isSame(before, found)) {
        const { record } = before
        if (record instanceof RecordInParts) return record
        const rest = rotated(termsOf(found), record)
        before.record = rest
        return rest
      }
      const opened = decode(found, found.sealed, () => provenAttributes(found))
      const { head } = opened
      if (head.generation <= found.generation) {
        const record = recordOf(head, opened)
        known.keep(
          found.id,
          () => knownOf(found, binaryOf(found.sealed), record),
          () => lastingOf(found, head),
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
      const { record, kind, family } = change
      const before = record.bytes()
      if (before === undefined) return seal(terms, withFamily(record.state(), kind, family))
      const bytes = withFamilyIn(before, kind, family)
      const entry = sealedEntry(codec, terms, Buffer.from(bytes.content, 'latin1'))
      const left = knownOf(entry, binaryOf(entry.sealed), leftBy(change, bytes))
      known.keep(entry.id, () => left)
      return entry
    },

    size: known.size,
    bytes: known.weight,
  }
}

type Decoded = DecodedSession | (() => DecodedSession)

/** What need not be decoded. */
interface PartsKnown {
  readonly state?: SessionState
  readonly refresh?: TokenFamily | null
  readonly bytes?: SessionBytes
}

const NOTHING_KNOWN: PartsKnown = {}

class RecordInParts implements OpenedRecord {
  readonly head: SessionHead
  private readonly decoded: Decoded
  private readonly known: PartsKnown
  private readonly now: () => number
  private made: SessionState | undefined
  private madeAt: number

  constructor(head: SessionHead, decoded: Decoded, known: PartsKnown, now: () => number) {
    this.head = head
    this.decoded = decoded
    this.known = known
    this.now = now
    this.made = known.state
    this.madeAt = this.made === undefined ? 0 : now()
  }

  /** The whole of a record, decoded as of a minute ago or less. */
  state(): SessionState {
    const at = this.now()
    if (this.made === undefined || Math.abs(at - this.madeAt) >= STALE_MS) {
      this.made = this.parts().state()
      this.madeAt = at
    }
    return withoutOldStepUp(this.made, at)
  }

  refresh(): TokenFamily | null {
    const { refresh } = this.known
    return refresh === undefined ? this.parts().refresh() : refresh
  }

  bytes(): SessionBytes | undefined {
    return this.known.bytes ?? this.parts().bytes()
  }

  private parts(): DecodedSession {
    return typeof this.decoded === 'function' ? this.decoded() : this.decoded
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
  record: RecordInParts | Left
}

/**
 * What a rotation leaves of a record until somebody asks for it. Most of it is not asked before the
 * next rotation, and what lives that long has to be small.
 */
interface Left {
  readonly head: OpenedRecord['head']
  readonly refresh: TokenFamily | null
  readonly bytes: SessionBytes
}

function leftBy({ record, kind, family }: Rotated, bytes: SessionBytes): Left {
  const { head } = record
  if (kind === 'refresh') return { head, refresh: family, bytes }
  return {
    head: { ...head, family: { ...head.family, ...family } },
    refresh: record.refresh(),
    bytes,
  }
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
  record: RecordInParts | Left,
): Known {
  return { id, version, generation, createdAt, deadline, idleMs, sealed, record }
}

/** What is stored in clear beside a record. */
function termsOf({ id, version, generation, createdAt, deadline, idleMs }: Terms): Terms {
  return { id, version, generation, createdAt, deadline, idleMs }
}

/** Whether all is the same that is stored in clear beside a record. */
export function isOnSameTerms(a: Terms, b: Terms): boolean {
  return (
    a.id === b.id &&
    a.version === b.version &&
    a.generation === b.generation &&
    a.createdAt === b.createdAt &&
    a.deadline === b.deadline &&
    a.idleMs === b.idleMs
  )
}

function isSame(a: Known, b: Entry): boolean {
  return (
    isOnSameTerms(a, b) && a.sealed.length === b.sealed.length && a.sealed === binaryOf(b.sealed)
  )
}
