import { isUnreadable } from '../../codecs/codec.ts'
import type { SessionId } from '../../core/ids.ts'
import { lifetimeVerdict } from '../../core/lifetimes.ts'
import type { SessionDetail } from '../../core/session.ts'
import type { PageRequest, SubjectRef } from '../../core/sessions.ts'
import type { Page } from '../../core/store.ts'
import type { EngineContext } from '../context.ts'
import { checkSessionId, checkSubject, invalid } from '../input.ts'
import { detailOf } from '../judging/answer.ts'
import { load } from '../state/load.ts'

const MAX_PAGE = 200

/** The live sessions of a subject, oldest first. One damaged record does not hide the others. */
export async function list(
  engine: EngineContext,
  ref: SubjectRef,
  { limit = 50, after }: PageRequest = {},
): Promise<Page<SessionDetail>> {
  const { key } = checkSubject(engine, ref)
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    throw invalid('limit', `must be a whole number from 1 to ${MAX_PAGE}`)
  }
  const query = { subject: key, limit, ...(after === undefined ? {} : { after }) }
  const { items, next } = await engine.store.entries.list(query)
  const now = engine.host.now()
  const details: SessionDetail[] = []
  for (const found of items) {
    if (lifetimeVerdict(found, found.lastActivity, now) !== 'live') continue
    try {
      details.push(detailOf(engine, engine.records.open(found).state(), found, now))
    } catch (error) {
      if (!isUnreadable(error)) throw error
    }
  }
  return { items: details, ...(next === undefined ? {} : { next }) }
}

/** One live session. Undefined: there is none. */
export async function show(
  engine: EngineContext,
  id: SessionId,
): Promise<SessionDetail | undefined> {
  const opened = await load(engine, checkSessionId('session', id))
  if (opened === undefined) return undefined
  const now = engine.host.now()
  const { found } = opened
  if (lifetimeVerdict(found, found.lastActivity, now) !== 'live') return undefined
  return detailOf(engine, opened.record.state(), found, now)
}
