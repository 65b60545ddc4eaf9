import { attributesIdentity } from '../../codecs/codec.ts'
import { SessionError } from '../../core/errors.ts'
import type { SessionId } from '../../core/ids.ts'
import { lifetimeVerdict } from '../../core/lifetimes.ts'
import type { JsonMergePatch, SubjectRef } from '../../core/sessions.ts'
import type { EngineContext } from '../context.ts'
import { checkAttributes, checkSessionId, checkSubject, invalid, mergePatch } from '../input.ts'
import { load } from '../state/load.ts'

/**
 * Changes the application's own data apart from the security state: neither overwrites the other.
 */
export async function patchAttributes(
  engine: EngineContext,
  id: SessionId,
  change: {
    readonly patch: JsonMergePatch
    readonly ifVersion: number
    readonly owner?: SubjectRef | undefined
  },
): Promise<number> {
  checkSessionId('session', id)
  if (!Number.isSafeInteger(change.ifVersion) || change.ifVersion < 0) {
    throw invalid('ifVersion', 'must be a version number')
  }
  const patch = checkAttributes(change.patch)
  const owner = change.owner === undefined ? undefined : checkSubject(engine, change.owner)
  const opened = await load(engine, id)
  if (opened === undefined) throw notFound()
  const { found, head } = opened
  if (lifetimeVerdict(head, found.lastActivity, engine.host.now()) !== 'live') throw notFound()
  if (owner !== undefined && (owner.subject !== head.subject || owner.tenant !== head.tenant)) {
    throw notFound()
  }
  if ((found.attributes?.version ?? 0) !== change.ifVersion) throw conflict()

  const version = change.ifVersion + 1
  const attributes = checkAttributes(mergePatch(engine.attributes.open(found), patch))
  const sealed = engine.codec.sealJson(attributesIdentity(id, version), attributes)
  const outcome = await engine.store.entries.attach(id, { version, sealed })
  if (outcome === 'gone') throw notFound()
  if (outcome === 'conflict') throw conflict()
  return version
}

function notFound(): SessionError {
  return new SessionError('not_found', 'There is no such live session.')
}

function conflict(): SessionError {
  return new SessionError(
    'attributes_conflict',
    'The attributes have another version than the patch was made for. Read them and patch again.',
  )
}
