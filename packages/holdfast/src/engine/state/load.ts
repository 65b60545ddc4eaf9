import { SessionError } from '../../core/errors.ts'
import type { SessionId } from '../../core/ids.ts'
import type { EngineContext, OpenedSession } from '../context.ts'

type Loading = Pick<EngineContext, 'store' | 'records' | 'copies' | 'versions'>

/** Reads and opens a session. Undefined: there is no such live session. Does not judge idleness. */
export async function load(engine: Loading, id: SessionId): Promise<OpenedSession | undefined> {
  const keep = engine.copies?.reading(id)
  let opened: OpenedSession | undefined
  try {
    opened = await readAndOpen(engine, id)
  } finally {
    keep?.(opened)
  }
  return opened
}

async function readAndOpen(engine: Loading, id: SessionId): Promise<OpenedSession | undefined> {
  const seenBefore = engine.versions.of(id)
  const found = await engine.store.entries.read(id)
  if (found === undefined) return undefined
  if (found.version < seenBefore) {
    throw new SessionError(
      'store_rolled_back',
      `The record of session ${id} is older than one that this process has seen: ` +
        'the store lost writes. Nothing is decided on it.',
    )
  }
  const state = engine.records.open(found)
  // Only its seal proves the version: a forged answer with a higher one must not be remembered.
  engine.versions.note(id, found.version)
  return { found, state, attributes: undefined }
}
