import { attributesIdentity } from '../../codecs/codec.ts'
import { SessionError } from '../../core/errors.ts'
import type { SessionId } from '../../core/ids.ts'
import type { Attributes, SessionState } from '../../core/session.ts'
import type { Found } from '../../core/store.ts'
import type { EngineContext } from '../context.ts'

/** A live record, opened, and what the store keeps beside it. */
export interface OpenedSession {
  readonly found: Found
  readonly state: SessionState
}

/** Reads and opens. Undefined when there is no such live session. Idleness is not settled here. */
export async function load(
  engine: EngineContext,
  id: SessionId,
): Promise<OpenedSession | undefined> {
  const keep = engine.copies?.reading(id)
  let opened: OpenedSession | undefined
  try {
    opened = await readAndOpen(engine, id)
  } finally {
    keep?.(opened)
  }
  return opened
}

async function readAndOpen(
  engine: EngineContext,
  id: SessionId,
): Promise<OpenedSession | undefined> {
  const seenBefore = engine.versions.seen(id)
  const found = await engine.store.entries.read(id)
  if (found === undefined) return undefined
  if (found.version < seenBefore) {
    throw new SessionError(
      'store_rolled_back',
      `The record of session ${id} is older than one this process has seen: the store lost writes. Nothing is decided on it.`,
    )
  }
  engine.versions.note(id, found.version)
  return { found, state: engine.records.open(found) }
}

export function openAttributes(engine: Pick<EngineContext, 'codec'>, found: Found): Attributes {
  if (found.attributes === undefined) return {}
  const { version, sealed } = found.attributes
  return engine.codec.openJson(attributesIdentity(found.id, version), sealed) as Attributes
}
