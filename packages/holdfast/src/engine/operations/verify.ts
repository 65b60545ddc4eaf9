import { acrMet } from '../../core/acr.ts'
import { sameText } from '../../core/constant-time.ts'
import { findContext, sameDevice, sameNetwork, VISIT_GAP_MS } from '../../core/context.ts'
import type { Decision } from '../../core/decision.ts'
import { lifetimeVerdict } from '../../core/lifetimes.ts'
import { failuresOf } from '../../core/prompts.ts'
import type { RotationStatus } from '../../core/rotation.ts'
import type { SessionState } from '../../core/session.ts'
import type { Presented, Verification } from '../../core/sessions.ts'
import type { EngineContext } from '../context.ts'
import { accept, acceptNow, accessFor } from '../judging/answer.ts'
import { decide } from '../judging/decide.ts'
import { judgeShown, type MatchedPresentation, shownBy } from '../judging/open-session.ts'
import type { AuthenticatedPresentation } from '../judging/presentation.ts'
import { rotationDue } from '../judging/rotation.ts'
import { carriedEvidence, provedAt } from '../judging/weigh.ts'
import type { OpenedSession } from '../state/load.ts'
import { touchDue, touchIfDue } from '../state/save.ts'

/** Judges one presentation of a token: the ten steps of the design, in their order. */
export async function verify(engine: EngineContext, presented: Presented): Promise<Verification> {
  const shown = shownBy(engine, presented, 'session')
  if ('ok' in shown) return shown
  const copied = judgeCopy(engine, shown)
  if (copied === undefined) {
    engine.copies?.asked('miss')
    return judgeShown(engine, shown, (...read) => judgeRead(engine, ...read))
  }
  const { opened, decision } = copied
  return accept(engine, opened.state, opened.found, { decision, access: accessFor(shown) })
}

/**
 * {@link verify}, as far as it goes without asking or waiting for anybody: what is no token of ours is refused, and a local
 * copy that says `allow` lets pass. Undefined: ask `verify`.
 */
export function verifyNow(engine: EngineContext, presented: Presented): Verification | undefined {
  const shown = shownBy(engine, presented, 'session')
  if ('ok' in shown) return shown
  if (presented.audience !== undefined) return undefined
  const copied = judgeCopy(engine, shown)
  if (copied === undefined) return undefined
  const { opened, decision } = copied
  return acceptNow(engine, opened.state, opened.found, { decision })
}

function judgeRead(
  engine: EngineContext,
  opened: OpenedSession,
  shown: MatchedPresentation,
): Promise<Verification | 'lost_race'> | Verification {
  const { state, found } = opened
  const decision = judgeQuietly(engine, opened, shown)
  if (decision === undefined) return decide(engine, opened, shown)
  const answer = { decision, access: accessFor(shown) }
  const touched = touchIfDue(engine, found, shown.presentation)
  if (touched === undefined) return accept(engine, state, found, answer)
  return touched.then(() => accept(engine, state, found, answer))
}

/** Whatever is not quite as it was is settled on what the store says; so is whatever a fresh read alone can tell. */
function judgeCopy(
  engine: EngineContext,
  shown: AuthenticatedPresentation,
): { readonly opened: OpenedSession; readonly decision: Decision } | undefined {
  const { claims, presentation, presented } = shown
  const { at } = presentation
  const opened = engine.copies?.get(claims.session, at)
  if (opened === undefined || presented.acr !== undefined) return undefined
  const { found, state } = opened
  const { issued, acked, id } = state.family
  if (found.version < engine.versions.seen(found.id)) return undefined
  if (lifetimeVerdict(state, found.lastActivity, at) !== 'live' || touchDue(found, at))
    return undefined
  const newest = claims.family === id && claims.generation === issued.generation
  if (!newest || issued.generation !== acked.generation) return undefined
  if (!sameText(claims.digest, issued.digest)) return undefined
  const decision = judgeQuietly(engine, opened, { ...shown, rotation: CURRENT })
  if (decision === undefined) return undefined
  engine.copies?.asked('hit')
  return { opened, decision }
}

const CURRENT: RotationStatus = { status: 'current', first: false }

/** That it may pass; undefined where there is something to weigh. */
function judgeQuietly(
  engine: EngineContext,
  opened: OpenedSession,
  shown: MatchedPresentation,
): Decision | undefined {
  if (!unchanged(engine, opened, shown)) return undefined
  const decision = quietDecision(engine, opened.state, shown.presentation.at)
  return decision.outcome === 'allow' ? decision : undefined
}

/** Nothing new to weigh, nothing to write, nothing the route asks for: nearly every request. */
function unchanged(
  engine: EngineContext,
  opened: OpenedSession,
  shown: MatchedPresentation,
): boolean {
  const { presentation, presented, rotation } = shown
  const { last, family } = opened.state
  if (rotation.status !== 'current' || rotation.first) return false
  // A context that never was noted as using the secret could not have a request in flight when it is replaced.
  if (!family.contexts.includes(last.context)) return false
  if (presented.deliverable === true && rotationDue(engine, family, presentation)) return false
  return nothingNew(engine, opened, shown)
}

/** The session's last place and device once more, nothing against it, and nothing the route asks for. */
export function nothingNew(
  engine: EngineContext,
  { state, found }: OpenedSession,
  shown: MatchedPresentation,
): boolean {
  const { presentation, presented } = shown
  const { last, family } = state
  if (state.fork !== null) return false
  if (presentation.sensitivity !== 'normal' || presented.maxAgeMs !== undefined) return false
  if (!sameNetwork(presentation.network, last.network)) return false
  if (!sameDevice(presentation.device, last.device)) return false
  const context = findContext(state.contexts, last.context)
  if (context === undefined || context.state === 'challenged') return false
  if (failuresOf(state.failures, last.context) > 0) return false
  if (presented.acr !== undefined) {
    if (!provedAt(state, last.context)) return false
    if (!acrMet(family.acr, presented.acr, engine.acrOrder)) return false
  }
  const silence = presentation.at - (found.lastActivity ?? last.at)
  return context.state === 'confirmed' || silence < VISIT_GAP_MS
}

/** What the policy says of the last context when nothing but its own decaying evidence is on the scales. */
export function quietDecision(engine: EngineContext, state: SessionState, at: number): Decision {
  const context = findContext(state.contexts, state.last.context)
  const evidence = context === undefined ? [] : carriedEvidence(context, at)
  return engine.scalesOf(state.tenant).fast(evidence, {
    context: context?.state ?? 'new',
    canStepUp: state.factors.length > 0,
  })
}
