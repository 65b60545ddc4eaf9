import { sameText } from '../../core/constant-time.ts'
import type { Decision } from '../../core/decision.ts'
import { lifetimeVerdict } from '../../core/lifetimes.ts'
import type { RotationStatus } from '../../core/rotation.ts'
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
} from '../judging/presentation.ts'
import { rotationDue } from '../judging/rotation.ts'
import { touchDue, touchIfDue } from '../state/save.ts'

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
  return accept(engine, opened.state, opened.found, { decision, access: accessFor(authenticated) })
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
  return acceptNow(engine, opened.state, opened.found, { decision })
}

function decideOnRead(
  engine: EngineContext,
  opened: OpenedSession,
  matched: MatchedPresentation,
): Promise<Verification | 'lost_race'> | Verification {
  const { state, found } = opened
  const decision = allowedUnchanged(engine, opened, matched)
  if (decision === undefined) return decide(engine, opened, matched)
  const answer = { decision, access: accessFor(matched) }
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
  const { issued, acked, id } = state.family
  if (found.version < engine.versions.of(found.id)) return undefined
  if (lifetimeVerdict(state, found.lastActivity, at) !== 'live') return undefined
  if (touchDue(found, at)) return undefined
  const newest = claims.family === id && claims.generation === issued.generation
  if (!newest || issued.generation !== acked.generation) return undefined
  if (!sameText(claims.digest, issued.digest)) return undefined
  const decision = allowedUnchanged(engine, opened, { ...authenticated, rotation: CURRENT })
  if (decision === undefined) return undefined
  engine.copies?.asked('hit')
  return { opened, decision }
}

const CURRENT: RotationStatus = { status: 'current', first: false }

/** The decision `allow` where nothing is to be weighed and nothing to be written. */
function allowedUnchanged(
  engine: EngineContext,
  opened: OpenedSession,
  matched: MatchedPresentation,
): Decision | undefined {
  const { presentation, presented, rotation } = matched
  const { last, family } = opened.state
  if (rotation.status !== 'current' || rotation.first) return undefined
  // A context that uses the secret for the first time has to be noted: its requests that are in
  // flight when the secret is replaced would be refused otherwise.
  if (!family.contexts.includes(last.context)) return undefined
  if (presented.deliverable === true && rotationDue(engine, family, presentation)) return undefined
  if (!nothingNew(engine, opened, matched)) return undefined
  const decision = fastDecision(engine, opened.state, presentation.at)
  return decision.outcome === 'allow' ? decision : undefined
}
