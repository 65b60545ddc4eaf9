import { type Codec, sessionIdentity } from '../../codecs/codec.ts'
import type { FactReader } from '../../codecs/record-facts.ts'
import { decodeSession, encodeSession } from '../../codecs/session-record.ts'
import { SessionError } from '../../core/errors.ts'
import type { SessionId } from '../../core/ids.ts'
import { memo } from '../../core/memo.ts'
import { withoutOldStepUp } from '../../core/rotation.ts'
import type { SessionState } from '../../core/session.ts'
import type { Entry } from '../../core/store.ts'
import type { Records } from '../context.ts'

const REMEMBERED = 2_000
const STALE_MS = 60_000

/**
 * Opens each version of a record once. A store is read at every request. Where its answer is byte
 * for byte what was opened or sealed here before, under the same identity, opening it again would
 * give the same session. Records are forgotten after a minute, as descriptions of networks are.
 */
export function sessionRecords(codec: Codec, readFacts: FactReader, now: () => number): Records {
  const known = memo<SessionId, Known>(REMEMBERED)
  let since = now()

  function remember(entry: Entry, state: SessionState): SessionState {
    // Copied: what a client of Redis hands out may be part of a much larger buffer.
    known.set(entry.id, { ...entry, sealed: Buffer.from(entry.sealed), state })
    return state
  }

  return {
    open(found) {
      const at = now()
      if (Math.abs(at - since) >= STALE_MS) {
        known.clear()
        since = at
      }
      const before = known.get(found.id)
      if (before !== undefined && isSame(before, found)) return before.state
      const content = codec.open(sessionIdentity(found), found.sealed)
      const state = withoutOldStepUp(decodeSession(content, found, readFacts), at)
      if (state.generation <= found.generation) return remember(found, state)
      throw new SessionError(
        'record_invalid',
        `The record of session ${found.id} disagrees with its own seal about its generation. ` +
          'It is refused.',
      )
    },

    seal(entry, state) {
      const sealed = sealedEntry(codec, entry, encodeSession(state))
      remember(sealed, state)
      return sealed
    },

    size: known.size,
  }
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
  readonly state: SessionState
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
