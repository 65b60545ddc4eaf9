import { SessionError } from '../../core/errors.ts'
import { FoundEntry } from '../../core/found-entry.ts'
import type { SessionId } from '../../core/ids.ts'
import type { SessionHead } from '../../core/session.ts'
import type { Found } from '../../core/store.ts'
import type { EngineContext, OpenedRecord, OpenedSession } from '../context.ts'
import { isOnSameTerms } from './records.ts'

type Loading = Pick<EngineContext, 'store' | 'records' | 'copies' | 'versions' | 'codec'>

/** Reads and opens a session. Undefined: there is no such live session. Does not judge idleness. */
export function load(engine: Loading, id: SessionId): Promise<OpenedSession | undefined> {
  return loadAnd(engine, id, (opened) => opened)
}

/**
 * {@link load}, and hands the session on in the same step: sessions that are read together are
 * judged one by one, each while it is fresh in the memories of the process and its CPU.
 */
export async function loadAnd<Judged>(
  engine: Loading,
  id: SessionId,
  judge: (opened: OpenedSession | undefined) => Promise<Judged> | Judged,
): Promise<Judged> {
  const keep = engine.copies?.reading(id)
  let opened: OpenedSession | undefined
  try {
    const seenBefore = engine.versions.of(id)
    opened = openFound(engine, await engine.store.entries.read(id), seenBefore)
  } finally {
    keep?.(opened)
  }
  const judged = judge(opened)
  // Nothing waits that need not.
  return judged instanceof Promise ? await judged : judged
}

/** {@link load}, where the store answers without waiting. `wait`: it does not. */
export function loadNow(engine: Loading, id: SessionId): OpenedSession | undefined | 'wait' {
  const { now } = engine.store.entries.read
  if (now === undefined) return 'wait'
  const keep = engine.copies?.reading(id)
  let opened: OpenedSession | undefined
  try {
    const seenBefore = engine.versions.of(id)
    const found = now(id)
    if (found === 'wait') return 'wait'
    opened = openFound(engine, found, seenBefore)
  } finally {
    keep?.(opened)
  }
  return opened
}

function openFound(
  engine: Loading,
  found: Found | undefined,
  seenBefore: number,
): OpenedSession | undefined {
  if (found === undefined) return undefined
  const { id } = found
  if (found.version < seenBefore) {
    throw new SessionError(
      'store_rolled_back',
      `The record of session ${id} is older than one that this process has seen: ` +
        'the store lost writes. Nothing is decided on it.',
    )
  }
  const opened = openedBefore(engine, found) ?? openAnew(engine, found)
  // Only its seal proves the version: a forged answer with a higher one must not be remembered.
  engine.versions.note(id, found.version)
  return opened
}

function openAnew({ records, codec, copies }: Loading, answered: Found): LoadedSession {
  const found = copies === undefined ? answered : withOwnBytes(answered)
  return new LoadedSession(found, records.open(found), codec.keys())
}

/**
 * What a store answers may be a view of all that it answered at one moment, up to 64 KiB for a
 * record of 300 bytes. What becomes a copy must not keep that.
 */
function withOwnBytes(found: Found): Found {
  return new FoundEntry(found.id, found, ownBytes(found), found.lastActivity)
}

function ownBytes({ sealed, attributes }: Found): Pick<Found, 'sealed' | 'attributes'> {
  const end = sealed.length
  const bytes = Buffer.allocUnsafeSlow(end + (attributes?.sealed.length ?? 0))
  bytes.set(sealed)
  if (attributes === undefined) return { sealed: bytes, attributes }
  bytes.set(attributes.sealed, end)
  const { version } = attributes
  return { sealed: bytes.subarray(0, end), attributes: { version, sealed: bytes.subarray(end) } }
}

/**
 * The local copy, however old, where the store's answer is byte for byte what it was opened from,
 * under the same keys: opening it would give the same session.
 */
function openedBefore({ copies, codec }: Loading, found: Found): OpenedSession | undefined {
  const last = copies?.last(found.id)
  if (!(last instanceof LoadedSession) || last.keys !== codec.keys()) return undefined
  if (!isSame(last.found, found)) return undefined
  if (last.found.lastActivity === found.lastActivity) return last
  const again = new FoundEntry(found.id, found, last.found, found.lastActivity)
  return new LoadedSession(again, last.record, last.keys, last.attributesChecked)
}

class LoadedSession implements OpenedSession {
  readonly found: Found
  readonly head: SessionHead
  readonly record: OpenedRecord
  /** Those that it was opened with. */
  readonly keys: unknown
  attributesChecked: boolean

  constructor(found: Found, record: OpenedRecord, keys: unknown, attributesChecked = false) {
    this.found = found
    this.head = record.head
    this.record = record
    this.keys = keys
    this.attributesChecked = attributesChecked
  }
}

/** But for activity. */
function isSame(a: Found, b: Found): boolean {
  return (
    isOnSameTerms(a, b) &&
    a.attributes?.version === b.attributes?.version &&
    isSameBytes(a.sealed, b.sealed) &&
    isSameBytes(a.attributes?.sealed, b.attributes?.sealed)
  )
}

function isSameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0
}
