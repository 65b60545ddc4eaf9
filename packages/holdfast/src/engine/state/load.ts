import { attributesPlace } from '../../codecs/codec.ts'
import { SessionError } from '../../core/errors.ts'
import type { SessionId } from '../../core/ids.ts'
import type { Attributes, SessionState } from '../../core/session.ts'
import type { Found } from '../../core/store.ts'
import type { Parts } from '../context.ts'

/** A live record, opened, and what the store keeps beside it. */
export interface Opened {
  readonly found: Found
  readonly state: SessionState
}

/** Reads and opens. Undefined when there is no such live session. Idleness is not judged here. */
export async function load(parts: Parts, id: SessionId): Promise<Opened | undefined> {
  const keep = parts.copies?.reading(id)
  let opened: Opened | undefined
  try {
    opened = await readAndOpen(parts, id)
  } finally {
    keep?.(opened)
  }
  return opened
}

async function readAndOpen(parts: Parts, id: SessionId): Promise<Opened | undefined> {
  const seenBefore = parts.versions.seen(id)
  const found = await parts.store.entries.read(id)
  if (found === undefined) return undefined
  if (found.version < seenBefore) {
    throw new SessionError(
      'store_rolled_back',
      `The record of session ${id} is older than one this process has seen: the store lost writes. Nothing is decided on it.`,
    )
  }
  parts.versions.note(id, found.version)
  return { found, state: parts.records.open(found) }
}

export function openAttributes(parts: Pick<Parts, 'codec'>, found: Found): Attributes {
  if (found.attributes === undefined) return {}
  const { version, sealed } = found.attributes
  return parts.codec.openJson(attributesPlace(found.id, version), sealed) as Attributes
}
