import type { Decision } from '../../core/decision.ts'
import { lifetimeVerdict } from '../../core/lifetimes.ts'
import type { Attributes } from '../../core/session.ts'
import type { Presented, Verification } from '../../core/sessions.ts'
import type { EngineContext, OpenedSession } from '../context.ts'
import { accept, acceptNow, accessFor } from '../judging/answer.ts'
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
import { touchIfDue } from '../state/save.ts'

/** Judges one presentation of a token: the ten steps of the design, in their order. */
export async function verify(engine: EngineContext, presented: Presented): Promise<Verification> {
  const authenticated = authenticatedPresentation(engine, presented, 'session')
  if ('ok' in authenticated) return authenticated
  const copied = decideOnCopy(engine, authenticated)
  if (copied === undefined) {
    engine.copies?.asked('miss')
    return withLiveSession(engine, authenticated, (opened, matched) =>
      decideOnRead(engine, opened, matched),
    )
  }
  const { opened, decision } = copied
  const attributes = attributesOf(engine, opened)
  const answer = { decision, attributes, access: accessFor(authenticated) }
  return accept(engine, opened.state, opened.found, answer)
}

/**
 * {@link verify}, as far as it goes without waiting: a token that is none is refused, and a local
 * copy that says `allow` lets pass. Undefined: call `verify`.
 */
export function verifyNow(engine: EngineContext, presented: Presented): Verification | undefined {
  const authenticated = authenticatedPresentation(engine, presented, 'session')
  if ('ok' in authenticated) return authenticated
  if (presented.audience !== undefined) return undefined
  const copied = decideOnCopy(engine, authenticated)
  if (copied === undefined) return undefined
  const { opened, decision } = copied
  return acceptNow(engine, opened.state, opened.found, {
    decision,
    attributes: attributesOf(engine, opened),
  })
}

function attributesOf(engine: EngineContext, opened: OpenedSession): Attributes {
  opened.attributes ??= engine.openAttributes(opened.found)
  return opened.attributes
}

function decideOnRead(
  engine: EngineContext,
  opened: OpenedSession,
  matched: MatchedPresentation,
): Promise<Verification | 'lost_race'> | Verification {
  const { state, found } = opened
  const decision = allowedUnchanged(engine, opened, matched)
  if (decision === undefined) return decide(engine, opened, matched)
  const attributes = attributesOf(engine, opened)
  const answer = { decision, attributes, access: accessFor(matched) }
  const touched = touchIfDue(engine, found, matched.presentation)
  if (touched === undefined) return accept(engine, state, found, answer)
  return touched.then(() => accept(engine, state, found, answer))
}

/**
 * A copy may only allow. Whatever has changed, and whatever only a fresh read can tell, is decided
 * on what the store says.
 */
function decideOnCopy(
  engine: EngineContext,
  authenticated: AuthenticatedPresentation,
): { readonly opened: OpenedSession; readonly decision: Decision } | undefined {
  const { claims, presentation, presented } = authenticated
  const { at } = presentation
  const opened = engine.copies?.get(claims.session, at)
  if (opened === undefined || presented.acr !== undefined) return undefined
  const { found, state } = opened
  if (found.version < engine.versions.of(found.id)) return undefined
  if (lifetimeVerdict(state, found.lastActivity, at) !== 'live') return undefined
  if (engine.touches.isDue(found, at)) return undefined
  const matched = matchSecret(state, authenticated)
  if (matched?.rotation.status !== 'current') return undefined
  const decision = allowedUnchanged(engine, opened, matched)
  if (decision === undefined) return undefined
  engine.copies?.asked('hit')
  return { opened, decision }
}

/** The decision `allow` where nothing is to be weighed and nothing to be written. */
function allowedUnchanged(
  engine: EngineContext,
  opened: OpenedSession,
  matched: MatchedPresentation,
): Decision | undefined {
  const { family } = opened.state
  if (matched.rotation.status === 'fork') return undefined
  if (!nothingNew(engine, opened, matched)) return undefined
  const plan = planRotation(engine, family, matched)
  if (plan.mints || plan.family !== family) return undefined
  const decision = fastDecision(engine, opened.state, matched.presentation.at)
  return decision.outcome === 'allow' ? decision : undefined
}
