import { attributesDigest } from '../../codecs/attributes-digest.ts'
import { attributesIdentity } from '../../codecs/codec.ts'
import { SessionError } from '../../core/errors.ts'
import type { SessionId } from '../../core/ids.ts'
import { lifetimeVerdict } from '../../core/lifetimes.ts'
import type { ChangedBy, JsonMergePatch } from '../../core/sessions.ts'
import type { EngineContext, OpenedSession } from '../context.ts'
import {
  type CheckedSubject,
  checkAttributes,
  checkCorrelation,
  checkObject,
  checkSessionId,
  checkSubject,
  checkWord,
  invalid,
  mergePatch,
} from '../input.ts'
import { withSession } from '../judging/open-session.ts'
import { save } from '../state/save.ts'

/**
 * Changes the application's own data, which has versions of its own: neither a patch nor a change
 * of the security state overwrites the other.
 */
export async function patchAttributes(
  engine: EngineContext,
  id: SessionId,
  change: {
    readonly patch: JsonMergePatch
    readonly ifVersion: number
    readonly by?: ChangedBy | undefined
  },
): Promise<number> {
  checkSessionId('session', id)
  if (!Number.isSafeInteger(change.ifVersion) || change.ifVersion < 0) {
    throw invalid('ifVersion', 'must be a version number')
  }
  const patch = checkAttributes(change.patch)
  const by = change.by ?? {}
  checkObject('owner', by)
  checkCorrelation(by)
  const actor = checkWord('actor', by.actor ?? 'application')
  const owner = ownerOf(engine, by)
  const version = change.ifVersion + 1

  async function patched(opened: OpenedSession | undefined): Promise<number | 'lost_race'> {
    if (opened === undefined) throw notFound()
    const { found, head } = opened
    const at = engine.host.now()
    if (lifetimeVerdict(head, found.lastActivity, at) !== 'live') throw notFound()
    if (owner !== undefined && (owner.subject !== head.subject || owner.tenant !== head.tenant)) {
      throw notFound()
    }
    if ((found.attributes?.version ?? 0) !== change.ifVersion) throw conflict()
    engine.attributes.check(head, found)

    const value = checkAttributes(mergePatch(engine.attributes.open(found), patch))
    const sealed = engine.codec.sealJson(attributesIdentity(id, version), value)
    const attributes = { version, sealed }
    const facts = { at, session: id, actor, owner: head, cause: by }
    const outcome = await save(engine, {
      found,
      next: { ...opened.record.state(), attributesDigest: attributesDigest(attributes) },
      attributes,
      events: [engine.eventWriter.event('attributes-changed', facts)],
      seenAt: undefined,
    })
    if (outcome === 'gone') throw notFound()
    return outcome === 'lost_race' ? outcome : version
  }

  return withSession(engine, id, patched)
}

/** Undefined where none is named. One that is named and has no value is a mistake. */
function ownerOf(engine: EngineContext, by: ChangedBy): CheckedSubject | undefined {
  if (!('subject' in by) && !('tenant' in by)) return undefined
  return checkSubject(engine, by as CheckedSubject)
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
