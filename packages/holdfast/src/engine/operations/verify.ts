import type { Decision } from '../../core/decision.ts'
import { lifetimeVerdict } from '../../core/lifetimes.ts'
import type { Presented, Verification } from '../../core/sessions.ts'
import type { EngineContext, OpenedSession } from '../context.ts'
import { isTouchDue, touchIfDue } from '../judging/activity.ts'
import { acceptNow, acceptOpened } from '../judging/answer.ts'
import { decide } from '../judging/decide.ts'
import { fastDecision, nothingNew } from '../judging/fast-path.ts'
import { withLiveSession } from '../judging/open-session.ts'
import {
  type AuthenticatedPresentation,
  authenticatedPresentation,
  type MatchedPresentation,
  matchSecret,
} from '../judging/presentation.ts'
import { planRotation } from '../judging/rotation.ts'
import { loadNow } from '../state/load.ts'

/** Judges one presentation of a token: the ten steps of the design, in their order. */
export async function verify(engine: EngineContext, presented: Presented): Promise<Verification> {
  const authenticated = authenticatedPresentation(engine, presented, 'session')
  if ('ok' in authenticated) return authenticated
  const copied = decideOnCopy(engine, authenticated)
  if (copied !== undefined) return acceptOpened(engine, copied.opened, authenticated, copied)
  engine.copies?.asked('miss')
  return withLiveSession(engine, authenticated, (opened, matched) =>
    decideOnRead(engine, opened, matched),
  )
}

/**
 * {@link verify}, as far as it goes without waiting: a token that is none is refused, and a session
 * in which nothing has changed passes, from a local copy or a store that answers at once.
 * Undefined: call `verify`.
 */
export function verifyNow(engine: EngineContext, presented: Presented): Verification | undefined {
  const authenticated = authenticatedPresentation(engine, presented, 'session')
  if ('ok' in authenticated) return authenticated
  if (presented.audience !== undefined) return undefined
  const unchanged = decideOnCopy(engine, authenticated) ?? decideOnReadNow(engine, authenticated)
  if (unchanged === undefined) return undefined
  return acceptNow(engine, unchanged.opened.head, unchanged.opened.found, unchanged)
}

/** A session that passes without being weighed, and nothing to write. */
interface Unchanged {
  readonly opened: OpenedSession
  readonly decision: Decision
}

function decideOnRead(
  engine: EngineContext,
  opened: OpenedSession,
  matched: MatchedPresentation,
): Promise<Verification | 'lost_race'> | Verification {
  const decision = allowedUnchanged(engine, opened, matched)
  if (decision === undefined) return decide(engine, opened, matched)
  const touched = touchIfDue(engine, opened, matched)
  if (touched === undefined) return acceptOpened(engine, opened, matched, { decision })
  return touched.then(() => acceptOpened(engine, opened, matched, { decision }))
}

/** As a copy, what was read at once may only allow. Activity is noted if nothing waits for it. */
function decideOnReadNow(
  engine: EngineContext,
  authenticated: AuthenticatedPresentation,
): Unchanged | undefined {
  const opened = loadNow(engine, authenticated.claims.session)
  if (opened === undefined || opened === 'wait') return undefined
  const due = isTouchDue(engine, opened.found, authenticated.presentation)
  if (due && engine.touches.waits()) return undefined
  const unchanged = decideUnchanged(engine, opened, authenticated)
  if (unchanged === undefined) return undefined
  if (due) touchIfDue(engine, opened, authenticated)
  engine.copies?.asked('miss')
  return unchanged
}

/**
 * A copy may only allow. Whatever has changed, and whatever only a fresh read can tell, is decided
 * on what the store says.
 */
function decideOnCopy(
  engine: EngineContext,
  authenticated: AuthenticatedPresentation,
): Unchanged | undefined {
  const { claims, presentation, presented } = authenticated
  const { at } = presentation
  const opened = engine.copies?.get(claims.session, at)
  if (opened === undefined || presented.acr !== undefined) return undefined
  const { found } = opened
  if (found.version < engine.versions.of(found.id)) return undefined
  if (isTouchDue(engine, found, presentation)) return undefined
  const unchanged = decideUnchanged(engine, opened, authenticated)
  if (unchanged !== undefined) engine.copies?.asked('hit')
  return unchanged
}

/** Lets pass where the secret is the one that counts and nothing is to be weighed. */
function decideUnchanged(
  engine: EngineContext,
  opened: OpenedSession,
  authenticated: AuthenticatedPresentation,
): Unchanged | undefined {
  const { found, head } = opened
  const { at } = authenticated.presentation
  if (lifetimeVerdict(head, found.lastActivity, at) !== 'live') return undefined
  const matched = matchSecret(head.family, authenticated)
  if (matched?.rotation.status !== 'current') return undefined
  const decision = allowedUnchanged(engine, opened, matched)
  return decision && { opened, decision }
}

/**
 * The decision `allow` where nothing is to be weighed and nothing to be written. Attributes that
 * were tampered with are refused first.
 */
function allowedUnchanged(
  engine: EngineContext,
  opened: OpenedSession,
  matched: MatchedPresentation,
): Decision | undefined {
  const { family } = opened.head
  if (matched.rotation.status === 'fork') return undefined
  if (!nothingNew(engine, opened, matched)) return undefined
  const plan = planRotation(engine, family, matched)
  if (plan.mints || plan.family !== family) return undefined
  const decision = fastDecision(engine, opened.head, matched.presentation.at)
  if (decision.outcome !== 'allow') return undefined
  if (!opened.attributesChecked) {
    engine.attributes.check(opened.head, opened.found)
    opened.attributesChecked = true
  }
  return decision
}
